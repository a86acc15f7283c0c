from __future__ import annotations

import onnx
import pytest

from pocketbench.profile.operators.onnx_places import find_likely_parts
from pocketbench.profile.operators.places import (
    Place,
    find_part,
    join_steps,
    name_places,
    parse_location,
    parse_namespace,
    parse_node_name,
)
from pocketbench.profile.operators.tflite_places import find_tflite_places, match_partition

BACKBONE = "pocketbench.blocks.backbones"
NET = f"{BACKBONE}.mobilenet_v2.MobileNetV2"
LAYERS = "torch.nn.modules"
SEQUENTIAL = "torch.nn.modules.container.Sequential"
CELL = f"{NET}/{SEQUENTIAL}_features/{BACKBONE}.inverted_residual.InvertedResidual_3/{SEQUENTIAL}_conv"
GATE = f"{CELL}/pocketbench.blocks.lowering.tflite_ca.ProjectedStrips_6"

LOCATIONS = [
    (f"{CELL}/torch.nn.modules.conv.Conv2d_3;2", "features.3.conv.3", "features.3"),
    (f"{CELL}/{LAYERS}.activation.ReLU6_2;;{CELL}/{LAYERS}.conv.Conv2d_0;", "features.3.conv.2", "features.3"),
    (
        f"{GATE}/pocketbench.blocks.lowering.tflite_ca.StripGate_1/torch.nn.modules.conv.Conv2d_first;1",
        "features.3.conv.6.1.first",
        "features.3.conv.6",
    ),
    (f"{GATE};", "features.3.conv.6", "features.3.conv.6"),
    (f"{NET}/{SEQUENTIAL}_features/{SEQUENTIAL}_0/torch.nn.modules.activation.ReLU6_2;", "features.0.2", "features.0"),
    (f"{NET}/torch.nn.modules.pooling.AvgPool2d_pool;", "pool", "pool"),
    (f"{NET};1", "", ""),
    ("net.Net/timm.layers.SqueezeExcite_se/torch.nn.modules.conv.Conv2d_conv_reduce;", "se.conv_reduce", "se"),
    ("net.Net/net._DenseLayer_denselayer1/torch.nn.modules.conv.Conv2d_conv1;", "denselayer1.conv1", "denselayer1"),
    ("serving_default_args_0:0", "", ""),
    ("", "", ""),
    ("V1/Conv2d_3_depthwise/Relu6;V1/x", "V1.Conv2d_3_depthwise", "V1.Conv2d_3_depthwise"),
]


@pytest.mark.parametrize(("text", "path", "block"), LOCATIONS)
def test_tflite_names(text: str, path: str, block: str) -> None:
    steps = parse_location(text)
    assert (join_steps(steps), find_part(steps).block) == (path, block)


NAMESPACES = [
    (
        f": {NET}/features: {SEQUENTIAL}/features.3: {BACKBONE}.Cell/features.3.conv: {SEQUENTIAL}/features.3.conv.0: "
        "torch.nn.modules.conv.Conv2d/conv2d_5: aten.conv2d.default",
        "features.3.conv.0",
        "features.3",
    ),
    (
        ": net.Net/features.2: net.Cell/features.2.attn: net.Odd/mul: aten.mul.Tensor",
        "features.2.attn",
        "features.2.attn",
    ),
    (
        ": net.Net/blocks.2: net.Stage/blocks.2.0: net.Cell/blocks.2.0.se: net.SE/x: aten.mean.dim",
        "blocks.2.0.se",
        "blocks.2.0.se",
    ),
    (
        ": net.Net/classifier.1: torch.nn.modules.linear.Linear/linear: aten.linear.default",
        "classifier.1",
        "classifier",
    ),
    (": net.Net/view: aten.view.default", "", ""),
    ("no namespace", "", ""),
    (": net.Net/odd/x: aten.x", "", ""),
]


@pytest.mark.parametrize(("text", "path", "block"), NAMESPACES)
def test_onnx_namespaces(text: str, path: str, block: str) -> None:
    steps = parse_namespace(text)
    assert (join_steps(steps), find_part(steps).block) == (path, block)


@pytest.mark.parametrize(
    ("text", "path", "block"),
    [
        ("/features/features.3/conv/conv.0/conv.0.0/Conv", "features.3.conv.0.0", "features.3"),
        ("/layer1/layer1.0/relu/Relu", "layer1.0.relu", "layer1.0"),
        ("/blocks.2/blocks.2.0/se/conv_reduce/Conv", "blocks.2.0.se.conv_reduce", "blocks.2.0.se"),
        ("/Flatten", "", ""),
        ("Conv_12", "", ""),
        ("", "", ""),
    ],
)
def test_names_of_nodes(text: str, path: str, block: str) -> None:
    steps = parse_node_name(text)
    assert (join_steps(steps), find_part(steps).block) == (path, block)


