"""`pocketbench train`: train the models of a suite, all from one recipe."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError


@click.command(
    epilog="""\b
examples:
  pocketbench train --suite fashion
  pocketbench train --suite fashion --seeds 0 --jobs 1
  pocketbench export --model mobilenet_v2 --width 0.35 --classes 10 --input-size 32 --channels 1 --checkpoint FILE"""
)
@click.option("--suite", metavar="NAME|FILE", required=True, help="A suite with a [train] table.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the weights.  [default: out/train]")
@click.option("--seeds", metavar="LIST", help="0,1,2 instead of the suite's.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Trainings at a time.  [default: one a core; 1 on a GPU]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: a GPU where torch finds one.",
)
@options.as_json
def command(suite: str, out: Path | None, seeds: str | None, jobs: int | None, device: str, as_json: bool) -> None:
    """Train each model of a suite from each seed. What is done is not trained again; a training that was interrupted,
    or killed, goes on from its last whole epoch."""
    from pocketbench.cli.train_view import show_outcome, watch_trainings
    from pocketbench.workflow.suites import read_suite
    from pocketbench.workflow.train_device import choose_device, count_jobs
    from pocketbench.workflow.train_models import list_requests, train_models
    from pocketbench.workflow.trained_weights import TRAIN_FOLDER

    chosen = read_suite(suite)
    if chosen.train is None:
        raise UsageError(f"suite {chosen.name} has no [train] table", "pocketbench train --suite fashion")
    folder = out or TRAIN_FOLDER
    requests = list_requests(chosen.models, chosen.train, folder, parse_seeds(seeds) if seeds is not None else None)
    device = choose_device(device)
    with watch_trainings(requests) as on_progress:
        outcome = train_models(requests, folder, device, jobs or count_jobs(device), on_progress)
    show_outcome(outcome, as_json=as_json)


def parse_seeds(text: str) -> list[int]:
    """ "0,1,2". Raises: UsageError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,10}", part) and int(part) < 2**32 for part in parts):
        raise UsageError(f"--seeds {text!r} is no list of seeds", "--seeds 0,1,2")
    return list(dict.fromkeys(map(int, parts)))
