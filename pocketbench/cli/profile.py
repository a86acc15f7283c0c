"""`pocketbench profile`: latency of model files, or of a suite, with every sample kept."""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError


@click.command(
    epilog="""\b
examples:
  pocketbench profile model.tflite other.tflite --engine litert --threads 1
  pocketbench profile detector.onnx --engine onnxruntime --shape image=1,3,640,640
  pocketbench profile --suite paper

All files are measured in turn, burst by burst, so that the machine's drift falls on all alike. An interrupted run
goes on where it stopped when the same command is given again."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--suite", metavar="NAME|FILE", help="All models of a suite; exports what is missing first.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path), help="Folder of the suite's files.  [default: out/export]"
)
@click.option("--engine", metavar="LIST", help="onnxruntime, litert, tflite_runtime.  [default: by the file's format]")
@click.option("--threads", metavar="LIST", help="Thread counts: 1 or 1,2,4.  [default: 1]")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=DIMS", help="Size of an open input: image=1,3,224,224")
@click.option("--sessions", type=int, help="Fresh processes a file.  [default: 3]")
@click.option("--rounds", type=int, help="Bursts of 10 inferences a session.  [default: 20]")
@click.option("--python", type=click.Path(path_type=Path), help="Interpreter for the engine's worker.")
@options.as_json
def command(
    paths: tuple[Path, ...],
    suite: str | None,
    artifacts: Path | None,
    engine: str | None,
    threads: str | None,
    shapes: tuple[str, ...],
    sessions: int | None,
    rounds: int | None,
    python: Path | None,
    as_json: bool,
) -> None:
    """Measure the latency of model files on this machine, each in worker processes of its own."""
    from pocketbench.cli.export_view import refuse_failures, watch_exports
    from pocketbench.cli.profile_view import show_results, watch_run
    from pocketbench.core.store import Store
    from pocketbench.profile.device import read_host_device
    from pocketbench.workflow.export_models import ExportOutcome
    from pocketbench.workflow.profile_models import profile_models
    from pocketbench.workflow.profile_request import list_file_cells, list_suite_cells

    plan_options = {"engine": engine, "threads": threads, "shape": shapes, "sessions": sessions, "rounds": rounds}
    if (suite is None) == (not paths):
        raise UsageError("profile needs model files or --suite NAME, one of them", "pocketbench profile model.tflite")
    if suite is not None:
        for name, value in plan_options.items():
            if value:
                raise UsageError(f"--{name} does not go with --suite", "the suite's file says it")
        cells, exports = list_suite_cells(suite, artifacts or options.EXPORT_FOLDER, watch_exports)
    else:
        if artifacts is not None:
            raise UsageError("--artifacts goes with --suite", "name the files themselves")
        exports = ExportOutcome()
        cells = list_file_cells(
            paths, engines=engine, threads=threads, shapes=shapes, session_count=sessions, round_count=rounds
        )
    pythons = {cell.plan.engine: python for cell in cells} if python is not None else None
    with watch_run() as on_progress:
        outcome = profile_models(cells, Store(), device=read_host_device(), on_progress=on_progress, pythons=pythons)
    show_results(outcome, as_json=as_json)
    refuse_failures(exports)
