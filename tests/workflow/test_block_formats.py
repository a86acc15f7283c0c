"""Each block of the catalogue to each format, in the form that a user gets: what its line says is so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.entries.entry import BlockEntry
from pocketbench.blocks.factory import make_block
from pocketbench.blocks.lowering.lower import lower_model
from pocketbench.blocks.randomise import randomise_statistics
from pocketbench.core.errors import ConversionError, ParityError
from pocketbench.core.records import FORMATS, ModelSpec
from pocketbench.core.targets import parse_format_target
from pocketbench.export.exporter import export_model
from pocketbench.export.parity import measure_spread
from pocketbench.export.preparation import PreparedModel, prepare_model
from pocketbench.workflow.export_worker import add_partitions

pytestmark = pytest.mark.slow

OWN = {name: entry for name, entry in BLOCKS.entries().items() if isinstance(entry, BlockEntry)}
CHANNELS, SIZE = 32, (14, 14)
INPUT_SHAPE = (1, 3, *SIZE)
BLOCK_PLACE = 3


def make_net(name: str) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, CHANNELS, 3, padding=1, bias=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ReLU6(),
        make_block(name, channels=CHANNELS, size=SIZE),
        nn.Conv2d(CHANNELS, 8, 1),
    ).eval()
    randomise_statistics(net, INPUT_SHAPE, torch.Generator().manual_seed(0))
    return net


def check_that_the_block_counts(net: nn.Sequential, prepared: PreparedModel) -> None:
    """A file that lost the block would miss the output by a multiple of what parity allows."""
    block, net[BLOCK_PLACE] = net[BLOCK_PLACE], nn.Identity()
    [(change, _)] = measure_spread(prepared.expected)
    with torch.no_grad():
        differences = [
            (net(torch.from_numpy(image)) - torch.from_numpy(expected)).abs().max()
            for image, [expected] in zip(prepared.inputs, prepared.expected, strict=True)
        ]
    net[BLOCK_PLACE] = block
    assert max(differences) > 0.1 * change


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("name", OWN)
def test_a_block_is_written_where_its_line_refuses_nothing(name: str, target: str, tmp_path: Path) -> None:
    entry, net = OWN[name], make_net(name)
    prepared = prepare_model(net, INPUT_SHAPE, lowered=lower_model(net, target))
    check_that_the_block_counts(net, prepared)
    asked = (prepared, ModelSpec(backbone=f"net_with_{name}", input_shape=INPUT_SHAPE), parse_format_target(target))
    if target in entry.refused:
        with pytest.raises((ConversionError, ParityError)):
            export_model(*asked, tmp_path, add_runtime_facts=add_partitions)
        assert list(tmp_path.iterdir()) == []
        return
    artifact = export_model(*asked, tmp_path, add_runtime_facts=add_partitions)
    assert (tmp_path / artifact.file_name).exists()
    assert artifact.parity is not None
    assert artifact.graph_facts is not None
    if target == "tflite":  # heavy blocks too: an operator outside of XNNPACK costs a copy of the map in and out
        assert (artifact.graph_facts.partition_count, artifact.graph_facts.outside_delegate_count) == (1, 0)
