"""Where the names of a scatter plot's points go, so that they cover neither points nor one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# A place must be free in the plot of a narrow phone, where names are long, and in a wide one, where error bars are.
_PLOT_WIDTHS = (270.0, 520.0)
_PLOT_HEIGHT = 300.0
_CHARACTER_WIDTH = 6.5
_LINE_HEIGHT = 13.0
_GAP = 9.0
_RADIUS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a name stands beside its point. Unit: px from the point; y grows downwards. `align` is left, center or
    right and says which part of the name is there."""

    dx: float
    dy: float
    align: str


PLACES = (
    Place(dx=_GAP, dy=0.0, align="left"),
    Place(dx=-_GAP, dy=0.0, align="right"),
    Place(dx=0.0, dy=-13.0, align="center"),
    Place(dx=0.0, dy=13.0, align="center"),
    Place(dx=_GAP, dy=-11.0, align="left"),
    Place(dx=_GAP, dy=11.0, align="left"),
    Place(dx=-_GAP, dy=-11.0, align="right"),
    Place(dx=-_GAP, dy=11.0, align="right"),
)

_Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point with its error bars (from `left` to `right`, and from `top` down to `bottom`), as fractions of the plot's
    width, from the left, and of its height, from the top."""

    x: float
    y: float
    left: float
    right: float
    top: float
    bottom: float


def place_labels(marks: Sequence[Mark], labels: Sequence[str]) -> list[Place | None]:
    """For each point the first place whose name is inside of the plot and free, one after the other; None when no place
    is free: an unnamed point is better than two names that can't be read.

    Args:
        marks: the points with their error bars.
        labels: the names, as long as `marks`.
    """
    taken = {width: [box for mark in marks for box in _cover(mark, width)] for width in _PLOT_WIDTHS}
    chosen: list[Place | None] = []
    for mark, label in zip(marks, labels, strict=True):
        found = None
        for place in PLACES:
            boxes = {width: _make_box(mark, width, label, place) for width in _PLOT_WIDTHS}
            if all(_is_free(box, width, taken[width]) for width, box in boxes.items()):
                found = place
                for width, box in boxes.items():
                    taken[width].append(box)
                break
        chosen.append(found)
    return chosen


def _cover(mark: Mark, plot_width: float) -> list[_Box]:
    """What a point and its error bars cover."""
    x, y = mark.x * plot_width, mark.y * _PLOT_HEIGHT
    point = (x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS)
    across = (mark.left * plot_width, y - 1, mark.right * plot_width, y + 1)
    upright = (x - 1, mark.top * _PLOT_HEIGHT, x + 1, mark.bottom * _PLOT_HEIGHT)
    return [point, across, upright]


def _make_box(mark: Mark, plot_width: float, label: str, place: Place) -> _Box:
    width = len(label) * _CHARACTER_WIDTH
    left = mark.x * plot_width + place.dx - {"left": 0.0, "center": width / 2, "right": width}[place.align]
    top = mark.y * _PLOT_HEIGHT + place.dy - _LINE_HEIGHT / 2
    return (left, top, left + width, top + _LINE_HEIGHT)


def _is_free(box: _Box, plot_width: float, taken: Sequence[_Box]) -> bool:
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > plot_width or bottom > _PLOT_HEIGHT:
        return False
    # a loop in one piece: a page of a hundred plots asks this of two million pairs of boxes
    for other_left, other_top, other_right, other_bottom in taken:
        if left < other_right and other_left < right and top < other_bottom and other_top < bottom:
            return False
    return True
