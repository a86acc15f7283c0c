from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

from pocketbench.profile.agent.engines.onnxruntime_cpu import OnnxRuntime
from pocketbench.profile.agent.inputs import Tensor, make_inputs, resolve_shapes
from tests.profile import onnx_files
from tests.profile.conftest import make_cell, run_cells


def load(path: Path, shapes: dict[str, list[int]] | None = None) -> tuple[Any, dict[str, np.ndarray]]:
    """What one inference returns, ready to call, and its inputs; by the engine's own steps."""
    engine = OnnxRuntime()
    inputs = engine.open(str(path), 1)
    sizes = resolve_shapes(inputs, shapes or {}).sizes
    engine.prepare(sizes)
    arrays = make_inputs(inputs, sizes, 0, None)
    return engine.bind(arrays), arrays


def read_bound_output(invoke: functools.partial[Any]) -> np.ndarray:
    invoke()
    _, binding, _ = invoke.args
    return binding.copy_outputs_to_cpu()[0]


TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}


def test_a_bound_run_computes_the_model_on_inputs_of_every_type(tmp_path: Path) -> None:
    path = onnx_files.write_sum(tmp_path / "sum.onnx", list(TYPES.values()))
    invoke, arrays = load(path)
    assert [array.dtype.name for array in arrays.values()] == list(TYPES)
    expected = sum(array.astype(np.float32) for array in arrays.values())
    np.testing.assert_allclose(read_bound_output(invoke), expected, rtol=1e-5)
    np.testing.assert_allclose(read_bound_output(invoke), expected, rtol=1e-5)


def test_ids_are_in_range_of_any_table(tmp_path: Path) -> None:
    invoke, arrays = load(onnx_files.write_gather(tmp_path / "gather.onnx"))
    np.testing.assert_array_equal(
        read_bound_output(invoke), np.arange(12, dtype=np.float32).reshape(4, 3)[arrays["ids"]]
    )


def test_a_sequence_is_run_by_name(tmp_path: Path) -> None:
    invoke, arrays = load(onnx_files.write_sequence(tmp_path / "sequence.onnx"))
    ((first, second),) = invoke()
    assert (first == arrays["x"]).all()
    assert (second == arrays["x"]).all()


def test_open_sizes_are_the_given_ones(tmp_path: Path) -> None:
    path = onnx_files.write_relu(tmp_path / "open.onnx", (None, 3, "h", "w"))
    invoke, arrays = load(path, {"x": [2, 3, 5, 7]})
    assert read_bound_output(invoke).shape == arrays["x"].shape == (2, 3, 5, 7)


def test_files_and_their_facts(tmp_path: Path) -> None:
    engine = OnnxRuntime()
    found = engine.open(str(onnx_files.write_relu(tmp_path / "r.onnx", ("N", None, 3), TensorProto.FLOAT16)), 1)
    assert found == [Tensor("x", "float16", ("N", None, 3))]
    assert engine.outputs() == [Tensor("y", "float16", ("N", None, 3))]
    assert engine.versions() == {"onnxruntime": onnxruntime.__version__}
    assert engine.delegation() is None
    assert engine.suffixes == (".onnx", ".ort")


def test_the_thread_count_reaches_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    create = onnxruntime.InferenceSession

    def remember(path: str, options: onnxruntime.SessionOptions, **others: Any) -> onnxruntime.InferenceSession:
        given.append((options.intra_op_num_threads, options.inter_op_num_threads, others["providers"]))
        return create(path, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", remember)
    OnnxRuntime().open(str(onnx_files.write_relu(tmp_path / "r.onnx")), 2)
    assert given == [(2, 1, ["CPUExecutionProvider"])]


def test_cells_of_one_and_two_threads(tmp_path: Path) -> None:
    path = onnx_files.write_conv(tmp_path / "conv.onnx")
    one, two = run_cells(
        make_cell(path, "onnxruntime"), make_cell(path, "onnxruntime", thread_count=2, round_count=3, burst_count=4)
    )
    assert one.failure is two.failure is None
    assert one.measurement is not None
    assert two.measurement is not None
    assert (one.measurement.cpu_clock, two.measurement.cpu_clock) == ("thread", "process")
    assert len(one.measurement.wall_ns) == len(one.measurement.cpu_ns) == 2 * 3
    assert len(two.measurement.wall_ns) == 3 * 4
    assert len(one.measurement.warmup_wall_ns) == 1
    assert min(one.measurement.load_ns, one.measurement.first_ns, *one.measurement.wall_ns) > 0


def test_one_failing_file_costs_one_cell(tmp_path: Path) -> None:
    good = onnx_files.write_relu(tmp_path / "good.onnx")
    opened = onnx_files.write_relu(tmp_path / "open.onnx", (None, 3, None, None))
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:30])
    (tmp_path / "foreign.onnx").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    text = onnx_files.write_graph(
        tmp_path / "text.onnx",
        [onnx_files.helper.make_node("Identity", ["x"], ["y"])],
        [("x", TensorProto.STRING, (1,))],
        [("y", TensorProto.STRING, (1,))],
    )
    cells = [
        make_cell(tmp_path / "cut.onnx", "onnxruntime"),
        make_cell(tmp_path / "foreign.onnx", "onnxruntime"),
        make_cell(tmp_path / "absent.onnx", "onnxruntime"),
        make_cell(opened, "onnxruntime"),
        make_cell(opened, "onnxruntime", shapes={"x": (1, 3, 10**6, 10**6)}),
        make_cell(text, "onnxruntime"),
        make_cell(good, "litert"),
        make_cell(good, "onnxruntime"),
        make_cell(opened, "onnxruntime", shapes={"x": (2, 3, 4, 4)}),
    ]
    results = run_cells(*cells)
    assert len(results) == len(cells)
    failures = [(result.artifact.file_name, result.failure) for result in results if result.failure]
    expected = [
        ("cut.onnx", "INVALID_PROTOBUF"),
        ("foreign.onnx", "INVALID_PROTOBUF"),
        ("absent.onnx", "there is no such file"),
        ("open.onnx", "--shape x=1,3,224,224"),
        ("open.onnx", "bytes of memory"),
        ("text.onnx", "input 'x' is string"),
        ("good.onnx", "runs files that end in .tflite"),
    ]
    for (name, failure), (expected_name, message) in zip(failures, expected, strict=True):
        assert (name, failure.kind) == (expected_name, "load")
        assert message in failure.message
    measured = [(result.artifact.file_name, result.plan.shapes) for result in results if result.measurement]
    assert measured == [("good.onnx", None), ("open.onnx", {"x": (2, 3, 4, 4)})]
