"""`pocketbench import`: what another tool measured, into the same table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pocketbench.cli import options

if TYPE_CHECKING:
    from pocketbench.core.store import Store
    from pocketbench.workflow.import_results import ImportOutcome


@click.command(
    epilog="""\b
examples:
  pocketbench import run.txt --device pixel4 --artifact out/export/mobilenet_v2_1.0_ca32_224.tflite
  pocketbench import profile.json --device s24 --artifact 3fe1c2a94b
  pocketbench import benchncnn.txt --model mobilenet_v2 --device rpi5 --artifact net.onnx
  adb shell ./benchmark_model --graph=net.tflite | pocketbench import - --device pixel4 --artifact net.tflite

Kinds for --from: benchmark_model (also what litert-benchmark prints), litert-benchmark (its JSON), ai-hub (Qualcomm's
profile as JSON), onnxruntime (onnxruntime_perf_test's CSV), ncnn, mnn, xcode (a .mlperf bundle)."""
)
@click.argument("path", metavar="FILE")
@click.option("--device", required=True, metavar="NAME", help="The device it was measured on.")
@click.option("--artifact", required=True, metavar="SHA|FILE", help="The model file, or 8 or more of its sha256.")
@click.option("--from", "kind", metavar="KIND", help="What wrote the file.  [default: by its content]")
@click.option("--model", metavar="NAME", help="Which model, when the file has several.")
@click.option("--engine", metavar="NAME", help="What ran the model, where the file does not say.")
@click.option("--threads", type=int, help="How many, where the file does not say.")
@click.option("--delegate", metavar="NAME", help="Which one, where the file does not say.")
@click.option("--artifacts", type=click.Path(path_type=Path), help="Folder of exported files.  [default: out/export]")
@options.as_json
def command(
    path: str,
    device: str,
    artifact: str,
    kind: str | None,
    model: str | None,
    engine: str | None,
    threads: int | None,
    delegate: str | None,
    artifacts: Path | None,
    as_json: bool,
) -> None:
    """Take over a latency that another tool measured; `pocketbench report` shows it with its origin."""
    from pocketbench.core.results_frame import result_row
    from pocketbench.core.store import Store
    from pocketbench.workflow.import_file import read_foreign_file
    from pocketbench.workflow.import_results import ImportRequest, import_result

    store = Store()
    request = ImportRequest(
        device=device,
        artifact=artifact,
        kind=kind,
        model=model,
        engine=engine,
        thread_count=threads,
        delegate=delegate,
    )
    known = store.read_values("device_id")
    outcome = import_result(read_foreign_file(path), request, store, artifacts or options.EXPORT_FOLDER)
    if as_json:
        click.echo(json.dumps({"is_new": outcome.is_new} | result_row(outcome.result), indent=2))
    else:
        click.echo(describe_import(outcome))
    if outcome.is_new:
        click.echo(describe_store(outcome, store, known), err=True)


def describe_import(outcome: ImportOutcome) -> str:
    """One line: what the figure is, of what, on what, by whom."""
    from pocketbench.core.results_frame import result_row
    from pocketbench.core.sample_text import describe_samples
    from pocketbench.core.units import format_ms

    result = outcome.result
    origin = result.origin
    assert origin is not None
    row = result_row(result)
    measurement, latency = result.measurement, row["median_ms"]
    assert measurement is not None
    assert isinstance(latency, float)
    assert isinstance(row["n"], int)
    figure = f"{format_ms(latency * 1e6)} ({describe_samples(measurement, row['n'])})"
    ran = " ".join(filter(None, [result.plan.engine, result.plan.delegate]))
    done = "imported" if outcome.is_new else "imported already, nothing was changed"
    was = outcome.replaced
    place = f"; no longer as {was.artifact.model_name} on {was.device.name}" if was is not None else ""
    return f"{done}: {figure}, {result.artifact.model_name}, {ran} on {result.device.name}, by {origin.tool}{place}"


def describe_store(outcome: ImportOutcome, store: Store, known: list[str]) -> str:
    """Where it went; and, for a device that is seen for the first time, one with nearly the same name."""
    import difflib

    from pocketbench.core.store import IMPORTED

    device_id = outcome.result.device.device_id
    names = [name.removeprefix(IMPORTED) for name in known if name.startswith(IMPORTED)]
    name = device_id.removeprefix(IMPORTED)
    close = difflib.get_close_matches(name, [other for other in names if other != name], n=1, cutoff=0.7)
    hint = f"; {name} is a new device, did you mean {close[0]}?" if close and name not in names else ""
    return f"1 result in {store.place}{hint}"