def test_what_an_optimiser_made_is_of_the_block_around_it() -> None:
    one, other = parse_node_name("/a.0/x/X"), parse_node_name("/a.1/x/X")
    assert [place.block for place in name_places([None, one, None, (), one, None, other, None])] == [
        *("", "a.0", "a.0", "a.0", "a.0", "", "a.1", ""),
    ]
    assert name_places([one, None, one])[1] == Place("", "a.0", False)
    gate = parse_location(f"{GATE};")
    assert name_places([gate, None, gate])[1] == Place("", "features.3.conv.6", True)
    assert name_places([gate, None, one])[1] == Place("", "", False)
    assert name_places([]) == []


def test_the_projection_that_a_form_holds_is_the_networks() -> None:
    inside = f"{GATE}/torch.nn.modules.conv.Conv2d_projection;"
    assert parse_location(inside)[-1].name == "projection"
    assert find_part(parse_location(inside)) == ("features.3", False)
    assert find_part(parse_location(f"{GATE}/torch.nn.modules.conv.Conv2d_first;")) == ("features.3.conv.6", True)
    # a block that has a projection of its own is not one of our forms
    block = f"{CELL}/pocketbench.blocks.attention.augmented.Augmented_6"
    assert find_part(parse_location(f"{block}/torch.nn.modules.conv.Conv2d_projection;")) == ("features.3.conv.6", True)


def test_nodes_that_stand_for_one_are_of_the_part_that_uses_their_result() -> None:
    """onnxruntime makes Reshape, Gemm, Reshape of a product and its bias: the last has the place of both."""

    def node(name: str, inputs: str, outputs: str) -> onnx.NodeProto:
        return onnx.helper.make_node("Op", inputs.split(), outputs.split(), name=name)

    nodes = [
        node("gate", "x", "a"),
        node("flatten", "a", "b"),
        node("gemm", "b w", "c"),
        node("restore", "c", "d"),
        node("shared", "d", "e"),
        node("left", "e", "f"),
        node("right", "e", "g"),
        node("last", "f g", "y"),
    ]
    block, other = parse_node_name("/a.0/se/X"), parse_node_name("/a.1/x/X")
    steps = {"gate": block, "restore": other, "shared": (), "left": block, "right": other}
    likely = find_likely_parts(nodes, steps)
    assert likely == {"gemm": ("a.1", False), "flatten": ("a.1", False)}
    origins = [steps.get(item.name) for item in nodes]
    found = name_places(origins, [likely.get(item.name) for item in nodes])
    assert [place.block for place in found] == ["a.0.se", "a.1", "a.1", "a.1", "", "a.0.se", "a.1", ""]
    assert [place.path for place in found][:4] == ["a.0.se", "", "", "a.1.x"]


CONV, GEMM, ADD, MUL = "Convolution", "Fully Connected", "Add", "Multiply"


@pytest.mark.parametrize(
    ("timed", "own", "pairs"),
    [
        ([CONV, GEMM, ADD], ["CONV_2D", "CONV_2D", "ADD"], {0: 0, 1: 1, 2: 2}),
        # a PAD is fused into the convolution, and a Clamp added
        ([CONV, "Clamp", ADD, GEMM], ["PAD", "CONV_2D", "ADD", "FULLY_CONNECTED"], {0: 1, 2: 2, 3: 3}),
        # one multiplication is gone: which is not known
        ([CONV, MUL, GEMM], ["CONV_2D", "MUL", "FULLY_CONNECTED", "MUL"], {0: 0, 2: 2}),
        # as many on both sides, but not in the same order
        ([MUL, CONV, GEMM], ["CONV_2D", "MUL", "CONV_2D"], {1: 0, 2: 2}),
        # a layer is missing: nothing is certain
        ([CONV], ["CONV_2D", "CONV_2D"], {}),
        ([], [], {}),
    ],
)
def test_operators_of_a_partition_are_matched_or_left_open(
    timed: list[str], own: list[str], pairs: dict[int, int]
) -> None:
    assert match_partition(timed, own) == pairs


def test_another_division_of_the_file_leaves_every_place_open() -> None:
    operators = [
        {"operator": "CONV_2D", "name": f"net.Net/net.Cell_0/{LAYERS}.conv.Conv2d_a;", "weights": "", "partition": 0},
        {"operator": "CUMSUM", "name": "net.Net/net.Cell_1;", "weights": "", "partition": None},
    ]
    graph = {"operators": operators, "partition_count": 1}
    names = ["XNNPACK 0:0", "TFLITE 1"]
    kinds = ["Convolution (NHWC, F32) IGEMM", "CUMSUM"]
    assert find_tflite_places(names, kinds, graph) == [
        Place("0.a", "0", False, "CONV_2D"),
        Place("1", "1", False, "CUMSUM"),
    ]
    assert find_tflite_places(names, kinds, {**graph, "partition_count": 2}) == [Place("", "", False)] * 2
    assert find_tflite_places(["XNNPACK 0:0", "TFLITE 0"], kinds, graph) == [Place("", "", False)] * 2
    with pytest.raises(ValueError, match="no name of a timed operator"):
        find_tflite_places(["x", "TFLITE 1"], kinds, graph)
