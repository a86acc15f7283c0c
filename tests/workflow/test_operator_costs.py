"""Where the time goes in exported networks, against their modules, the operators of their files, and traces."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pocketbench.core.operator_kinds import BETWEEN, find_kind_of
from pocketbench.core.records import Artifact, DelegateCoverage, OperatorTime, RunPlan
from pocketbench.core.targets import parse_format_target
from pocketbench.profile.operators.passes import join_profiles
from pocketbench.profile.operators.phone_places import place_operators
from pocketbench.profile.operators.times import read_profile
from pocketbench.reports.operator_breakdown import break_down
from pocketbench.workflow.explain_model import ExplainedSite, explain_model
from pocketbench.workflow.export_models import export_models
from pocketbench.workflow.model_specs import make_spec

pytestmark = pytest.mark.slow

ENGINES = {"onnx": "onnxruntime", "tflite": "litert"}
CASES = (
    *(("ca", target) for target in ("onnx", "onnx-x86", "tflite")),
    *(("se", target) for target in ("onnx", "onnx-x86")),
    *(("cbam", target) for target in ("onnx", "tflite")),
)
Profiled = dict[tuple[str, str], tuple[Artifact, Path, list[ExplainedSite], tuple[OperatorTime, ...]]]


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    folder = tmp_path_factory.mktemp("models")
    specs = {block: make_spec("mobilenet_v2", width=0.5, attention=block, input_size="96") for block, _ in CASES}
    outcome = export_models([(specs[block], parse_format_target(target)) for block, target in CASES], folder)
    assert outcome.failures == []
    found: Profiled = {}
    for artifact in outcome.artifacts:
        assert artifact.spec is not None
        block, target = artifact.spec.block or "", artifact.lowering or artifact.format
        path = folder / artifact.file_name
        plan = RunPlan(engine=ENGINES[artifact.format])
        times = join_profiles([read_profile(path, plan, run_count=5) for _ in range(3)])
        found[block, target] = (artifact, path, explain_model(specs[block], target), times)
    assert set(found) == set(CASES)
    return found


@pytest.mark.parametrize(("block", "target"), CASES)
def test_the_places_are_the_networks_attention_modules(profiled: Profiled, block: str, target: str) -> None:
    _, _, sites, times = profiled[block, target]
    found = break_down(times)
    assert len(sites) == 16
    assert sorted(site.path for site in found.sites) == sorted(site.name for site in sites)
    assert all(site.path.startswith(f"{site.stage}.") for site in found.sites)
    whole_ns = sum(item.time_ns for item in times)
    assert found.whole_ns == pytest.approx(whole_ns)
    assert found.attention_ns + found.network_ns + found.between_ns == pytest.approx(whole_ns)
    assert 0 < found.attention_ns < whole_ns


@pytest.mark.parametrize(("block", "target"), CASES)
def test_all_that_computes_has_a_place(profiled: Profiled, block: str, target: str) -> None:
    *_, times = profiled[block, target]
    nowhere = [item for item in times if not item.block and item.operator != BETWEEN]
    assert {find_kind_of(item) for item in nowhere} <= {"layout"}


@pytest.mark.parametrize(("block", "target"), CASES)
def test_the_projection_behind_each_block_is_the_networks(profiled: Profiled, block: str, target: str) -> None:
    """Without the blocks each stage expands, filters and projects: 3 layers, of which the first stage has 2."""
    *_, times = profiled[block, target]
    layers = Counter(
        item.block
        for item in times
        if not item.is_attention
        and item.operator.partition(" ")[0] in ("Conv", "FusedConv", "Convolution", "Fully", "Gemm", "MatMul")
    )
    assert {name: count for name, count in layers.items() if name.startswith("features.")} == {
        **{f"features.{index}": 3 for index in range(2, 18)},
        "features.0": 1,
        "features.1": 2,
    }


def test_coordinate_attention_in_litert_is_what_its_graph_is(profiled: Profiled) -> None:
    """Each block: two means, two 1x1 convolutions for each of them, two products."""
    artifact, _, sites, times = profiled["ca", "tflite"]
    own = [item for item in times if item.is_attention]
    each = Counter((item.block, item.graph_operator) for item in own)
    expected = {"MEAN": 2, "CONV_2D": 4, "MUL": 2, "HARD_SWISH": 2}
    assert each == {(site.name, operator): count for site in sites for operator, count in expected.items()}
    assert artifact.graph_facts is not None
    counts = artifact.graph_facts.operator_counts
    assert [counts[name] for name in ("MEAN", "MUL", "HARD_SWISH")] == [32, 32, 32]


@pytest.mark.parametrize("block", ["ca", "cbam"])
def test_what_a_phone_timed_gets_the_same_places(profiled: Profiled, block: str) -> None:
    """A program on a phone names no places: they are found by the file alone, and here by LiteRT's own account."""
    artifact, path, _, times = profiled[block, "tflite"]
    assert artifact.graph_facts is not None
    count = sum(artifact.graph_facts.operator_counts.values())
    coverage = DelegateCoverage(
        delegate="xnnpack", node_count=count, delegated_node_count=count, partition_count=1, time_fraction=None
    )
    nameless = tuple(
        replace(item, name="", path="", block="", is_attention=None, graph_operator=None) for item in times[:-1]
    )
    placed = place_operators(nameless, coverage, path)
    assert placed == tuple(replace(item, name="") for item in times[:-1])
    assert place_operators(nameless, None, path) == nameless
    assert place_operators(nameless, replace(coverage, partition_count=2), path) == nameless
    assert place_operators(nameless, coverage, path.with_suffix(".json")) == nameless
    rest = replace(nameless[0], operator="TfLiteXNNPackDelegate")
    assert break_down(place_operators((*nameless, rest), coverage, path)).unplaced_ns >= rest.time_ns


@pytest.mark.parametrize("block", ["ca", "se", "cbam"])
def test_operators_are_those_of_onnxruntimes_own_trace(profiled: Profiled, block: str, tmp_path: Path) -> None:
    """A session of our own, its trace read by other code."""
    _, path, _, times = profiled[block, "onnx"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (argument,) = session.get_inputs()
    session.run(None, {argument.name: np.ones(argument.shape, np.float32)})
    events = json.loads(Path(session.end_profiling()).read_text())
    trace = Counter(event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time"))
    assert Counter(item.operator for item in times[:-1]) == trace
