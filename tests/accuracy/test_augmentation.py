"""Augmentation: each picture is one of those that moving and mirroring give, and every one of them comes."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from pocketbench.accuracy.augmentation import augment


def list_possible(picture: np.ndarray, shift: int) -> dict[bytes, tuple[int, int, bool]]:
    """By hand: every way to cut the window out of the picture with black around it."""
    _, height, width = picture.shape
    padded = np.pad(picture, ((0, 0), (shift, shift), (shift, shift)))
    found = {}
    for down, right, mirrored in itertools.product(range(2 * shift + 1), range(2 * shift + 1), (False, True)):
        window = padded[:, down : down + height, right : right + width]
        found[np.ascontiguousarray(window[:, :, ::-1] if mirrored else window).tobytes()] = (down, right, mirrored)
    return found


def test_every_position_comes_about_equally_often_and_nothing_else():
    picture = np.random.default_rng(0).integers(1, 256, (2, 5, 4)).astype(np.uint8)
    count = 4000
    batch = torch.from_numpy(np.repeat(picture[None], count, 0))
    changed = augment(batch, torch.Generator().manual_seed(0), shift=1, flip=True)
    assert changed.dtype == torch.uint8
    possible = list_possible(picture, 1)
    assert len(possible) == 18
    seen = [possible[one.contiguous().numpy().tobytes()] for one in changed]
    counts = [seen.count(place) for place in possible.values()]
    # binomial, n = 4000, p = 1/18: 5 standard deviations are 72
    assert all(abs(number - count / 18) < 72 for number in counts)


def test_nothing_asked_for_changes_nothing():
    batch = torch.randint(0, 256, (3, 1, 4, 4), dtype=torch.uint8)
    assert torch.equal(augment(batch, torch.Generator().manual_seed(0), shift=0, flip=False), batch)


def test_pictures_of_a_batch_move_on_their_own():
    batch = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4).repeat(64, 1, 1, 1)
    changed = augment(batch, torch.Generator().manual_seed(1), shift=1, flip=False)
    assert len({one.contiguous().numpy().tobytes() for one in changed}) > 5
