"""Quantised files of a small network: what they hold, that they are reproducible, and that planted faults show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from pocketbench.core.errors import FileFault, ParityError
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.records import Parity
from pocketbench.core.targets import parse_format_target
from pocketbench.export import tflite_graph, tflite_weights, to_coreml, to_onnx, to_tflite
from pocketbench.export.calibration import calibrate_randomly
from pocketbench.export.exporter import export_model
from pocketbench.export.format import Format
from pocketbench.export.mil.weight_file import RECORD
from pocketbench.export.preparation import PreparedModel, prepare_model
from pocketbench.workflow.export_worker import add_partitions
from pocketbench.workflow.model_specs import make_spec
from tests.export.mil.packages import change_model, find_operations
from tests.export.networks import INPUT_SHAPE, make_small_network
from tests.export.test_formats import SMALL_NETWORK_MACS, write_tflite
from tests.export.test_to_coreml import copy_package

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prepared() -> PreparedModel:
    return prepare_model(make_small_network(), INPUT_SHAPE)


@pytest.fixture(scope="module")
def folder(prepared: PreparedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in float of each format that is calibrated."""
    made = tmp_path_factory.mktemp("twins")
    to_tflite.convert(prepared.exported, made / "twin.tflite", "fp32")
    to_onnx.convert(prepared.exported, made / "twin.onnx", "fp32")
    return made


Quantise = Callable[[Format, str], tuple[Path, Path]]


@pytest.fixture
def quantise(folder: Path, tmp_path: Path) -> Quantise:
    """A quantised file, and the one that it was made from."""

    def make(written: Format, precision: str) -> tuple[Path, Path]:
        suffix = {to_tflite: ".tflite", to_onnx: ".onnx"}[written]
        twin, path = folder / f"twin{suffix}", tmp_path / f"{precision}{suffix}"
        inputs = calibrate_randomly(INPUT_SHAPE).inputs if precision == "int8" else None
        written.quantise(twin, path, precision, inputs)
        return path, twin

    return make


def verify(written: Format, prepared: PreparedModel, path: Path, twin: Path, precision: str) -> Parity:
    return written.verify_quantised(path, twin, prepared, precision)


CASES = [(to_tflite, "fp16"), (to_tflite, "dynamic_int8"), (to_tflite, "int8"), (to_onnx, "int8")]


@pytest.mark.parametrize(("written", "precision"), CASES, ids=[f"{case[0].__name__[-6:]}-{case[1]}" for case in CASES])
def test_the_file_is_sound_and_the_same_each_time(
    quantise: Quantise, prepared: PreparedModel, written: Format, precision: str
) -> None:
    path, twin = quantise(written, precision)
    parity = verify(written, prepared, path, twin, precision)
    assert parity.weights_checked is not None
    assert parity.weights_checked >= 4
    assert 0 < parity.relative_error < (1e-2 if precision == "fp16" else 0.1)
    first = hash_model_file(path)
    path.unlink()
    quantise(written, precision)
    assert hash_model_file(path) == first
    facts, floats = written.read_graph_facts(path), written.read_graph_facts(twin)
    assert facts.mac_count == floats.mac_count == SMALL_NETWORK_MACS
    # onnxruntime copies the bias that two convolutions share (8), and the ends of the Clip fall into a range (2)
    assert facts.parameter_count == (floats.parameter_count or 0) + (6 if written is to_onnx else 0)
    assert [item.dtype for item in (*facts.inputs, *facts.outputs)] == ["float32", "float32"]


