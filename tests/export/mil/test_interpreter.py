"""Running programs: rounding, freed values, and programs that contradict themselves."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.operators import OPERATORS
from pocketbench.export.mil.program import read_program
from tests.export.mil.packages import Builder, change_model, draw, find_constant, find_operations, save_operators

pytestmark = pytest.mark.slow  # each test converts

X = draw(2, 3)


def add_then_relu(x: Any) -> Any:
    return Builder.relu(x=Builder.add(x=x, y=np.float32(0.5), name="sum"))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "small.mlpackage"
    save_operators(path, add_then_relu, {"x": X.shape})
    return path


def test_runs(package: Path) -> None:
    [found] = run_program(read_program(package), [X])
    np.testing.assert_array_equal(found, np.maximum(X + np.float32(0.5), 0))
    assert found.dtype == np.float32


def test_each_half_precision_result_is_rounded(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        half = Builder.cast(x=x, dtype="fp16")
        return Builder.mul(x=Builder.add(x=half, y=np.float16(2048)), y=np.float16(3))

    save_operators(tmp_path / "half.mlpackage", build, {"x": X.shape})
    [found] = run_program(read_program(tmp_path / "half.mlpackage"), [X])
    expected = (X.astype(np.float16) + np.float16(2048)) * np.float16(3)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(found)) < 5  # between 2048 and 4096 a half holds even numbers only


def test_half_precision_overflows_as_it_would_on_a_device(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        return Builder.mul(x=Builder.cast(x=x, dtype="fp16"), y=np.float16(60000))

    save_operators(tmp_path / "half.mlpackage", build, {"x": (1,)})
    [found] = run_program(read_program(tmp_path / "half.mlpackage"), [np.array([2.0], np.float32)])
    assert np.isposinf(found).all()


def test_values_are_freed_after_their_last_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(x: Any) -> Any:
        for _ in range(6):
            x = Builder.exp(x=Builder.sigmoid(x=x))
        return x

    save_operators(tmp_path / "long.mlpackage", build, {"x": (1000,)})
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def count(compute: Any) -> Any:
        def counted(arguments: Any) -> torch.Tensor:
            nonlocal most
            result = compute(arguments)
            alive.append(weakref.ref(result))
            most = max(most, sum(reference() is not None for reference in alive))
            return result

        return counted

    for kind in ("exp", "sigmoid"):
        monkeypatch.setitem(OPERATORS, kind, count(OPERATORS[kind]))
    run_program(read_program(tmp_path / "long.mlpackage"), [np.zeros(1000, np.float32)])
    assert len(alive) == 12
    assert most <= 2


def test_an_unknown_operator_is_named(package: Path) -> None:
    with change_model(package) as model:
        find_operations(model, "relu")[0].type = "lstm"
    with pytest.raises(ConversionError, match="operator 'lstm', which can't be verified"):
        run_program(read_program(package), [X])


def test_an_unknown_input_is_named(package: Path) -> None:
    with change_model(package) as model:
        operation = find_operations(model, "relu")[0]
        operation.inputs["slope"].CopyFrom(operation.inputs["x"])
    with pytest.raises(ConversionError, match="its input 'slope' is not known here"):
        run_program(read_program(package), [X])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "takes 1 inputs, 0 were given"),
        ([X, X], "takes 1 inputs, 2 were given"),
        ([X[:1]], r"'x' is float32 \[2, 3\], given was float32 \[1, 3\]"),
        ([X.astype(np.int32)], r"given was int32 \[2, 3\]"),
    ],
)
def test_inputs_that_do_not_fit(package: Path, inputs: list[np.ndarray], message: str) -> None:
    with pytest.raises(FileFault, match=message):
        run_program(read_program(package), inputs)


def declare_another_shape(model: Any) -> None:
    find_operations(model, "relu")[0].outputs[0].type.tensorType.dimensions[0].constant.size = 7


def declare_another_type(model: Any) -> None:
    find_operations(model, "relu")[0].outputs[0].type.tensorType.dataType = 23


def declare_a_huge_result(model: Any) -> None:
    for dimension in find_operations(model, "relu")[0].outputs[0].type.tensorType.dimensions:
        dimension.constant.size = 1 << 20


def use_before_it_is_computed(model: Any) -> None:
    find_operations(model, "add")[0].inputs["x"].arguments[0].name = "relu_0"


def leave_out_an_input(model: Any) -> None:
    del find_operations(model, "add")[0].inputs["y"]


def add_values_that_do_not_fit(model: Any) -> None:
    value = find_constant(model, "sum_y_0")
    dimension = value.type.tensorType.dimensions.add()
    dimension.constant.size = 5
    value.type.tensorType.rank = 1
    value.immediateValue.tensor.floats.values.extend([0.0] * 4)


@pytest.mark.parametrize(
    ("vandalize", "message"),
    [
        (declare_another_shape, r"its result has the shape \[2, 3\], declared is \[7, 3\]"),
        (declare_another_type, r"its result is torch.float32, declared is int32"),
        (declare_a_huge_result, "it declares a result of shape"),
        (use_before_it_is_computed, "nothing before it computes 'relu_0'"),
        (leave_out_an_input, "input 'y' is missing"),
        (add_values_that_do_not_fit, "small.mlpackage: add sum can't be evaluated"),
    ],
)
def test_contradictions(package: Path, vandalize: Any, message: str) -> None:
    with change_model(package) as model:
        vandalize(model)
    with pytest.raises(FileFault, match=message):
        run_program(read_program(package), [X])


HUGE = {
    "fill": lambda x: Builder.add(x=Builder.fill(shape=[4, 4], value=1.0), y=Builder.reduce_sum(x=x)),
    "tile": lambda x: Builder.tile(x=x, reps=[4, 4]),
    "pad": lambda x: Builder.pad(x=x, pad=[4, 4]),
    "conv": lambda x: Builder.conv(
        x=Builder.expand_dims(x=x, axes=[0]), weight=draw(1, 2, 1), pad_type="custom", pad=[4, 4]
    ),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_size_is_checked_before_the_memory_is_taken(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "huge.mlpackage"
    save_operators(path, HUGE[kind], {"x": X.shape})
    with change_model(path) as model:
        for item in find_operations(model, "const"):
            tensor = item.attributes["val"].immediateValue.tensor
            if tensor.WhichOneof("value") == "ints":
                tensor.ints.values[:] = [1 << 28 if value == 4 else value for value in tensor.ints.values]
    with pytest.raises(FileFault, match=r"it asks for a tensor of shape"):
        run_program(read_program(path), [X])
