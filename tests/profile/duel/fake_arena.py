"""An arena without processes: each life draws its times from a script, at the seam where workers would be."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD
from pocketbench.profile.worker import WorkerFault

CALL_NS = 1_000_000


class FakeArena:
    """Args:
    head: the ratio of head's time to base's.
    again: that of base's other load to base's.
    layout: the spread between lives, as a fraction: what a load gives a model for as long as it stays.
    second_place: the ratio of who is loaded second to who is loaded first.
    dies_at: the number of the life, from 0, in which the worker is gone.
    before_life: called with the number of each life.
    """

    def __init__(
        self,
        *,
        head: float = 1.0,
        again: float = 1.0,
        layout: float = 0.002,
        second_place: float = 1.0,
        dies_at: int | None = None,
        before_life: Callable[[int], None] | None = None,
        seed: int = 0,
    ) -> None:
        self._speed = {BASE: 1.0, HEAD: head, BASE_AGAIN: again}
        self._layout = layout
        self._second_place = second_place
        self._dies_at = dies_at
        self._before_life = before_life
        self._random = random.Random(seed)
        self.lives: list[tuple[int, int]] = []
        self.orders: list[list[int]] = []
        self.killed = False

    def run_life(self, fighters: tuple[int, int], order: Sequence[int], turn: int) -> tuple[list[int], list[int]]:  # noqa: ARG002
        if self._before_life is not None:
            self._before_life(len(self.lives))
        if len(self.lives) == self._dies_at:
            raise WorkerFault("crash", "the worker died of SIGSEGV")
        self.lives.append(fighters)
        self.orders.append(list(order))
        own = [
            CALL_NS * self._speed[fighter] * (1 + self._random.gauss(0, self._layout)) * place_effect
            for fighter, place_effect in zip(fighters, (1.0, self._second_place), strict=True)
        ]
        cpu_ns = [round(own[place]) for place in order]
        return [2 * value for value in cpu_ns], cpu_ns

    def kill(self) -> None:
        self.killed = True
