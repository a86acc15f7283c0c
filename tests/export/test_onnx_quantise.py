"""What is done for a quantised ONNX file beside onnxruntime's quantiser, on graphs made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pocketbench.export.onnx_quantise import leave_scores, quantise_to_int8

WEIGHTS = np.array([[0.7, -1.1], [0.3, 0.2]], np.float32)


def make_model(operator: str = "Gemm", *, extra_use: bool = False) -> onnx.ModelProto:
    """One layer whose output is rounded to steps of 0.5."""
    pair = ["scale", "zero"]
    nodes = [
        helper.make_node(operator, ["x", "weights"], ["scores"]),
        helper.make_node("QuantizeLinear", ["scores", *pair], ["packed"]),
        helper.make_node("DequantizeLinear", ["packed", *pair], ["y"]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])]
    if extra_use:
        nodes.append(helper.make_node("DequantizeLinear", ["packed", *pair], ["z"]))
        outputs.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2]))
    constants = {"weights": WEIGHTS, "scale": np.float32(0.5), "zero": np.int8(0)}
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["y"], {"x": x})[0])


def test_scores_of_a_gemm_are_not_rounded() -> None:
    model, x = make_model(), np.array([[1.0, 0.1]], np.float32)
    assert run(model, x).tolist() == [[0.5, -1.0]]
    leave_scores(model.graph)
    assert run(model, x) == pytest.approx(x @ WEIGHTS)
    assert [item.name for item in model.graph.initializer] == ["weights"]


@pytest.mark.parametrize(("operator", "extra_use"), [("MatMul", False), ("Gemm", True)])
def test_other_outputs_stay_as_they_are(operator: str, extra_use: bool) -> None:
    model = make_model(operator, extra_use=extra_use)
    before = model.SerializeToString()
    leave_scores(model.graph)
    assert model.SerializeToString() == before


def write_gate(path: Path, bias: float) -> Path:
    """4 - 3 relu(x + bias), as the two layers of a gate's hidden channel."""
    constants = {"one": [[1.0]], "bias": [bias], "minus_three": [[-3.0]], "four": [4.0]}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "one", "bias"], ["hidden"], "first"),
            helper.make_node("Relu", ["hidden"], ["let_through"], "relu"),
            helper.make_node("Gemm", ["let_through", "minus_three", "four"], ["y"], "second"),
        ],
        "gate",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize("bias", [-1.5, -0.5])
def test_a_relu_that_let_nothing_through_still_lets_nothing_through(tmp_path: Path, bias: float) -> None:
    """onnxruntime's quantiser drops a ReLU, and counts on a range that begins at 0 to do its work."""
    inputs = [np.array([[value]], np.float32) for value in np.linspace(-1, 1, 9)]
    twin, path = write_gate(tmp_path / "twin.onnx", bias), tmp_path / "int8.onnx"
    quantise_to_int8(twin, path, inputs)
    model = onnx.load(path)
    assert "Relu" not in {node.op_type for node in model.graph.node}
    for x in inputs:
        assert run(model, x).item() == pytest.approx(4 - 3 * max(x.item() + bias, 0), abs=0.03)
