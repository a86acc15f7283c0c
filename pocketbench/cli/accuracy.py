"""`pocketbench accuracy`: top-1 and top-5 of exported files, by the engines that time them."""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError


@click.command(
    epilog="""\b
examples:
  pocketbench accuracy out/export/*.onnx out/export/*.tflite --data fashion-mnist
  pocketbench accuracy --suite fashion --data fashion-mnist
  pocketbench accuracy net.tflite --data imagenet --mean 0.5 --std 0.5 --resize 256 --interpolation bilinear

The pictures are the test split. A file that pocketbench exported from trained weights knows how its pictures are
prepared; for others --mean, --std and the options below it say it, on the scale 0 to 1."""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--suite", metavar="NAME|FILE", help="All files of a suite; exports what is missing first.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path), help="Folder of the suite's files.  [default: out/export]"
)
@click.option(
    "--data", metavar="NAME|PATH", required=True, help="fashion-mnist, an .npz file, or a folder of pictures."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Only so many pictures, spread over the split.  [default: all; 200 for .mlpackage]",
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="Pictures at a time, a thread each.  [default: one a core]"
)
@options.describe_framing
@options.as_json
def command(
    paths: tuple[Path, ...],
    suite: str | None,
    artifacts: Path | None,
    data: str,
    limit: int | None,
    threads: int | None,
    as_json: bool,
    **given: str | int | None,
) -> None:
    """Judge model files by labelled pictures: top-1 and top-5 with 95 % intervals, and what a conversion or a
    quantisation lost. What is known of the same file and pictures is not measured again."""
    from pocketbench.cli.accuracy_view import refuse_failed_accuracies, show_accuracies, watch_accuracies
    from pocketbench.cli.export_view import refuse_failed_exports, watch_exports
    from pocketbench.core.store import Store
    from pocketbench.workflow.accuracy_framing import parse_framing
    from pocketbench.workflow.accuracy_models import measure_accuracies
    from pocketbench.workflow.accuracy_request import request_files, request_suite
    from pocketbench.workflow.worker_count import count_workers

    if (suite is None) == (not paths):
        raise UsageError(
            "accuracy needs model files or --suite NAME, one of them", "pocketbench accuracy model.tflite --data NAME"
        )
    if suite is None and artifacts is not None:
        raise UsageError("--artifacts goes with --suite", "name the files themselves")
    framing = parse_framing(**given)  # type: ignore[arg-type]
    exports = None
    if suite is not None:
        if framing is not None:
            raise UsageError("--mean and the options beside it do not go with --suite", "name the files themselves")
        plan, exports = request_suite(suite, artifacts or options.EXPORT_FOLDER, limit, watch_exports)
    else:
        plan = request_files(paths, framing, limit)
    with watch_accuracies(plan.requests) as on_progress:
        outcome = measure_accuracies(plan.requests, data, Store(), threads or count_workers(1), on_progress)
    outcome.failures = [*plan.refusals, *outcome.failures]
    show_accuracies(outcome, as_json=as_json)
    refuse_failed_accuracies(outcome)
    if exports is not None:
        refuse_failed_exports(exports)
