"""The paper's five tables: which networks stand in them, what they count, and which published figures stand beside."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pocketbench.accuracy.published import find_published_latencies, read_published, why_missing
from pocketbench.blocks.build import find_constructor
from pocketbench.blocks.model_facts import COUNTED_OPERATORS, FLOPS_PER_MAC
from pocketbench.core.records import ModelSpec
from pocketbench.reports.accuracy_choice import fits_spec
from pocketbench.reports.paper_layout import make_paper_table
from pocketbench.reports.paper_records import PaperTable
from pocketbench.reports.table import make_table
from pocketbench.workflow.suites import list_suites, read_suite
from tests.reports.synthetic import make_artifact

TABLES = [f"paper-table{number}" for number in range(1, 6)]
OTHERS = ["+ SE", "+ CBAM", "+ CA"]


def lay_out(name: str) -> PaperTable:
    suite = read_suite(name)
    artifacts = [make_artifact(spec) for spec in suite.models]
    return make_paper_table(make_table(artifacts, [], read_published(), title=suite.title, explain_missing=why_missing))


def rows(name: str) -> list[tuple[str, str | None]]:
    return [(line.network, line.addition) for line in lay_out(name).lines]


def published(name: str) -> list[str]:
    return [line.figures[-1].text for line in lay_out(name).lines]


def test_the_five_suites_can_be_named() -> None:
    assert set(TABLES) <= {suite.name for suite in list_suites() if suite.problem is None}


def test_table_1_takes_coordinate_attention_apart() -> None:
    additions = [None, "+ SE", "+ X Attention", "+ Y Attention", "+ CA"]
    assert rows("paper-table1") == [("MobileNetV2", addition) for addition in additions]
    assert published("paper-table1") == ["72.3", "73.5", "–", "–", "74.3"]


@pytest.mark.parametrize(("name", "network"), [("paper-table2", "MobileNetV2"), ("paper-table3", "MobileNeXt")])
def test_tables_2_and_3_have_three_widths(name: str, network: str) -> None:
    networks = [f"{network}-{width}" for width in ("1.0", "0.75", "0.5")]
    assert rows(name) == [(network, addition) for network in networks for addition in (None, *OTHERS)]
    top1 = {"MobileNetV2": ["72.3", "73.5", "73.6", "74.3"], "MobileNeXt": ["74.0", "74.7", "–", "75.2"]}
    assert published(name) == top1[network] + ["–"] * 8


def test_table_4_has_three_ratios() -> None:
    assert rows("paper-table4") == [("MobileNetV2", addition) for addition in (None, *OTHERS * 3)]
    paper = lay_out("paper-table4")
    assert paper.columns[0].head == "r"
    assert [line.figures[0].text for line in paper.lines] == ["–", *["16"] * 3, *["24"] * 3, *["32"] * 3]
    assert published("paper-table4") == ["72.3", *["–"] * 3, "73.5", "73.6", "–", "–", "–", "74.3"]


def test_table_5_exchanges_the_networks_own_attention() -> None:
    assert rows("paper-table5") == [("EfficientNet-B0", addition) for addition in (None, "+ SE", "+ CA")]
    assert published("paper-table5") == ["–", "76.8", "–"]


@pytest.mark.parametrize("name", TABLES)
def test_all_are_measured_as_the_paper_does(name: str) -> None:
    suite = read_suite(name)
    assert {(spec.input_shape, spec.class_count, spec.gate) for spec in suite.models} <= {
        ((1, 3, 224, 224), 1000, None),
        ((1, 3, 224, 224), 1000, "hard_sigmoid"),
    }
    assert (suite.thread_counts, suite.devices) == ((1,), ("host",))
    assert [str(target) for target in suite.formats] == [str(target) for target in read_suite("paper").formats]


def test_a_network_is_the_same_in_every_table() -> None:
    by_name: dict[str, ModelSpec] = {}
    for name in (*TABLES, "paper"):
        for spec in read_suite(name).models:
            assert by_name.setdefault(spec.name, spec) == spec
    assert len(by_name) == 35


@pytest.mark.parametrize("name", TABLES[1:3])
def test_latencies_of_a_pixel_4_are_known_of_both_networks(name: str) -> None:
    latencies = find_published_latencies(read_suite(name).models)
    assert {"Pixel 4 CPU", "Pixel 4 GPU"} <= {latency.device for latency in latencies}


# Computed from the official code at 224 x 224, 1000 classes: parameters in M. The tests of the networks count MACs.
OFFICIAL = {
    "mobilenet_v2_1.0_224": "3.5049",
    "mobilenet_v2_1.0_se16_224": "4.0763",
    "mobilenet_v2_1.0_se24_224": "3.8882",
    "mobilenet_v2_1.0_se32_224": "3.7939",
    "mobilenet_v2_1.0_cbam16_224": "4.0779",
    "mobilenet_v2_1.0_cbam24_224": "3.8898",
    "mobilenet_v2_1.0_ca16_224": "4.3669",
    "mobilenet_v2_1.0_ca24_224": "4.0868",
    "mobilenet_v2_1.0_ca32_224": "3.9506",
    "mobilenet_v2_0.75_224": "2.6364",
    "mobilenet_v2_0.75_se24_224": "2.8554",
    "mobilenet_v2_0.75_cbam24_224": "2.8570",
    "mobilenet_v2_0.75_ca32_224": "2.8916",
    "mobilenet_v2_0.5_224": "1.9687",
    "mobilenet_v2_0.5_se24_224": "2.0671",
    "mobilenet_v2_0.5_cbam24_224": "2.0687",
    "mobilenet_v2_0.5_ca32_224": "2.0956",
    "mobilenext_1.0_224": "3.5354",
    "mobilenext_1.0_se24_224": "3.9136",
    "mobilenext_1.0_ca24_224": "4.1083",
    "efficientnet_b0_1.0_224": "4.6520",
    "efficientnet_b0_1.0_se_224": "5.2885",
    "efficientnet_b0_1.0_ca32_224": "5.3818",
}
# The official code has 2.77 M parameters and 103 M MACs where its authors print 2.5 M and 110 M.
UNLIKE_THE_CODE = {
    ("mobilenext_0.75_224", "parameters"),
    ("mobilenext_0.5_224", "M-Adds"),
}
NEAR = 0.04
CBAM_OVER_SE = 2 * 7 * 7 + 1  # a slot's 7x7 convolution over mean and maximum, with its bias
# Channels of MobileNetV2's slots at width 1.0, and how many slots have as many.
SLOTS = {96: 1, 144: 2, 192: 3, 384: 4, 576: 3, 960: 3}

Networks = dict[str, tuple[ModelSpec, nn.Module]]


@pytest.fixture(scope="module")
def networks() -> Networks:
    """Each network of the suites, of tensors without content."""
    specs = {spec.name: spec for name in TABLES for spec in read_suite(name).models}
    with torch.device("meta"):
        return {name: (spec, find_constructor(spec)().eval()) for name, spec in specs.items()}


def count_parameters(networks: Networks) -> dict[str, int]:
    return {
        name: sum(parameter.numel() for parameter in network.parameters()) for name, (_, network) in networks.items()
    }


def count_macs(spec: ModelSpec, network: nn.Module) -> int:
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(spec.input_shape))
    flops = counter.get_flop_counts()["Global"]
    return sum(flops.get(operator, 0) for operator in COUNTED_OPERATORS) // FLOPS_PER_MAC


@pytest.mark.slow
def test_parameters_are_those_of_the_official_code(networks: Networks) -> None:
    found = count_parameters(networks)
    assert {name: f"{found[name] / 1e6:.4f}" for name in OFFICIAL} == OFFICIAL


@pytest.mark.slow
def test_parameters_that_the_official_code_does_not_tell_follow_from_others(networks: Networks) -> None:
    found = count_parameters(networks)
    for name in found:
        if "cbam" in name:
            slots = 16 if name.startswith("mobilenet_v2") else 15
            assert found[name] - found[name.replace("cbam", "se")] == CBAM_OVER_SE * slots, name
    one_gate = sum(number * channels * (max(8, channels // 32) + 1) for channels, number in SLOTS.items())
    for half in ("ca_x32", "ca_y32"):
        assert found["mobilenet_v2_1.0_ca32_224"] - found[f"mobilenet_v2_1.0_{half}_224"] == one_gate


@pytest.mark.slow
def test_counts_are_near_the_published_ones(networks: Networks) -> None:
    unlike = set()
    compared = 0
    parameters = count_parameters(networks)
    for name, (spec, network) in networks.items():
        figures = [figure for figure in read_published() if fits_spec(figure, spec) and figure.parameter_count]
        mac_count = count_macs(spec, network) if figures else 0
        for figure in figures:
            assert figure.parameter_count is not None
            assert figure.mac_count is not None
            compared += 1
            if abs(parameters[name] / figure.parameter_count - 1) > NEAR:
                unlike.add((name, "parameters"))
            if abs(mac_count / figure.mac_count - 1) > NEAR:
                unlike.add((name, "M-Adds"))
    assert compared == 13
    assert unlike == UNLIKE_THE_CODE
