"""Whole networks of timm: rewritten, and written in every format before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks import make_export_friendly
from pocketbench.blocks.lowering.sites import find_places, find_projections
from pocketbench.blocks.randomise import randomise_statistics
from pocketbench.blocks.timm_models import import_timm
from pocketbench.core.errors import ConversionError
from pocketbench.core.records import GraphFacts
from pocketbench.export.catalog import FORMATS
from pocketbench.export.preparation import prepare_model
from pocketbench.profile.probe import probe_artifact
from tests.blocks.rewriting.test_families import assert_same
from tests.blocks.rewriting.textbook import CHANNELS, Network, SkippedSqueeze, TwoPools

CBAM = {"block_args": {"attn_layer": "cbam"}}
NETWORKS = {
    "mobilenetv3_small_100": ({}, "squeeze-and-excitation", 9),
    "efficientnet_b0": ({}, "squeeze-and-excitation", 16),
    "resnet18": (CBAM, "CBAM", 8),
}
SHAPE = (1, 3, 64, 64)
SUFFIXES = {"onnx": "onnx", "tflite": "tflite", "coreml": "mlpackage"}


def make_network(name: str, shape: tuple[int, ...] = SHAPE, **options: object) -> nn.Module:
    torch.manual_seed(0)
    model = import_timm().create_model(name, num_classes=7, exportable=True, **options)
    randomise_statistics(model, shape, torch.Generator().manual_seed(0))
    return model.eval()


def test_a_small_network_is_rewritten_as_a_whole() -> None:
    model = make_network("mobilenetv3_small_050", (1, 3, 32, 32))
    example = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    rewritten = make_export_friendly(model, example)
    became = [change.became for change in rewritten.report.changes]
    assert became.count("squeeze-and-excitation") == 9
    assert rewritten.report.left == ()
    places = find_places(rewritten.model, find_projections(rewritten.model))
    assert [place.site.kind for place in places] == ["se"] * 9  # the lowerings find them
    with torch.no_grad():
        expected, other = model(example), model(-example)
        assert (expected - other).abs().max() > 0.1 * expected.abs().max()
        assert torch.allclose(rewritten.model(example), expected, atol=1e-4 * float(expected.abs().max()))


def write_everywhere(model: nn.Module, folder: Path) -> dict[str, GraphFacts]:
    prepared = prepare_model(model, SHAPE)
    facts = {}
    for name, suffix in SUFFIXES.items():
        path = folder / f"model.{suffix}"
        FORMATS.load(name).convert(prepared.exported, path, "fp32")
        FORMATS.load(name).verify(path, prepared, "fp32")
        facts[name] = FORMATS.load(name).read_graph_facts(path)
    return facts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_no_format_needs_more_layout_operators_than_before(name: str, tmp_path: Path) -> None:
    options, block, count = NETWORKS[name]
    model = make_network(name, **options)
    rewritten = make_export_friendly(model, torch.randn(SHAPE))
    assert [change.became for change in rewritten.report.changes].count(block) == count
    assert_same(model, rewritten.model, torch.randn(SHAPE))
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = write_everywhere(model, tmp_path / "before")
    after = write_everywhere(rewritten.model, tmp_path / "after")
    for form, facts in after.items():
        assert facts.layout_operator_count <= before[form].layout_operator_count, form
    partitions = [
        probe_artifact(tmp_path / state / "model.tflite", "litert")["partition_count"] for state in ("before", "after")
    ]
    assert partitions[1] <= partitions[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_tflite_refused_is_written_in_one_partition(tmp_path: Path) -> None:
    import_timm()
    from timm.layers import create_attn

    torch.manual_seed(0)
    model = Network(nn.Sequential(create_attn("eca", CHANNELS), TwoPools(), SkippedSqueeze()))
    randomise_statistics(model.eval(), SHAPE, torch.Generator().manual_seed(0))
    path = tmp_path / "model.tflite"
    tflite = FORMATS.load("tflite")
    with pytest.raises(ConversionError):
        tflite.convert(prepare_model(model, SHAPE).exported, path, "fp32")
    prepared = prepare_model(make_export_friendly(model, torch.randn(SHAPE)).model, SHAPE)
    tflite.convert(prepared.exported, path, "fp32")
    tflite.verify(path, prepared, "fp32")
    operators = tflite.read_graph_facts(path).operator_counts
    assert operators["TRANSPOSE"] == 2  # input and output, from (N, C, H, W) and back
    assert not operators.keys() & {"FULLY_CONNECTED", "RESHAPE", "BROADCAST_TO", "TILE"}
    assert probe_artifact(path, "litert")["partition_count"] == 1
