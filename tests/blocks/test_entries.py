"""The catalogue's lines against the blocks themselves."""

from __future__ import annotations

import inspect
import math
import re

import pytest

from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.entries.entry import BlockEntry
from pocketbench.blocks.factory import make_block
from pocketbench.core.records import FORMATS

OWN = {name: entry for name, entry in BLOCKS.entries().items() if isinstance(entry, BlockEntry)}
MAPS = [(64, (14, 14)), (96, (7, 9)), (160, (15, 15))]


@pytest.mark.parametrize(("channels", "size"), MAPS, ids=str)
@pytest.mark.parametrize("name", OWN)
def test_the_formula_counts_the_parameters(name: str, channels: int, size: tuple[int, int]) -> None:
    entry = OWN[name]
    names = {"C": channels, "H": size[0], "W": size[1], "r": entry.default_reduction, "max": max, "int": int}
    counted = eval(entry.parameters, {"__builtins__": {}, "log2": math.log2}, names)
    block = make_block(name, channels=channels, size=size)
    assert counted == sum(parameter.numel() for parameter in block.parameters())


@pytest.mark.parametrize("name", OWN)
def test_what_can_be_chosen_is_what_the_block_takes(name: str) -> None:
    keywords = inspect.signature(BLOCKS.load(name)).parameters
    assert OWN[name].has_gate == ("gate" in keywords)
    assert (OWN[name].default_reduction is not None) == ("reduction" in keywords)


@pytest.mark.parametrize("name", OWN)
def test_a_line_is_complete(name: str) -> None:
    entry = OWN[name]
    assert re.fullmatch(r".+ et al\., .+ 20[12]\d, arXiv:\d{4}\.\d{4,5}", entry.paper) or "no arXiv" in entry.paper
    assert entry.refused.keys() <= set(FORMATS)
    assert all(len(reason) > 20 for reason in entry.refused.values())
    assert entry.is_mobile_friendly == (entry.warning is None)
