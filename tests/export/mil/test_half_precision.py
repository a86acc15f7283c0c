"""A half-precision program against its twin: equal but for rounding, or the difference is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.export.mil.half_precision import find_difference
from pocketbench.export.mil.program import Program, read_program
from tests.export.mil.packages import Builder, draw, save_operators

pytestmark = pytest.mark.slow  # each test converts

WEIGHT = draw(4, 3, 3, 3)
SCALE = np.array([[[0.1]], [[1e-8]], [[-3e5]]], np.float32)

Build = Callable[[Any], Any]


def single(x: Any) -> Any:
    scaled = Builder.mul(x=x, y=SCALE)
    return Builder.relu(x=Builder.conv(x=scaled, weight=WEIGHT, strides=[1, 2], pad_type="same"))


def build_half(
    weight: np.ndarray = WEIGHT,
    scale: np.ndarray = SCALE,
    strides: tuple[int, int] = (1, 2),
    activate: str = "relu",
    combine: str = "mul",
) -> Build:
    """The same network with casts, as coremltools writes it."""

    def half(x: Any) -> Any:
        image = Builder.cast(x=x, dtype="fp16")
        with np.errstate(over="ignore"):
            scaled = getattr(Builder, combine)(x=image, y=np.clip(scale, -65504, 65504).astype(np.float16))
        features = Builder.conv(x=scaled, weight=weight.astype(np.float16), strides=strides, pad_type="same")
        return Builder.cast(x=getattr(Builder, activate)(x=features), dtype="fp32")

    return half


def read_saved(folder: Path, build: Build) -> Program:
    path = folder / "program.mlpackage"
    save_operators(path, build, {"x": (1, 3, 6, 6)})
    return read_program(path)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return read_saved(tmp_path_factory.mktemp("twin"), single)


def test_a_rounded_program_has_no_difference(twin: Program, tmp_path: Path) -> None:
    assert find_difference(read_saved(tmp_path, build_half()), twin) is None


def test_a_constant_may_keep_to_the_ends_of_the_range(twin: Program, tmp_path: Path) -> None:
    kept = np.array([[[0.1]], [[6e-5]], [[-65504.0]]], np.float32)
    assert find_difference(read_saved(tmp_path, build_half(scale=kept)), twin) is None


def nudge(values: np.ndarray) -> np.ndarray:
    changed = values.astype(np.float16)
    changed.flat[7] = np.nextafter(changed.flat[7], np.float16(9))
    return changed.astype(np.float32)


def use_input_twice(x: Any) -> Any:
    image = Builder.cast(x=x, dtype="fp16")
    return Builder.relu(x=Builder.conv(x=image, weight=WEIGHT.astype(np.float16), strides=[1, 2], pad_type="same"))


DIFFERENCES = {
    "one bit of one weight": (
        build_half(weight=nudge(WEIGHT)),
        r"1 of 108 values are not the rounded ones \(at conv_0_weight_0\)",
    ),
    "another large constant": (build_half(scale=SCALE / 100), "2 of 3 values"),
    "another attribute": (build_half(strides=(2, 1)), "another constant"),
    "another operator": (build_half(activate="sigmoid"), "sigmoid in place of relu"),
    "another operator inside": (build_half(combine="add"), "add in place of mul"),
    "an operator left out": (use_input_twice, "x in place of mul_0"),
    "another shape": (build_half(weight=draw(4, 3, 1, 1)), r"shape \[4, 3, 1, 1\] in place of \[4, 3, 3, 3\]"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference_is_named(twin: Program, tmp_path: Path, name: str) -> None:
    build, message = DIFFERENCES[name]
    difference = find_difference(read_saved(tmp_path, build), twin)
    assert difference is not None
    assert re.search(message, difference), difference
