"""What `pocketbench train` shows: progress on stderr while it works, then top-1 by model."""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from pocketbench.accuracy.training_record import Training
from pocketbench.cli.failures import refuse_failures
from pocketbench.cli.progress import watch
from pocketbench.core.jsonio import to_plain
from pocketbench.workflow.train_models import Progress, TrainOutcome, TrainRequest


@contextmanager
def watch_trainings(requests: Sequence[TrainRequest]) -> Iterator[Progress]:
    """A progress bar over epochs, with what is being trained now."""
    epochs = requests[0].recipe.epoch_count
    done: dict[TrainRequest, float] = {}
    guard = threading.Lock()
    with watch("training (epochs)", total=len(requests) * epochs) as bar:

        def on_progress(request: TrainRequest, fraction: float) -> None:
            with guard:
                done[request] = fraction
                bar.move(sum(int(part * epochs) for part in done.values()), len(requests) * epochs)
                bar.describe(", ".join(f"{one.title} {part:.0%}" for one, part in done.items() if part < 1))

        yield on_progress


def show_outcome(outcome: TrainOutcome, *, as_json: bool) -> None:
    """Print what is there now. Raises: UsageError or EnvironmentFault, when something could not be trained."""
    if as_json:
        click.echo(json.dumps([{"path": str(path), **to_plain(training)} for path, training in outcome.trainings]))
    else:
        for line in format_table([training for _, training in outcome.trainings]):
            click.echo(line)
        kept = len(outcome.trainings) - outcome.trained_count
        click.echo(f"{outcome.trained_count} trained, {kept} were done before", err=True)
    refuse_failed_trainings(outcome)


def format_table(trainings: Sequence[Training]) -> list[str]:
    """A row a model: top-1 of each seed, their mean and their standard deviation, in percent."""
    rows: dict[str, dict[int, float]] = {}
    for training in trainings:
        rows.setdefault(training.spec.name, {})[training.seed] = 100 * training.top1_fraction
    seeds = sorted({training.seed for training in trainings})
    if not seeds:
        return []
    width = max(map(len, rows))
    lines = [
        f"{'top-1 in %':<{width}}  {'mean':>6}  {'std':>5}  " + "  ".join(f"{f'seed {seed}':>7}" for seed in seeds)
    ]
    for name, found in rows.items():
        values = list(found.values())
        spread = f"{statistics.stdev(values):.2f}" if len(values) > 1 else ""
        cells = "  ".join(f"{found[seed]:>7.2f}" if seed in found else " " * 7 for seed in seeds)
        lines.append(f"{name:<{width}}  {statistics.mean(values):>6.2f}  {spread:>5}  {cells}".rstrip())
    return lines


def refuse_failed_trainings(outcome: TrainOutcome) -> None:
    """Raises: UsageError or EnvironmentFault, when something could not be trained."""
    refuse_failures(
        [(request.title, error) for request, error in outcome.failures],
        f"{len(outcome.failures)} of {len(outcome.failures) + len(outcome.trainings)} were not trained",
        "see the lines above; what was trained is kept",
    )
