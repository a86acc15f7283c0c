"""Counts of operators, weights and multiply-accumulates against sums by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.export.mil.counts import count_macs, count_operators, count_weights
from pocketbench.export.mil.program import read_program
from tests.export.mil.packages import Builder, change_model, draw, find_operations, save_operators

pytestmark = pytest.mark.slow  # each test converts

IMAGE = (1, 4, 6, 8)


def conv(x: Any) -> Any:
    return Builder.conv(x=x, weight=draw(6, 4, 3, 3), bias=draw(6), strides=[2, 2], pad_type="same")


def depthwise(x: Any) -> Any:
    return Builder.conv(x=x, weight=draw(4, 1, 3, 3), groups=4, pad_type="same")


def conv_transpose(x: Any) -> Any:
    return Builder.conv_transpose(x=x, weight=draw(4, 3, 2, 2), groups=2, strides=[2, 2])


def linear(x: Any) -> Any:
    return Builder.linear(x=Builder.reduce_mean(x=x, axes=[2, 3]), weight=draw(10, 4), bias=draw(10))


def matmul(x: Any) -> Any:
    return Builder.matmul(x=x, y=x, transpose_y=True)


def matmul_of_columns(x: Any) -> Any:
    return Builder.matmul(x=x, y=x, transpose_x=True)


def einsum(x: Any) -> Any:
    return Builder.einsum(values=(x, draw(1, 8, 6, 5)), equation="nchw,nwhu->nchu")


def scaled(x: Any) -> Any:
    return Builder.clip(x=Builder.mul(x=x, y=draw(1, 4, 1, 1)), alpha=0.0, beta=6.0)


CASES = [
    (conv, {"conv": 1}, 6 * 4 * 9 + 6, 6 * 3 * 4 * 4 * 9),
    (depthwise, {"conv": 1}, 4 * 9, 4 * 6 * 8 * 9),
    (conv_transpose, {"conv_transpose": 1}, 4 * 3 * 4, 4 * 6 * 8 * 3 * 4),
    (linear, {"linear": 1, "reduce_mean": 1}, 10 * 4 + 10, 10 * 4),
    (matmul, {"matmul": 1}, 0, 4 * 6 * 6 * 8),
    (matmul_of_columns, {"matmul": 1}, 0, 4 * 8 * 8 * 6),
    (einsum, {"einsum": 1}, 8 * 6 * 5, 4 * 6 * 5 * 8),
    (scaled, {"clip": 1, "mul": 1}, 4, 0),
]


@pytest.mark.parametrize(("build", "operators", "weights", "macs"), CASES)
def test_counts(tmp_path: Path, build: Any, operators: dict[str, int], weights: int, macs: int) -> None:
    save_operators(tmp_path / "counted.mlpackage", build, {"x": IMAGE})
    program = read_program(tmp_path / "counted.mlpackage")
    assert count_operators(program) == operators
    assert count_weights(program) == weights
    assert count_macs(program) == macs


def test_macs_of_a_shape_that_is_not_fixed_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "counted.mlpackage"
    save_operators(path, conv, {"x": IMAGE})
    with change_model(path) as model:
        find_operations(model, "conv")[0].outputs[0].type.tensorType.dimensions[2].unknown.variadic = False
    assert count_macs(read_program(path)) is None


def test_branches_are_counted(tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        is_large = Builder.greater(x=Builder.reduce_sum(x=x), y=np.float32(0))
        return Builder.cond(pred=is_large, _true_fn=lambda: Builder.exp(x=x), _false_fn=lambda: conv_of_same_size(x))

    save_operators(tmp_path / "branches.mlpackage", build, {"x": IMAGE})
    counts = count_operators(read_program(tmp_path / "branches.mlpackage"))
    assert counts["exp"] == counts["conv"] == counts["cond"] == 1
    assert count_weights(read_program(tmp_path / "branches.mlpackage")) == 4 * 4 * 9


def conv_of_same_size(x: Any) -> Any:
    return Builder.conv(x=x, weight=draw(4, 4, 3, 3), pad_type="same")
