"""Blocks by name, and what they refuse."""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, EntryPoints

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks import catalog
from pocketbench.blocks.catalog import BLOCKS, default_reduction
from pocketbench.blocks.factory import make_block
from pocketbench.blocks.gates import MODULES, make_gate
from pocketbench.core.errors import UnknownNameError, UsageError

NAMES = BLOCKS.names()


def test_catalogue_and_classes_agree() -> None:
    assert list(MODULES) == list(catalog.GATES)
    for name in NAMES:
        keyword = inspect.signature(BLOCKS.load(name)).parameters.get("reduction")
        assert default_reduction(name) == (keyword.default if keyword else None)


@pytest.mark.parametrize("name", [name for name in NAMES if "gate" in inspect.signature(BLOCKS.load(name)).parameters])
def test_default_gate_is_the_hard_one(name: str) -> None:
    block = make_block(name, channels=32, size=(14, 14))
    assert any(isinstance(module, nn.Hardsigmoid) for module in block.modules())
    assert not any(isinstance(module, nn.Sigmoid) for module in block.modules())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 0},
        {"channels": -8},
        {"channels": 8.0},
        {"channels": True},
        {"channels": "32"},
        {"channels": None},
        {"size": 14},
        {"size": (14,)},
        {"size": (14, 14, 14)},
        {"size": (0, 14)},
        {"size": (14, -1)},
        {"size": (14, 7.5)},
        {"size": None},
        {"size": "14"},
        {"reduction": 0},
        {"reduction": -4},
        {"reduction": 2.5},
        {"reduction": 33},
        {"gate": "softmax"},
        {"gate": ""},
        {"gate": None},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(name: str, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        make_block(name, **({"channels": 32, "size": (14, 14)} | wrong))
    (value,) = wrong.values()
    assert str(value) in caught.value.what
    assert caught.value.cure


@pytest.mark.parametrize("name", ["eca", "cbam_spatial"])
def test_reduction_is_refused_where_there_is_none(name: str) -> None:
    with pytest.raises(UsageError, match="has no reduction"):
        make_block(name, channels=32, size=(14, 14), reduction=4)


def test_unknown_keyword_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'ca' has no argument 'reducton' \(did you mean 'reduction'"):
        make_block("ca", channels=32, size=(14, 14), reducton=4)


def test_unknown_names_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cbam_spatial'"):
        make_block("cbam_spatail", channels=32, size=(14, 14))
    with pytest.raises(UnknownNameError, match="did you mean 'hard_sigmoid'"):
        make_gate("hardsigmoid")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cbam_spatial"])
@pytest.mark.parametrize("shape", [(1, 32, 7, 14), (1, 32, 14, 7), (1, 32, 28, 28), (1, 16, 14, 14), (32, 14, 14)])
def test_a_map_of_another_shape_is_refused_when_run(name: str, shape: tuple[int, ...]) -> None:
    block = make_block(name, channels=32, size=(14, 14)).eval()
    with pytest.raises(UsageError, match=r"\(N, 32, 14, 14\) got \(") as caught:
        block(torch.zeros(shape))
    assert str(shape) in caught.value.what


def test_spatial_attention_takes_any_map() -> None:
    block = make_block("cbam_spatial", channels=32, size=(14, 14))
    assert block(torch.zeros(2, 5, 3, 40)).shape == (2, 5, 3, 40)


class PluginBlock(nn.Module):
    """A block of somebody else, which takes neither size nor gate."""

    def __init__(self, channels: int, *, reduction: int = 3) -> None:
        super().__init__()
        self.reduction = reduction
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


@pytest.fixture
def _plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("scale", f"{__name__}:PluginBlock", "pocketbench.blocks")

    def entry_points(*, group: str) -> EntryPoints:
        return EntryPoints([point] if group == "pocketbench.blocks" else [])

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


@pytest.mark.usefixtures("_plugin")
def test_a_plug_in_gets_what_it_takes() -> None:
    assert default_reduction("scale") == 3
    block = make_block("scale", channels=8, size=(4, 4), reduction=2)
    assert isinstance(block, PluginBlock)
    assert block.reduction == 2
    with pytest.raises(UsageError, match="has no gate to choose"):
        make_block("scale", channels=8, size=(4, 4), gate="sigmoid")
    with pytest.raises(UsageError, match="did you mean 'reduction'"):
        make_block("scale", channels=8, size=(4, 4), reductions=2)


def test_the_papers_ratio_of_coordinate_attention_fits_few_channels() -> None:
    block = make_block("ca", channels=6, size=(4, 4), reduction=32)
    assert block.conv1.out_channels == 8
    with pytest.raises(UsageError, match="reduction 33 is larger than the 6 channels"):
        make_block("ca", channels=6, size=(4, 4), reduction=33)
