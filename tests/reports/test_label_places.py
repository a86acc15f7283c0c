import random

import pytest

from pocketbench.reports.label_places import Mark, place_labels


def make_mark(x: float, y: float, reach: float = 0.0, rise: float = 0.0) -> Mark:
    return Mark(x=x, y=y, left=x - reach, right=x + reach, top=y - rise, bottom=y + rise)


def test_a_lonely_name_stands_to_the_right() -> None:
    (place,) = place_labels([make_mark(0.5, 0.5)], ["ca"])
    assert place is not None
    assert (place.align, place.dy) == ("left", 0)


def test_a_name_at_the_edge_goes_inwards() -> None:
    (place,) = place_labels([make_mark(0.97, 0.5)], ["cbam"])
    assert place is not None
    assert place.align == "right"


def test_a_name_avoids_an_error_bar() -> None:
    (place,) = place_labels([make_mark(0.5, 0.5, reach=0.2)], ["ca"])
    assert place is not None
    assert place.align == "center"


def test_a_name_avoids_error_bars_both_ways() -> None:
    (place,) = place_labels([make_mark(0.5, 0.5, reach=0.2, rise=0.2)], ["ca"])
    assert place is not None
    assert place.align != "center"
    assert place.dy != 0


def test_a_name_avoids_the_upright_bar_of_a_neighbour() -> None:
    (place, _) = place_labels([make_mark(0.5, 0.5), make_mark(0.54, 0.8, rise=0.5)], ["ca", "se"])
    assert place is not None
    assert place.align == "right"


def test_equal_points_get_different_places_until_there_is_none() -> None:
    places = place_labels([make_mark(0.5, 0.5)] * 12, ["name"] * 12)
    given = [place for place in places if place is not None]
    assert len(set(given)) == len(given)
    assert 4 <= len(given) < 12


@pytest.mark.parametrize("width", [270.0, 520.0])
def test_names_never_overlap(width: float) -> None:
    generator = random.Random(3)
    marks = [make_mark(generator.random(), generator.random()) for _ in range(25)]
    boxes = []
    for mark, place in zip(marks, place_labels(marks, ["abcdef"] * 25), strict=True):
        if place is not None:
            length = 6 * 6.0
            x = mark.x * width + place.dx - {"left": 0, "center": length / 2, "right": length}[place.align]
            boxes.append((x, mark.y * 300 + place.dy, length))
    assert len(boxes) > 8
    for index, (x, y, length) in enumerate(boxes):
        for other_x, other_y, _ in boxes[:index]:
            assert abs(x - other_x) >= length or abs(y - other_y) >= 12
