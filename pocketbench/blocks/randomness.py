"""Seeded randomness that leaves no trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from pocketbench.core.errors import UsageError

SEED_LIMIT = 2**63
NUMPY_SEED_LIMIT = 2**32


@contextmanager
def seeded_randomness(seed: int) -> Iterator[None]:
    """Inside, the global generators of Python, numpy and torch (CPU) start from `seed`; after it they are as before.

    Raises:
        UsageError: when the seed is not a whole number from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
        raise UsageError(f"seed is {seed!r}", "expected a whole number from 0 to 2^63 - 1")
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % NUMPY_SEED_LIMIT)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
