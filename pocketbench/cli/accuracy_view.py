"""What `pocketbench accuracy` shows: progress on stderr while it works, then a line a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from pocketbench.cli.failures import refuse_failures
from pocketbench.cli.progress import watch
from pocketbench.core.jsonio import to_plain
from pocketbench.core.paired_accuracies import PairedDifference, count_chosen
from pocketbench.core.proportions import bound_fraction
from pocketbench.core.records import Accuracy
from pocketbench.core.units import make_printable
from pocketbench.workflow.accuracy_losses import Loss, find_losses
from pocketbench.workflow.accuracy_models import AccuracyOutcome, Progress
from pocketbench.workflow.accuracy_request import AccuracyRequest

SHOWN_NAMES = 5


@contextmanager
def watch_accuracies(requests: Sequence[AccuracyRequest]) -> Iterator[Progress]:
    """A progress bar over the pictures of one file after another."""
    with watch("judging", total=1) as bar:
        bar.describe("reading the data set")

        def on_progress(request: AccuracyRequest, done: int, count: int) -> None:
            place = requests.index(request) + 1
            bar.describe(f"{place} of {len(requests)}: {make_printable(request.path.name)}")
            bar.move(done, count)

        yield on_progress


def show_accuracies(outcome: AccuracyOutcome, *, as_json: bool) -> None:
    """Print what is known now, and on stderr what to know about it."""
    losses = find_losses(outcome.accuracies)
    if as_json:
        click.echo(
            json.dumps(
                [
                    describe_accuracy(request, accuracy, loss)
                    for (request, accuracy), loss in zip(outcome.accuracies, losses, strict=True)
                ]
            )
        )
    elif outcome.accuracies:
        show_table(outcome, losses)
    if outcome.unreadable:
        names = list(outcome.unreadable)
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        shown = "; ".join(outcome.unreadable[name] for name in names[:SHOWN_NAMES])
        left_out = "1 picture was not judged" if len(names) == 1 else f"{len(names)} pictures were not judged"
        click.echo(make_printable(f"{left_out}: {shown}{more}"), err=True)
    for request, accuracy in outcome.accuracies:
        if accuracy.unreadable_count and not outcome.unreadable:
            count = f"{accuracy.unreadable_count} of {count_chosen(accuracy)} pictures could not be read"
            click.echo(make_printable(f"{request.path.name}: {count} when it was measured"), err=True)
    for remark in dict.fromkeys(accuracy.source for _, accuracy in outcome.accuracies if ";" in accuracy.source):
        files = [request.path.name for request, accuracy in outcome.accuracies if accuracy.source == remark]
        click.echo(make_printable(f"{', '.join(files)}: {remark.partition('; ')[2]}"), err=True)
    if outcome.accuracies:
        known = len(outcome.accuracies) - outcome.measured_count
        click.echo(f"{outcome.measured_count} measured, {known} known from before", err=True)


def describe_accuracy(request: AccuracyRequest, accuracy: Accuracy, loss: Loss | None) -> dict[str, Any]:
    """The record with its intervals, and what was lost against which file."""
    count = accuracy.image_count or 0
    top5 = accuracy.top5_fraction
    return {
        "path": str(request.path),
        "top1_interval": bound_fraction(accuracy.top1_fraction, count),
        "top5_interval": bound_fraction(top5, count) if top5 is not None else None,
        "against": None if loss is None else {"path": str(loss.base.path), **to_plain(loss.difference)},
        **to_plain(accuracy),
    }


def show_table(outcome: AccuracyOutcome, losses: Sequence[Loss | None]) -> None:
    """A line a file. `lost` are the pictures that the file it is compared with has right and it has not."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 10_000
    first = outcome.accuracies[0][1]
    table = Table(box=None, header_style="bold", pad_edge=False)
    has_losses = any(loss is not None for loss in losses)
    for name in ("top-1 %", "95 %", "top-5 %", "95 %", *(("points", "95 %", "lost", "won") if has_losses else ())):
        table.add_column(name, no_wrap=True, justify="right")
    if has_losses:
        table.add_column("against", no_wrap=True)
    table.add_column("pictures", no_wrap=True, justify="right")
    table.add_column("engine", no_wrap=True)
    table.add_column("file", overflow="fold")
    for (request, accuracy), loss in zip(outcome.accuracies, losses, strict=True):
        count = accuracy.image_count or 0
        table.add_row(
            *format_fraction(accuracy.top1_fraction, count),
            *format_fraction(accuracy.top5_fraction, count),
            *(format_loss(loss) if has_losses else ()),
            f"{count} of {accuracy.split_count}",
            accuracy.engine or "",
            make_printable(str(request.path)),
        )
    console.print(f"{make_printable(first.dataset)}, {first.split} split", soft_wrap=True)
    console.print(table)


def format_fraction(fraction: float | None, count: int) -> tuple[str, str]:
    """ "85.82", "85.12 to 86.49", in percent."""
    if fraction is None:
        return "", ""
    low, high = bound_fraction(fraction, count)
    return f"{100 * fraction:.2f}", f"{100 * low:.2f} to {100 * high:.2f}"


def format_loss(loss: Loss | None) -> tuple[str, str, str, str, str]:
    """ "-0.12", "-0.30 to +0.06", in points of a percent."""
    if loss is None:
        return "", "", "", "", ""
    difference: PairedDifference = loss.difference
    low, high = (f"{100 * value:+.2f}" for value in (difference.low_fraction, difference.high_fraction))
    return (
        f"{100 * difference.difference_fraction:+.2f}",
        f"{low} to {high}",
        str(difference.lost_count),
        str(difference.won_count),
        f"{loss.base.artifact.format} {loss.base.artifact.precision}",
    )


def refuse_failed_accuracies(outcome: AccuracyOutcome) -> None:
    """Raises: UsageError or EnvironmentFault, when a file could not be judged."""
    refuse_failures(
        [(make_printable(str(path)), error) for path, error in outcome.failures],
        f"{len(outcome.failures)} of {len(outcome.failures) + len(outcome.accuracies)} files were not judged",
        "see the lines above; what was measured is kept",
    )