def test_a_network_is_converted_once_for_the_targets_that_share_its_graph(
    prepared: PreparedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted, convert = [], to_onnx.convert

    def count(exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
        converted.append(exported)
        convert(exported, path, precision)

    monkeypatch.setattr(to_onnx, "convert", count)
    spec, other = make_spec("mobilenet_v2"), prepare_model(make_small_network(1), INPUT_SHAPE)
    (tmp_path / "twins").mkdir()
    for network, target in [(prepared, "onnx"), (prepared, "onnx:int8"), (other, "onnx:int8")]:
        export_model(
            network,
            spec,
            parse_format_target(target),
            tmp_path,
            calibration=calibrate_randomly(INPUT_SHAPE),
            twins=tmp_path / "twins",
        )
    assert [exported is prepared.exported for exported in converted] == [True, False]


class TestTflite:
    def test_the_scores_are_not_rounded_and_their_weights_are(self, quantise: Quantise) -> None:
        path, _ = quantise(to_tflite, "int8")
        graph = tflite_graph.read_model(path).subgraphs[0]
        last = graph.operators[-1]
        assert tflite_graph.read_graph_facts(path).outputs[0].name == graph.tensors[last.outputs[0]].name.decode()
        assert [graph.tensors[index].type for index in (last.inputs[1], *last.outputs)] == [
            schema.TensorType.INT8,
            schema.TensorType.FLOAT32,
        ]

    def test_a_hard_swish_does_not_leave_the_delegate(self, tmp_path: Path) -> None:
        """XNNPACK has no such kernel of 8 bits."""
        layers = nn.Conv2d(3, 8, 3), nn.Hardswish(), nn.Conv2d(8, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        prepared = prepare_model(nn.Sequential(*layers, nn.Linear(8, 5)).eval(), INPUT_SHAPE)
        twin, path = tmp_path / "twin.tflite", tmp_path / "int8.tflite"
        to_tflite.convert(prepared.exported, twin, "fp32")
        to_tflite.quantise(twin, path, "int8", calibrate_randomly(INPUT_SHAPE).inputs)
        verify(to_tflite, prepared, path, twin, "int8")
        facts = add_partitions(path, to_tflite.read_graph_facts(path))
        assert facts.operator_counts["HARD_SWISH"] == 1
        assert (facts.partition_count, facts.outside_delegate_count) == (1, 0)

    def test_a_file_cut_within_its_appended_weights_is_refused(self, quantise: Quantise) -> None:
        path, _ = quantise(to_tflite, "dynamic_int8")
        path.write_bytes(path.read_bytes()[:-64])
        with pytest.raises(FileFault):
            to_tflite.read_graph_facts(path)

    @pytest.mark.parametrize("precision", ["fp16", "dynamic_int8", "int8"])
    def test_a_swapped_channel_shows(
        self, quantise: Quantise, prepared: PreparedModel, precision: str, tmp_path: Path
    ) -> None:
        path, twin = quantise(to_tflite, precision)
        model = tflite_graph.read_model(path)
        tensor = self.find_stem(model)
        data = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.uint8)
        model.buffers[tensor.buffer].data = np.roll(data.reshape(8, -1), 1, axis=0).ravel()
        with pytest.raises(ParityError, match="weight"):
            verify(to_tflite, prepared, write_tflite(model, tmp_path / "swapped.tflite"), twin, precision)

    @pytest.mark.parametrize("precision", ["dynamic_int8", "int8"])
    def test_a_doubled_scale_shows(
        self, quantise: Quantise, prepared: PreparedModel, precision: str, tmp_path: Path
    ) -> None:
        path, twin = quantise(to_tflite, precision)
        model = tflite_graph.read_model(path)
        quantization = self.find_stem(model).quantization
        quantization.scale = np.array(quantization.scale) * np.where(np.arange(8) == 3, 2, 1).astype(np.float32)
        with pytest.raises(ParityError, match="weight"):
            verify(to_tflite, prepared, write_tflite(model, tmp_path / "scaled.tflite"), twin, precision)

    def test_a_saturated_activation_shows(self, quantise: Quantise, prepared: PreparedModel, tmp_path: Path) -> None:
        path, twin = quantise(to_tflite, "int8")
        model = tflite_graph.read_model(path)
        constants = {name for name in tflite_weights.read_weights(path).values}
        for tensor in model.subgraphs[0].tensors:
            name = tensor.name.decode()
            if tensor.type == schema.TensorType.INT8 and name not in constants:
                tensor.quantization.scale = np.asarray(tensor.quantization.scale) / 4
        with pytest.raises(ParityError, match="error"):
            verify(to_tflite, prepared, write_tflite(model, tmp_path / "saturated.tflite"), twin, "int8")

    @staticmethod
    def find_stem(model: schema.ModelT) -> schema.TensorT:
        [found] = [
            tensor
            for tensor in model.subgraphs[0].tensors
            if list(tensor.shape) == [8, 3, 3, 3] and model.buffers[tensor.buffer].data is not None
        ]
        return found


class TestOnnx:
    def change(self, path: Path, suffix: str, change: Callable[[np.ndarray], np.ndarray], count: int) -> int:
        """Change the stored tensors whose names end so; returns how many."""
        model = onnx.load(path)
        changed = 0
        for item in model.graph.initializer:
            value = onnx.numpy_helper.to_array(item)
            if item.name.endswith(suffix) and changed < count:
                item.CopyFrom(onnx.numpy_helper.from_array(change(value).astype(value.dtype), item.name))
                changed += 1
        onnx.save(model, path)
        return changed

    def test_the_scores_are_not_rounded_and_their_weights_are(self, quantise: Quantise) -> None:
        path, _ = quantise(to_onnx, "int8")
        graph = onnx.load(path).graph
        [last] = [node for node in graph.node if graph.output[0].name in node.output]
        [unpacked] = [node for node in graph.node if last.input[1] in node.output]
        assert (last.op_type, unpacked.op_type) == ("Gemm", "DequantizeLinear")

    def test_no_convolution_is_left_to_float32(self, quantise: Quantise, tmp_path: Path) -> None:
        """Where three operators read a map, as at a gate, too."""
        path, _ = quantise(to_onnx, "int8")
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        counts = Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
        assert (counts["QLinearConv"], counts["Conv"]) == (3, 0)

    def test_faults_of_weights_show(self, quantise: Quantise, prepared: PreparedModel) -> None:
        faults = [("_quantized", lambda value: np.roll(value, 1, axis=0)), ("weight_0_scale", lambda value: 2 * value)]
        for suffix, change in faults:
            path, twin = quantise(to_onnx, "int8")
            assert self.change(path, suffix, change, 1) == 1
            with pytest.raises(ParityError, match="weight"):
                verify(to_onnx, prepared, path, twin, "int8")

    def test_saturated_activations_show(self, quantise: Quantise, prepared: PreparedModel) -> None:
        path, twin = quantise(to_onnx, "int8")
        model = onnx.load(path)
        scales = {node.input[1] for node in model.graph.node if node.op_type == "QuantizeLinear"}
        for item in model.graph.initializer:
            if item.name in scales:
                value = onnx.numpy_helper.to_array(item)
                item.CopyFrom(onnx.numpy_helper.from_array((value / 4).astype(value.dtype), item.name))
        assert len(scales) > 4
        onnx.save(model, path)
        with pytest.raises(ParityError):
            verify(to_onnx, prepared, path, twin, "int8")


@pytest.fixture(scope="module")
def compressible(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreparedModel, Path]:
    """A network whose second convolution is large enough to be compressed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.AdaptiveAvgPool2d(1)).eval()
    prepared = prepare_model(network, INPUT_SHAPE)
    path = tmp_path_factory.mktemp("compressible") / "twin.mlpackage"
    to_coreml.convert(prepared.exported, path, "fp16")
    return prepared, path


@pytest.mark.parametrize("precision", ["int8_weights", "palette6"])
def test_coreml_faults_show(tmp_path: Path, precision: str, compressible: tuple[PreparedModel, Path]) -> None:
    large, twin = compressible
    path = tmp_path / "small.mlpackage"
    to_coreml.quantise(twin, path, precision, None)
    parity = verify(to_coreml, large, path, twin, precision)
    assert parity.weights_checked == 1
    assert parity.relative_error < 0.1
    other = tmp_path / "again.mlpackage"
    to_coreml.quantise(twin, other, precision, None)
    assert hash_model_file(other) == hash_model_file(path)
    facts = to_coreml.read_graph_facts(path)
    assert facts.parameter_count == to_coreml.read_graph_facts(twin).parameter_count
    kind = {"int8_weights": "constexpr_affine_dequantize", "palette6": "constexpr_lut_to_dense"}[precision]
    assert facts.operator_counts[kind] == 1
    changed = copy_package(path, tmp_path / "changed")
    [weights] = list(changed.rglob("weight.bin"))
    data = bytearray(weights.read_bytes())
    with change_model(changed) as model:
        [operation] = find_operations(model, kind)
        stored = "quantized_data" if precision == "int8_weights" else "lut"
        offset = operation.attributes[stored].blobFileValue.offset
    _, _, size, start, _ = RECORD.unpack(bytes(data[offset : offset + RECORD.size]))
    half = size // 2
    data[start : start + size] = data[start + half : start + size] + data[start : start + half]
    weights.write_bytes(data)
    with pytest.raises(ParityError, match="values of the weight"):
        verify(to_coreml, large, changed, twin, precision)
    swapped = copy_package(path, tmp_path / "swapped")
    with change_model(swapped) as model:
        find_operations(model, "relu")[0].type = "abs"
    with pytest.raises(ParityError, match="another way"):
        verify(to_coreml, large, swapped, twin, precision)


def test_a_palette_keeps_a_tensor_of_few_values_exact(tmp_path: Path) -> None:
    """As the matrix that ECA's convolution over channels is written as: its taps on diagonals, else 0."""
    taps = [0.13918449, -0.40294325, 0.02567618, 0.22798596, 0.18579923]
    matrix = sum(torch.diag(torch.full((48 - abs(place),), tap), place) for place, tap in enumerate(taps, -2))
    network = nn.Sequential(nn.Conv2d(3, 48, 3), nn.Conv2d(48, 48, 1), nn.AdaptiveAvgPool2d(1)).eval()
    network[1].weight = nn.Parameter(matrix.reshape(48, 48, 1, 1))
    prepared = prepare_model(network, INPUT_SHAPE)
    twin, path = tmp_path / "twin.mlpackage", tmp_path / "small.mlpackage"
    to_coreml.convert(prepared.exported, twin, "fp16")
    to_coreml.quantise(twin, path, "palette6", None)
    parity = verify(to_coreml, prepared, path, twin, "palette6")
    assert parity.weights_checked == 1
    assert parity.relative_error < 1e-2
