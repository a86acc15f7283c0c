"""Small model files whose operators and places are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from onnx import helper

from tests.profile.onnx_files import FLOAT, write_graph
from tests.profile.tflite_files import Code, Graph, Options

NET = "pack.net.Net/torch.nn.modules.container.Sequential_features"
CHANNELS = 16
SIDE = 32


def write_convolutions(path: Path, sizes: list[int]) -> Path:
    """y = conv(relu(conv(relu(...)))), with a kernel of each of `sizes`, in features.0, features.1, ..."""
    random = np.random.default_rng(0)
    shape = (1, CHANNELS, SIDE, SIDE)
    nodes, constants = [], {}
    last = "x"
    for index, size in enumerate(sizes):
        weights = random.standard_normal((CHANNELS, CHANNELS, size, size)).astype(np.float32) / size / CHANNELS
        constants[f"w{index}"] = weights
        namespace = f": pack.net.Net/features: torch.nn.Sequential/features.{index}: pack.net.Cell/"
        for operator, inputs, output in (
            ("Conv", [last, f"w{index}"], f"conv{index}"),
            ("Relu", [f"conv{index}"], f"y{index}"),
        ):
            attributes = {"pads": [size // 2] * 4} if operator == "Conv" else {}
            node = helper.make_node(operator, inputs, [output], name=f"node_{output}", **attributes)
            node.metadata_props.add(key="namespace", value=namespace + f"{output}: aten.{output}")
            nodes.append(node)
        last = f"y{index}"
    return write_graph(path, nodes, [("x", FLOAT, shape)], [(last, FLOAT, shape)], constants)


def write_tflite_convolutions(path: Path, sizes: list[int]) -> Path:
    """The same network, without activations, with litert-torch's names."""
    random = np.random.default_rng(0)
    graph = Graph()
    shape = (1, SIDE, SIDE, CHANNELS)
    source = last = graph.tensor("serving_default_args_0:0", shape)
    bias = graph.tensor("bias", (CHANNELS,), value=np.zeros(CHANNELS, np.float32))
    for index, size in enumerate(sizes):
        values = random.standard_normal((CHANNELS, size, size, CHANNELS)).astype(np.float32) / size / CHANNELS
        place = f"{NET}/pack.net.Cell_{index}/torch.nn.modules.conv.Conv2d_conv"
        weights = graph.tensor(f"{place};1", values.shape, value=values)
        # the last tensor is an output: a converter names it anew
        result = graph.tensor("serving_default_output" if index == len(sizes) - 1 else f"{place};", shape)
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        graph.operator(Code.CONV_2D, [last, weights, bias], [result], Options.Conv2DOptions, options)
        last = result
    return graph.write(path, [source], [last])
