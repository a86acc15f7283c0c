"""A progress bar on stderr, for people only: nothing is drawn when stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class ProgressBar:
    """Where nobody looks; `watch` gives one that draws when somebody does."""

    def advance(self) -> None:
        """One step of the total is done."""

    def move(self, done: int, total: int) -> None:
        """So many steps of a total that may change are done."""

    def describe(self, text: str) -> None:
        """What is being done now."""


@contextmanager
def watch(title: str, total: int, *, still: bool = False) -> Iterator[ProgressBar]:
    """A bar of `total` steps for as long as the block runs.

    Args:
        still: draw only when told something new, never in the background: drawing takes time from a measurement.
    """
    if not sys.stderr.isatty():
        yield ProgressBar()
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[now]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=not still) as progress:
        task = progress.add_task(title, total=total, now="")

        class Drawn(ProgressBar):
            def advance(self) -> None:
                progress.advance(task)

            def move(self, done: int, total: int) -> None:
                progress.update(task, completed=done, total=total, refresh=still)

            def describe(self, text: str) -> None:
                progress.update(task, now=escape(text))

        yield Drawn()
