"""How far a run is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pocketbench.profile.cell import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done_count` of `total_count` steps are over, and what begins now. A step is a load or a burst of one cell."""

    done_count: int
    total_count: int
    text: str


class Steps:
    """Counts the steps of a run and tells `on_progress`.

    Args:
        done: (cell index, session index) that an earlier run has finished.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        done: Collection[tuple[int, int]],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._on_progress = on_progress
        self._open = {
            (index, session_index): 1 + cell.plan.round_count
            for index, cell in enumerate(cells)
            for session_index in range(cell.plan.session_count)
            if (index, session_index) not in done
        }
        self._sizes = dict(self._open)
        self._total_count = sum(self._open.values())

    def begin(self, text: str) -> None:
        if self._on_progress is not None:
            done_count = self._total_count - sum(self._open.values())
            self._on_progress(Progress(done_count=done_count, total_count=self._total_count, text=text))

    def finish(self, index: int, session_index: int) -> None:
        """A step of a cell is over."""
        self._open[index, session_index] -= 1

    def restart(self, index: int, session_index: int) -> None:
        """What a cell did in a session is void and will be done again."""
        self._open[index, session_index] = self._sizes[index, session_index]

    def give_up(self, index: int) -> None:
        """A cell failed: what it had left will not be done."""
        self._open = {key: count for key, count in self._open.items() if key[0] != index}
