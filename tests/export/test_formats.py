"""Each format's converter, runtime and facts on a small network; planted faults; damaged files."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

from pocketbench.core.errors import ConversionError, FileFault, ParityError
from pocketbench.export import tflite_graph, to_onnx, to_tflite
from pocketbench.export.format import Format
from pocketbench.export.preparation import PreparedModel, prepare_model
from tests.export.networks import INPUT_SHAPE, make_small_network

# computed by hand: stem 8*27*16*16, shared conv 2 * 8*8*16, linear 8*5
SMALL_NETWORK_MACS = 8 * 27 * 256 + 2 * 64 * 16 + 40


@pytest.fixture(scope="module")
def prepared() -> PreparedModel:
    return prepare_model(make_small_network(), INPUT_SHAPE)


def verify(written: Format, prepared: PreparedModel, path: Path) -> float:
    """The relative error of the file; raises ParityError as the exporter does."""
    return written.verify(path, prepared, "fp32").relative_error


@pytest.fixture(scope="module")
def onnx_path(prepared: PreparedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    to_onnx.convert(prepared.exported, path, "fp32")
    return path


@pytest.fixture(scope="module")
def tflite_path(prepared: PreparedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tflite") / "small.tflite"
    to_tflite.convert(prepared.exported, path, "fp32")
    return path


class TestOnnx:
    def test_computes_what_the_model_computes(self, prepared: PreparedModel, onnx_path: Path) -> None:
        assert verify(to_onnx, prepared, onnx_path) < 1e-5

    def test_facts(self, onnx_path: Path) -> None:
        facts = to_onnx.read_graph_facts(onnx_path)
        assert facts.mac_count == SMALL_NETWORK_MACS
        assert "BatchNormalization" not in facts.operator_counts
        assert facts.operator_counts["Conv"] == 3
        assert facts.inputs[0].shape == INPUT_SHAPE
        assert facts.inputs[0].dtype == "float32"
        assert not facts.dynamic_shapes

    def test_nodes_say_which_module_they_came_from(self, onnx_path: Path) -> None:
        notes = {
            node.op_type: [(note.key, note.value.split("/")[1:-1]) for note in node.metadata_props]
            for node in onnx.load(onnx_path).graph.node
        }
        assert notes["Clip"] == [
            ("namespace", ["stem: torch.nn.modules.container.Sequential", "stem.2: torch.nn.modules.activation.ReLU6"])
        ]
        assert notes["Gemm"] == [("namespace", ["head: torch.nn.modules.linear.Linear"])]

    def test_is_the_same_file_each_time_and_names_no_path(self, prepared: PreparedModel, onnx_path: Path) -> None:
        again = onnx_path.with_name("again.onnx")
        to_onnx.convert(prepared.exported, again, "fp32")
        assert again.read_bytes() == onnx_path.read_bytes()
        assert b"/site-packages/" not in again.read_bytes()
        assert str(Path(__file__).parent).encode() not in again.read_bytes()

    def test_one_changed_weight_is_caught(self, prepared: PreparedModel, onnx_path: Path) -> None:
        model = onnx.load(onnx_path)
        for index, tensor in enumerate(model.graph.initializer):
            values = numpy_helper.to_array(tensor).copy()
            if values.dtype != np.float32:
                continue
            values.flat[0] += 0.1 * np.abs(values).max() + 0.01
            changed = onnx.ModelProto()
            changed.CopyFrom(model)
            changed.graph.initializer[index].CopyFrom(numpy_helper.from_array(values, tensor.name))
            path = onnx_path.with_name("changed.onnx")
            onnx.save(changed, path)
            with pytest.raises(ParityError):
                verify(to_onnx, prepared, path)

    def test_one_swapped_operator_is_caught(self, prepared: PreparedModel, onnx_path: Path) -> None:
        model = onnx.load(onnx_path)
        product = next(node for node in model.graph.node if node.op_type == "Mul")
        product.op_type = "Add"
        path = onnx_path.with_name("swapped.onnx")
        onnx.save(model, path)
        with pytest.raises(ParityError):
            verify(to_onnx, prepared, path)

    def test_dynamic_shapes_are_said(self, tmp_path: Path) -> None:
        value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 3])
        result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 3])
        graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
        onnx.save(onnx.helper.make_model(graph), tmp_path / "dynamic.onnx")
        facts = to_onnx.read_graph_facts(tmp_path / "dynamic.onnx")
        assert facts.dynamic_shapes
        assert facts.inputs[0].shape == (None, 3)
        assert facts.mac_count is None


class TestTflite:
    def test_computes_what_the_model_computes(self, prepared: PreparedModel, tflite_path: Path) -> None:
        assert verify(to_tflite, prepared, tflite_path) < 1e-5

    def test_facts(self, tflite_path: Path) -> None:
        facts = to_tflite.read_graph_facts(tflite_path)
        assert facts.mac_count == SMALL_NETWORK_MACS
        assert facts.operator_counts["CONV_2D"] == 3
        assert facts.layout_operator_count == facts.operator_counts["TRANSPOSE"] == 2  # of the input, before the mean
        assert facts.inputs[0].shape == INPUT_SHAPE
        assert not facts.dynamic_shapes

    def test_is_the_same_file_each_time(self, prepared: PreparedModel, tflite_path: Path) -> None:
        again = tflite_path.with_name("again.tflite")
        to_tflite.convert(prepared.exported, again, "fp32")
        assert again.read_bytes() == tflite_path.read_bytes()

    def test_one_changed_weight_is_caught(self, prepared: PreparedModel, tflite_path: Path) -> None:
        tried = 0
        original = tflite_graph.read_model(tflite_path)
        for tensor in original.subgraphs[0].tensors:
            model = tflite_graph.read_model(tflite_path)
            data = model.buffers[tensor.buffer].data
            if data is None or tensor.type != schema.TensorType.FLOAT32 or len(data) <= 4:
                continue
            values = np.frombuffer(bytes(data), np.float32).copy()
            values[0] += 0.1 * np.abs(values).max() + 0.01
            model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
            with pytest.raises(ParityError):
                verify(to_tflite, prepared, write_tflite(model, tflite_path.with_name("changed.tflite")))
            tried += 1
        assert tried >= 4  # the weights of both convolutions and of the linear layer, and biases

    def test_one_swapped_operator_is_caught(self, prepared: PreparedModel, tflite_path: Path) -> None:
        model = tflite_graph.read_model(tflite_path)
        swapped = 0
        for code in model.operatorCodes:
            if code.builtinCode == schema.BuiltinOperator.MUL:
                code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SUB
                swapped += 1
        assert swapped == 1
        for operator in model.subgraphs[0].operators:
            if operator.builtinOptionsType == schema.BuiltinOptions.MulOptions:
                operator.builtinOptionsType = schema.BuiltinOptions.SubOptions
                operator.builtinOptions = schema.SubOptionsT()
        with pytest.raises(ParityError):
            verify(to_tflite, prepared, write_tflite(model, tflite_path.with_name("swapped.tflite")))


def write_tflite(model: schema.ModelT, path: Path) -> Path:
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


@pytest.mark.parametrize("written", [to_onnx, to_tflite], ids=["onnx", "tflite"])
class TestBadFiles:
    def test_truncated(self, written: Format, tmp_path: Path, onnx_path: Path, tflite_path: Path) -> None:
        whole = {to_onnx: onnx_path, to_tflite: tflite_path}[written].read_bytes()
        for size in (0, 7, 40, len(whole) // 2):
            path = tmp_path / "cut"
            path.write_bytes(whole[:size])
            with pytest.raises(FileFault):
                written.read_graph_facts(path)

    def test_foreign_and_missing(self, written: Format, tmp_path: Path) -> None:
        path = tmp_path / "picture"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
        for bad in (path, tmp_path / "absent", tmp_path):
            with pytest.raises(FileFault):
                written.read_graph_facts(bad)
        with pytest.raises(FileFault):
            written.run(path, [[np.zeros(1, np.float32)]])

    def test_unknown_precision(self, written: Format, prepared: PreparedModel, tmp_path: Path) -> None:
        with pytest.raises(ConversionError, match="int4"):
            written.convert(prepared.exported, tmp_path / "x", "int4")


def test_an_operator_without_a_form_in_the_format_is_said(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.linalg.svdvals(x)

    odd = prepare_model(Odd(), (1, 3, 8, 8))
    with pytest.raises(ConversionError, match=r"torch\.onnx"):
        to_onnx.convert(odd.exported, tmp_path / "odd.onnx", "fp32")
    assert list(tmp_path.iterdir()) == []
