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
  pocketbench profile --suite paper --on pixel4,rpi5,host
  pocketbench profile model.tflite --operators

All files are measured in turn, burst by burst, so that the machine's drift falls on all alike. An interrupted run
goes on where it stopped when the same command is given again."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--suite", metavar="NAME|FILE", help="All models of a suite; exports what is missing first.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path), help="Folder of the suite's files.  [default: out/export]"
)
@click.option(
    "--on", "devices", metavar="LIST", help="Devices of devices.toml: pixel4,host.  [default: host, or the suite's]"
)
@click.option(
    "--engine", metavar="LIST", help="litert, onnxruntime, coreml:cpu_and_ne, ...  [default: by the file's format]"
)
@click.option("--threads", metavar="LIST", help="Thread counts: 1 or 1,2,4.  [default: 1]")
@click.option("--shape", "shapes", multiple=True, metavar="NAME=DIMS", help="Size of an open input: image=1,3,224,224")
@click.option("--sessions", type=int, help="Fresh processes a file.  [default: 3]")
@click.option("--rounds", type=int, help="Bursts of 10 inferences a session.  [default: 20]")
@click.option("--python", type=click.Path(path_type=Path), help="Interpreter for the engine's worker.")
@click.option("--operators", is_flag=True, help="Also time each operator, in passes of their own.")
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
    devices: str | None,
    operators: bool,
) -> None:
    """Measure the latency of model files on this machine or on devices, each in processes of its own."""
    from pocketbench.cli.export_view import refuse_failed_exports, watch_exports
    from pocketbench.cli.profile_view import show_left_out, show_results, watch_run
    from pocketbench.core.store import Store
    from pocketbench.workflow.device_cells import check_every_file_is_measured, plan_devices
    from pocketbench.workflow.devices_file import choose_devices
    from pocketbench.workflow.profile_devices import profile_devices
    from pocketbench.workflow.profile_request import request_files, request_suite

    plan_options = {"engine": engine, "threads": threads, "shape": shapes, "sessions": sessions, "rounds": rounds}
    if (suite is None) == (not paths):
        raise UsageError("profile needs model files or --suite NAME, one of them", "pocketbench profile model.tflite")
    names = [name.strip() for name in devices.split(",")] if devices is not None else None
    chosen = choose_devices(names) if names is not None else None  # before the long work of an export
    if suite is not None:
        for name, value in plan_options.items():
            if value:
                raise UsageError(f"--{name} does not go with --suite", "the suite's file says it")
        request = request_suite(suite, artifacts or options.EXPORT_FOLDER, watch_exports)
    else:
        if artifacts is not None:
            raise UsageError("--artifacts goes with --suite", "name the files themselves")
        request = request_files(
            paths, engines=engine, threads=threads, shapes=shapes, session_count=sessions, round_count=rounds
        )
    entries = chosen if chosen is not None else choose_devices(request.device_names)
    if python is not None and any(entry.transport != "host" for entry in entries):
        raise UsageError("--python is for this machine", "a board's interpreter stands in devices.toml")
    with watch_run() as on_progress:
        planned = plan_devices(entries, request.artifacts, request.plans, python)
        if suite is None:
            check_every_file_is_measured(planned)
        outcome = profile_devices(planned, Store(), on_progress=on_progress, with_operators=operators)
    if devices is not None:
        show_left_out(planned)
    show_results(outcome, as_json=as_json)
    refuse_failed_exports(request.exports)
