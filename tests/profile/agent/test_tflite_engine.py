from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.profile.agent.engines.tflite_interpreter import LiteRt
from pocketbench.profile.agent.inputs import Tensor, make_inputs, resolve_shapes
from tests.profile import tflite_files
from tests.profile.conftest import make_cell, run_cells
from tests.profile.tflite_files import Type


def load(path: Path, shapes: dict[str, list[int]] | None = None) -> tuple[LiteRt, Any, dict[str, np.ndarray]]:
    engine = LiteRt()
    inputs = engine.open(str(path), 1)
    sizes = resolve_shapes(inputs, shapes or {}).sizes
    engine.prepare(sizes)
    arrays = make_inputs(inputs, sizes, 0, None)
    return engine, engine.bind(arrays), arrays


def read_output(engine: LiteRt) -> np.ndarray:
    interpreter = engine._interpreter
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


TYPES = ("FLOAT32", "FLOAT16", "FLOAT64", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL")


@pytest.mark.parametrize("name", TYPES)
def test_an_input_of_any_type_is_set_and_computed_with(tmp_path: Path, name: str) -> None:
    path = tflite_files.write_cast(tmp_path / "cast.tflite", getattr(Type, name))
    engine, invoke, arrays = load(path)
    for _ in range(2):
        invoke()
        np.testing.assert_array_equal(read_output(engine), arrays["x"].astype(np.float32))


@pytest.mark.parametrize("dtype", [Type.INT8, Type.UINT8])
def test_quantised_inputs_are_whole_numbers(tmp_path: Path, dtype: int) -> None:
    engine, invoke, arrays = load(tflite_files.write_quantized_add(tmp_path / "add.tflite", dtype))
    invoke()
    # (x + x) / 2 with scales 0.5 and 1
    np.testing.assert_array_equal(read_output(engine), arrays["x"])


def test_several_inputs(tmp_path: Path) -> None:
    engine, invoke, arrays = load(tflite_files.write_add(tmp_path / "add.tflite", 3))
    invoke()
    assert list(arrays) == ["x0", "x1", "x2"]
    np.testing.assert_allclose(read_output(engine), sum(arrays.values()), rtol=1e-6)


def test_a_stateful_model_keeps_its_state_from_run_to_run(tmp_path: Path) -> None:
    engine, invoke, arrays = load(tflite_files.write_accumulator(tmp_path / "accumulator.tflite"))
    for count in (1, 2, 3):
        invoke()
        np.testing.assert_allclose(read_output(engine), count * arrays["x"], rtol=1e-6)


def test_open_sizes_are_resized(tmp_path: Path) -> None:
    path = tflite_files.write_add(tmp_path / "open.tflite", 2, signature=(-1, -1))
    engine, invoke, arrays = load(path, {"x0": [3, 5], "x1": [3, 5]})
    invoke()
    assert read_output(engine).shape == (3, 5)
    np.testing.assert_allclose(read_output(engine), arrays["x0"] + arrays["x1"], rtol=1e-6)
    assert engine.delegation().partition_count == 1


def test_files_and_their_facts(tmp_path: Path) -> None:
    engine = LiteRt()
    found = engine.open(str(tflite_files.write_add(tmp_path / "open.tflite", 2, signature=(-1, 4))), 1)
    assert found == [Tensor("x0", "float32", (None, 4)), Tensor("x1", "float32", (None, 4))]
    assert engine.versions() == {"ai-edge-litert": importlib.metadata.version("ai-edge-litert")}
    assert engine.suffixes == (".tflite",)


@pytest.mark.parametrize("sum_count", [0, 1, 3])
def test_partitions_are_counted(tmp_path: Path, sum_count: int) -> None:
    """By construction XNNPACK takes what stands between the CUMSUMs, and none of them."""
    engine, _, _ = load(tflite_files.write_split_by_cumsum(tmp_path / "cut.tflite", sum_count))
    delegation = engine.delegation()
    expected = {"ADD": 1, "CUMSUM": sum_count, "MUL": sum_count}
    assert delegation.operator_counts == {name: count for name, count in expected.items() if count}
    assert delegation.partition_count == sum_count + 1
    assert delegation.outside_count == sum_count


def test_operators_that_store_are_counted_inside(tmp_path: Path) -> None:
    """All but CALL_ONCE are in XNNPACK: so says the profiler of LiteRT's C API, too."""
    engine, _, _ = load(tflite_files.write_accumulator(tmp_path / "accumulator.tflite"))
    names = ["ADD", "ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"]
    assert engine.delegation().operator_counts == dict.fromkeys(names, 1)
    assert engine.delegation().outside_count == 1


def test_cells_of_many_kinds_and_failures(tmp_path: Path) -> None:
    add = tflite_files.write_add(tmp_path / "add.tflite")
    (tmp_path / "cut.tflite").write_bytes(add.read_bytes()[: add.stat().st_size // 2])
    (tmp_path / "foreign.tflite").write_bytes(b"PK\x03\x04" + bytes(400))
    batch = tflite_files.write_add(tmp_path / "batch.tflite", 2, signature=(-1, 4))
    text = tflite_files.write_cast(tmp_path / "text.tflite", Type.STRING)
    files = [add, tmp_path / "cut.tflite", tmp_path / "foreign.tflite", batch, text]
    files.append(tflite_files.write_accumulator(tmp_path / "accumulator.tflite"))
    results = {
        result.artifact.file_name: result for result in run_cells(*(make_cell(path, "litert") for path in files))
    }
    failed = {name: result.failure for name, result in results.items() if result.failure}
    assert set(failed) == {"cut.tflite", "foreign.tflite", "text.tflite"}
    # a runtime may refuse half a file or crash on it
    assert failed["cut.tflite"].kind in ("load", "crash")
    assert failed["foreign.tflite"].kind == "load"
    assert "input 'x' is bytes" in failed["text.tflite"].message
    assert "assumed_batch_1" in [caveat.code for caveat in results["batch.tflite"].caveats]
    assert "assumed_batch_1" not in [caveat.code for caveat in results["add.tflite"].caveats]
    assert results["accumulator.tflite"].measurement is not None
