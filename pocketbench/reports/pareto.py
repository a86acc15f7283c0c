"""The Pareto front: what nothing else beats in both cost and value."""

from __future__ import annotations

from collections.abc import Sequence


def find_pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indexes of the points (cost, value) for which no other point costs no more, is worth no less and differs,
    by increasing cost. Equal points are on the front together or not at all.

    Cost: n log n.
    """
    front: list[int] = []
    best: tuple[float, float] | None = None
    for index in sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1])):
        if best is None or points[index][1] > best[1]:
            best = points[index]
            front.append(index)
        elif points[index] == best:
            front.append(index)
    return front
