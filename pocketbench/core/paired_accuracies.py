"""Two accuracies of the same pictures, compared picture by picture: far sharper than their two intervals."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.proportions import Z95
from pocketbench.core.records import Accuracy

_FRACTION_BITS = 32
_GOLDEN = 2654435769
"""2^32 divided by the golden ratio: its multiples, cut to 32 bits, fill the range evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Top-1 of head minus top-1 of base, on `picture_count` pictures that both judged, with its 95 % interval.

    `lost_count` pictures are right by base alone, `won_count` by head alone.
    """

    picture_count: int
    lost_count: int
    won_count: int
    difference_fraction: float
    low_fraction: float
    high_fraction: float


def choose_pictures(count: int, limit: int | None = None) -> list[int]:
    """Which of `count` pictures a subset of `limit` holds: one out of each of `limit` parts of equal size, in order.

    Picture i is at the place frac(i * 0.618) of its part, and not always at the same one: in a split whose classes take
    turns, steps of one width would meet a few classes only.
    """
    if limit is None or limit >= count:
        return list(range(count))
    chosen = []
    for index in range(limit):
        start, end = index * count // limit, (index + 1) * count // limit
        place = index * _GOLDEN % 2**_FRACTION_BITS
        chosen.append(start + (place * (end - start) >> _FRACTION_BITS))
    return chosen


def pack_bits(right: Sequence[bool]) -> str:
    """A bit a picture, the first one highest, as base64."""
    padded = [*right, *[False] * (-len(right) % 8)]
    content = bytes(
        sum(bit << (7 - place) for place, bit in enumerate(padded[start : start + 8]))
        for start in range(0, len(padded), 8)
    )
    return base64.b64encode(content).decode("ascii")


def count_chosen(accuracy: Accuracy) -> int:
    """How many pictures were to be judged: those that can't be read are among them."""
    return (accuracy.image_count or 0) + accuracy.unreadable_count


def compare_accuracies(base: Accuracy, head: Accuracy) -> PairedDifference | None:
    """The difference on the pictures that both judged; None where they are not of the same split of the same data, or
    of two subsets of different size, or nobody kept which pictures were right."""
    key = base.dataset_sha256, base.split, base.split_count
    if None in key or key != (head.dataset_sha256, head.split, head.split_count):
        return None
    smaller, larger = sorted((base, head), key=count_chosen)
    by_base, by_head = _read_bits(base), _read_bits(head)
    if by_base is None or by_head is None or not smaller.image_count:
        return None
    if count_chosen(smaller) != count_chosen(larger) != larger.split_count:
        return None
    shared = by_base.keys() & by_head.keys()
    lost = sum(by_base[index] and not by_head[index] for index in shared)
    won = sum(by_head[index] and not by_base[index] for index in shared)
    low, high = bound_difference(lost, won, smaller.image_count)
    return PairedDifference(
        picture_count=smaller.image_count,
        lost_count=lost,
        won_count=won,
        difference_fraction=(won - lost) / smaller.image_count,
        low_fraction=low,
        high_fraction=high,
    )


def _read_bits(accuracy: Accuracy) -> dict[int, bool] | None:
    """Picture -> whether it was right. What could not be read is wrong."""
    if accuracy.top1_bits is None or accuracy.split_count is None:
        return None
    content = base64.b64decode(accuracy.top1_bits)
    chosen = choose_pictures(accuracy.split_count, count_chosen(accuracy))
    if len(content) != -(-len(chosen) // 8):
        return None
    return {picture: bool(content[bit // 8] >> (7 - bit % 8) & 1) for bit, picture in enumerate(chosen)}


def bound_difference(lost_count: int, won_count: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a difference of two fractions of the same `count` pictures.

        d -+ z sqrt((p + q - d^2) / (n + 2)),  p = (won + 1) / (n + 2), q = (lost + 1) / (n + 2), d = p - q

    Source: D. G. Bonett, R. M. Price, Adjusted Wald confidence interval for a difference of binomial proportions based
    on paired data, Journal of Educational and Behavioral Statistics 37 (2012).
    """
    total = count + 2
    won, lost = (won_count + 1) / total, (lost_count + 1) / total
    difference = won - lost
    reach = Z95 * math.sqrt(max(0.0, won + lost - difference * difference) / total)
    return max(-1.0, difference - reach), min(1.0, difference + reach)
