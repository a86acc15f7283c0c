"""Parameters and MACs against counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.core.errors import ModelFault, UsageError


class Mixed(nn.Module):
    """A functional convolution, a layer that is applied twice, a linear layer over positions, and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(6, 2, 3, 3))
        self.twice = nn.Conv2d(6, 6, 1)
        self.linear = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.conv2d(x, self.kernel, padding=1, stride=2, groups=2)  # (N, 6, 4, 5)
        x = self.twice(self.twice(x))
        x = self.linear(x.flatten(2).transpose(1, 2))  # (N, 20, 5)
        return x @ x.transpose(1, 2)  # (N, 20, 20)


@pytest.mark.parametrize("batch", [1, 3])
def test_macs_by_hand(batch: int) -> None:
    facts = count_model_facts(Mixed(), (batch, 4, 7, 9))
    assert facts.mac_count == batch * (6 * 2 * 9 * 20 + 2 * 6 * 6 * 20 + 6 * 5 * 20 + 20 * 20 * 5)
    assert facts.parameter_count == 6 * 2 * 9 + 6 * 6 + 6 + 6 * 5 + 5


def test_transposed_and_depthwise_convolutions_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 5, groups=8), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv1d(4, 4, 1))
    with pytest.raises(ModelFault):
        count_model_facts(model, (1, 8, 9, 9))
    facts = count_model_facts(model[:2], (1, 8, 9, 9))
    assert facts.mac_count == 8 * 25 * 5 * 5 + 8 * 4 * 4 * 5 * 5


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("se", 2 * 96 * 24),
        ("eca", 3 * 96),
        ("cbam_channel", 4 * 96 * 24),
        ("cbam_spatial", 98 * 5 * 9),
        ("cbam", 4 * 96 * 24 + 98 * 5 * 9),
        ("ca", 2 * (5 + 9) * 96 * 24),
        ("ca_x", 2 * 5 * 96 * 24),
        ("ca_y", 2 * 9 * 96 * 24),
    ],
)
def test_macs_of_blocks_are_those_of_their_docstrings(name: str, macs: int) -> None:
    reduction = None if name in ("eca", "cbam_spatial") else 4
    block = make_block(name, channels=96, size=(5, 9), reduction=reduction)
    assert count_model_facts(block, (1, 96, 5, 9)).mac_count == macs


def test_counting_leaves_the_modes_of_the_modules() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()
    count_model_facts(model, (2, 3, 4, 4))
    assert [module.training for module in model] == [True, False, True]
    assert model[1].num_batches_tracked == 0


def test_a_network_that_does_not_run_is_a_fault_of_the_model() -> None:
    with pytest.raises(ModelFault, match=r"\(1, 5, 4, 4\).*RuntimeError"):
        count_model_facts(nn.Conv2d(3, 4, 1), (1, 5, 4, 4))


@pytest.mark.parametrize("shape", [(), (0, 3, 4, 4), (1, -3, 4, 4), (1, 3, 4.0, 4), (1, 3, 10**8, 10**8)], ids=str)
def test_a_shape_that_can_not_be_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="input"):
        count_model_facts(nn.Conv2d(3, 4, 1), shape)
