"""ECA's convolution over channels: the form for files computes what the plain one does, with few weights."""

from __future__ import annotations

import pytest
import torch

from pocketbench.blocks.attention.channel_convolution import ChannelConvolution
from pocketbench.blocks.attention.eca import EfficientChannelAttention, eca_kernel_size


@pytest.mark.parametrize(
    ("channels", "size"),
    # |(log2 C + 1) / 2| is 0.5, 1.29, 2, 3.5, 4, 4.5, 5, 5.5, 5.96 and 6 here.
    [(1, 1), (3, 1), (8, 3), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (1920, 5), (2048, 7)],
)
def test_kernel_size_is_the_papers(channels: int, size: int) -> None:
    assert eca_kernel_size(channels) == size


@pytest.mark.parametrize("kernel_size", [1, 3, 5, 9])
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 64, 65, 66, 72, 96, 97, 144, 960, 1000])
def test_blocks_compute_the_convolution(channels: int, kernel_size: int) -> None:
    torch.manual_seed(channels)
    convolution = ChannelConvolution(channels, kernel_size).double()
    pooled = torch.randn(2, channels, 1, 1, dtype=torch.float64, requires_grad=True)
    plain, blocks = convolution(pooled), convolution.convolve_in_blocks(pooled)
    assert torch.allclose(plain, blocks, rtol=1e-12, atol=1e-12)
    direction, leaves = torch.randn_like(plain), [pooled, convolution.weight]
    for ours, theirs in zip(
        torch.autograd.grad(blocks, leaves, direction), torch.autograd.grad(plain, leaves, direction), strict=True
    ):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def test_exported_graph_stores_few_weights() -> None:
    convolution = ChannelConvolution(960, 5)
    assert convolution.block_count == 30
    stored = convolution.tile_taps[0].numel() + convolution.seam_taps[0].numel()
    stored += convolution.pick.numel() + convolution.put.numel()
    assert stored == 52_800  # against 921,600 of the banded matrix


def test_export_takes_the_blocks_and_follows_the_weights() -> None:
    block = EfficientChannelAttention(96, (6, 5)).eval()
    x = torch.randn(1, 96, 6, 5)
    block(x)
    with torch.no_grad():
        block.conv.weight.mul_(-2)  # after a run, before the export
    program = torch.export.export(block, (x,), strict=False)
    operators = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert "aten.conv1d.default" not in operators
    assert torch.allclose(program.module()(x), block(x), rtol=1e-5, atol=1e-6)
