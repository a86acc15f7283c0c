"""`pocketbench compare`: which of two model files is faster."""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.cli import options


@click.command(
    epilog="""\b
examples:
  pocketbench compare mobilenet.tflite mobilenet_ca.tflite
  pocketbench compare a.onnx b.onnx --threads 2

A is base and B is head, as in pocketbench gate, and so are the exit codes: 0 pass, 4 regressed, 5 inconclusive."""
)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--engine", metavar="LIST", help="onnxruntime, litert.  [default: by the files' format]")
@click.option("--threads", metavar="LIST", help="Thread counts: 1 or 1,4.  [default: 1]")
@options.as_json
def command(a: Path, b: Path, engine: str | None, threads: str | None, as_json: bool) -> int:
    """Time two model files against each other on this machine, and compare what stands in them."""
    from pocketbench.cli.gate_view import print_report, watch_gate
    from pocketbench.workflow.gate.run import run_gate
    from pocketbench.workflow.gate.sources import compare_files

    request = compare_files(a, b, engines=engine, threads=threads)
    with watch_gate() as on_progress:
        report = run_gate(request, on_progress=on_progress)
    print_report(report, as_json=as_json)
    return report.exit_code
