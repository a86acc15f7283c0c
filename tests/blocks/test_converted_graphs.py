"""Each block through the three converters: no layout operator in the file, and the runtimes compute the block.

The converters are imported by the tests: whoever leaves these out, as they are slow, does not wait for the imports.
"""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.randomise import randomise_statistics

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SIZE = (14, 14)
RATIOS = {"se": 4, "cbam": 4, "cbam_channel": 4, "ca": 4, "ca_x": 4, "ca_y": 4}
# 96 channels: ECA's convolution falls into groups.
CASES = [
    *((name, channels) for name in ("se", "eca", "cbam", "ca") for channels in (8, 64)),
    *((name, 24) for name in ("cbam_channel", "cbam_spatial", "ca_x", "ca_y")),
    ("eca", 96),
]
LAYOUT_WORDS = (
    "transpose",
    "reshape",
    "slice",
    "concat",
    "expand",
    "gather",
    "squeeze",
    "split",
    "tile",
    "broadcast",
    "pack",
    "pad",
    "flatten",
    "shape",
)


def make_case(name: str, channels: int, gate: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    block = make_block(name, channels=channels, size=SIZE, reduction=RATIOS.get(name), gate=gate).eval()
    randomise_statistics(block, (1, channels, *SIZE), torch.Generator().manual_seed(0))
    return block, torch.randn(1, channels, *SIZE)


def find_layout_operators(operators: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in operators.items() if any(word in name.lower() for word in LAYOUT_WORDS)}


def assert_close(found: np.ndarray, block: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        expected = block(x).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.abs(expected - x.numpy()).max() > 0.1  # the gate is not 1 everywhere


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
@pytest.mark.parametrize(("name", "channels"), CASES)
def test_onnx_graph(name: str, channels: int, gate: str) -> None:
    import onnxsim

    block, x = make_case(name, channels, gate)
    model, _ = onnxsim.simplify(torch.onnx.export(block, (x,), dynamo=True, verbose=False).model_proto)
    operators = Counter(node.op_type for node in model.graph.node)
    assert find_layout_operators(operators) == {}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert_close(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0], block, x)


@pytest.mark.parametrize(("name", "channels"), CASES)
def test_tflite_graph(name: str, channels: int, tmp_path: Path) -> None:
    import ai_edge_litert.interpreter as litert
    import litert_torch

    block, x = make_case(name, channels, "hard_sigmoid")
    path = tmp_path / "block.tflite"
    litert_torch.convert(block, (x,)).export(str(path))
    plain = litert.Interpreter(
        str(path), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    plain.allocate_tensors()
    operators = Counter(entry["op_name"] for entry in plain._get_ops_details())
    assert operators.pop("TRANSPOSE", 0) <= 2  # the input and the output, from (N, C, H, W) and back
    assert find_layout_operators(operators) == {}

    delegated = litert.Interpreter(str(path))
    delegated.allocate_tensors()
    assert sum(entry["op_name"] == "DELEGATE" for entry in delegated._get_ops_details()) == 1
    delegated.set_tensor(delegated.get_input_details()[0]["index"], x.numpy())
    delegated.invoke()
    assert_close(delegated.get_tensor(delegated.get_output_details()[0]["index"]), block, x)


@pytest.mark.parametrize(("name", "channels"), CASES)
def test_core_ml_graph(name: str, channels: int) -> None:
    import coremltools

    block, x = make_case(name, channels, "hard_sigmoid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(block, (x,), strict=False).run_decompositions({})
        model = coremltools.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=coremltools.target.iOS16,
            compute_precision=coremltools.precision.FLOAT32,
        )
    operators = Counter(
        operation.op_type
        for operation in model._mil_program.functions["main"].operations
        if operation.op_type != "const"
    )
    assert find_layout_operators(operators) == {}
    assert operators["conv"] >= 1


def test_the_check_finds_what_the_textbook_form_leaves() -> None:
    import onnxsim

    textbook = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8), nn.Unflatten(1, (8, 1, 1)))
    exported = torch.onnx.export(textbook, (torch.randn(1, 8, 14, 14),), dynamo=True, verbose=False).model_proto
    model, _ = onnxsim.simplify(exported)
    assert isinstance(model, onnx.ModelProto)
    assert find_layout_operators(Counter(node.op_type for node in model.graph.node)) != {}
