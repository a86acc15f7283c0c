"""Operators that coremltools does not evaluate, against plain loops and the examples of its documentation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.program import read_program
from tests.export.mil.packages import Builder, draw, save_operators

X = draw(2, 3, 4)
IMAGE = draw(2, 4, 5, 6, seed=1)


@dataclass(frozen=True)
class Case:
    build: Callable[[], Any]
    expected: Sequence[np.ndarray]
    ios_version: int = 16


def case(kind: str, *expected: Any, ios_version: int = 16, **inputs: Any) -> Case:
    return Case(lambda: getattr(Builder, kind)(**inputs), [np.asarray(item) for item in expected], ios_version)


def by_channel(values: np.ndarray) -> np.ndarray:
    return values.reshape(1, -1, 1, 1)


def list_places(*sizes: int) -> Any:
    return itertools.product(*(range(size) for size in sizes))


def convolve(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    strides: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """A convolution by its definition, one output after the other."""
    top, bottom, left, right = padding
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right))).astype(np.float64)
    count, depth, kernel_height, kernel_width = weight.shape
    height = (x.shape[2] - (kernel_height - 1) * dilations[0] - 1) // strides[0] + 1
    width = (x.shape[3] - (kernel_width - 1) * dilations[1] - 1) // strides[1] + 1
    out = np.zeros((x.shape[0], count, height, width))
    for image, channel, row, column in list_places(*out.shape):
        first = channel // (count // groups) * depth
        for inner, i, j in list_places(depth, kernel_height, kernel_width):
            place = row * strides[0] + i * dilations[0], column * strides[1] + j * dilations[1]
            out[image, channel, row, column] += x[image, first + inner, *place] * weight[channel, inner, i, j]
    return out if bias is None else out + by_channel(bias)


def convolve_transposed(
    x: np.ndarray, weight: np.ndarray, strides: Sequence[int] = (1, 1), groups: int = 1
) -> np.ndarray:
    """Each input element spread over its window; nothing is cut off."""
    depth, kernel_height, kernel_width = weight.shape[1:]
    height = (x.shape[2] - 1) * strides[0] + kernel_height
    width = (x.shape[3] - 1) * strides[1] + kernel_width
    out = np.zeros((x.shape[0], depth * groups, height, width))
    for image, channel, row, column in list_places(*x.shape):
        first = channel // (x.shape[1] // groups) * depth
        for inner, i, j in list_places(depth, kernel_height, kernel_width):
            value = x[image, channel, row, column] * weight[channel, inner, i, j]
            out[image, first + inner, row * strides[0] + i, column * strides[1] + j] += value
    return out


def pool(
    x: np.ndarray,
    reduce: Callable[[np.ndarray], float],
    kernel: Sequence[int],
    strides: Sequence[int],
    before: Sequence[int],
    counts: Sequence[int],
) -> np.ndarray:
    """`reduce` of the elements that each window covers; what lies outside is left out."""
    out = np.zeros((*x.shape[:2], *counts))
    for image, channel, row, column in list_places(*out.shape):
        rows, columns = (
            slice(max(0, place * stride - pad), max(0, place * stride - pad + width))
            for place, stride, pad, width in zip((row, column), strides, before, kernel, strict=True)
        )
        out[image, channel, row, column] = reduce(x[image, channel, rows, columns])
    return out


def normalize_over_neighbours(x: np.ndarray, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    out = np.zeros_like(x)
    for channel in range(x.shape[1]):
        near = x[:, max(0, channel - size // 2) : channel + size // 2 + 1]
        out[:, channel] = x[:, channel] / (k + alpha / size * (near**2).sum(axis=1)) ** beta
    return out


def run_onnx(kind: str, x: np.ndarray, **attributes: Any) -> np.ndarray:
    """One ONNX operator by onnx's reference implementation."""
    value, result = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in "xy")
    node = onnx.helper.make_node(kind, ["x"], ["y"], **attributes)
    graph = onnx.helper.make_graph([node], "graph", [value], [result])
    return ReferenceEvaluator(onnx.helper.make_model(graph)).run(None, {"x": x})[0]


MEAN, VARIANCE, GAMMA, BETA = draw(4, seed=2), draw(4, seed=3, low=0.5), draw(4, seed=4), draw(4, seed=5)
VARIANCE = np.abs(VARIANCE) + 0.5
STANDARD = (IMAGE - IMAGE.mean((2, 3), keepdims=True)) / np.sqrt(IMAGE.var((2, 3), keepdims=True) + 0.01)
WEIGHT = draw(6, 4, 3, 3, seed=6)
EVEN_WEIGHT = draw(6, 4, 4, 2, seed=7)
GROUPED_WEIGHT = draw(6, 2, 3, 3, seed=8)
TRANSPOSED_WEIGHT = draw(4, 3, 3, 2, seed=9)
FULL = convolve_transposed(IMAGE, TRANSPOSED_WEIGHT, (2, 3))  # (2, 3, 11, 17)
DEEP = draw(1, 8, 2, 3, seed=10)
PAIR = np.array([[[[0.0], [1.0]]]], np.float32)  # (1, 1, 2, 1): then a resized column is the list of the places read

# The places that the notes of resize_bilinear print for an input [0, 1], to more digits.
DOCUMENTED_PLACES = {
    ("UNALIGN_CORNERS", 5): [0.0, 0.1, 0.5, 0.9, 1.0],
    ("STRICT_ALIGN_CORNERS", 5): [0.0, 0.25, 0.5, 0.75, 1.0],
    ("ALIGN_CORNERS", 5): [0.0, 0.25, 0.5, 0.75, 1.0],
    ("DEFAULT", 5): [0.0, 0.4, 0.8, 1.0, 1.0],
    ("OFFSET_CORNERS", 5): [0.1, 0.3, 0.5, 0.7, 0.9],
    ("UNALIGN_CORNERS", 6): [0.0, 0.0, 1 / 3, 2 / 3, 1.0, 1.0],
    ("STRICT_ALIGN_CORNERS", 6): [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    ("ALIGN_CORNERS", 6): [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
    ("DEFAULT", 6): [0.0, 1 / 3, 2 / 3, 1.0, 1.0, 1.0],
    ("OFFSET_CORNERS", 6): [1 / 12, 3 / 12, 5 / 12, 7 / 12, 9 / 12, 11 / 12],
    ("STRICT_ALIGN_CORNERS", 1): [0.0],
    ("ALIGN_CORNERS", 1): [0.5],
}

CASES = {
    "silu": case("silu", X / (1 + np.exp(-X)), x=X),
    "batch_norm": case(
        "batch_norm",
        by_channel(GAMMA) * (IMAGE - by_channel(MEAN)) / np.sqrt(by_channel(VARIANCE) + 0.01) + by_channel(BETA),
        **{"x": IMAGE, "mean": MEAN, "variance": VARIANCE, "gamma": GAMMA, "beta": BETA, "epsilon": 0.01},
    ),
    "batch_norm plain": case(
        "batch_norm",
        (IMAGE - by_channel(MEAN)) / np.sqrt(by_channel(VARIANCE) + 1e-5),
        **{"x": IMAGE, "mean": MEAN, "variance": VARIANCE},
    ),
    "instance_norm": case(
        "instance_norm",
        STANDARD * by_channel(GAMMA) + by_channel(BETA),
        **{"x": IMAGE, "gamma": GAMMA, "beta": BETA, "epsilon": 0.01},
    ),
    "instance_norm plain": case("instance_norm", STANDARD, x=IMAGE, epsilon=0.01),
    "local_response_norm": case(
        "local_response_norm",
        normalize_over_neighbours(IMAGE, 3, 0.5, 0.6, 1.5),
        **{"x": IMAGE, "size": 3, "alpha": 0.5, "beta": 0.6, "k": 1.5},
    ),
    "conv": case("conv", convolve(IMAGE, WEIGHT, draw(6)), x=IMAGE, weight=WEIGHT, bias=draw(6), pad_type="valid"),
    "conv custom": case(
        "conv",
        convolve(IMAGE, WEIGHT, None, (2, 1), (1, 0, 2, 3)),
        **{"x": IMAGE, "weight": WEIGHT, "strides": [2, 1], "pad_type": "custom", "pad": [1, 0, 2, 3]},
    ),
    "conv dilated": case(
        "conv",
        convolve(IMAGE, WEIGHT, None, (1, 2), (2, 2, 1, 1), (2, 1)),
        **{"x": IMAGE, "weight": WEIGHT, "strides": [1, 2], "pad_type": "custom", "pad": [2, 2, 1, 1]},
        dilations=[2, 1],
    ),
    "conv grouped": case(
        "conv", convolve(IMAGE, GROUPED_WEIGHT, groups=2), x=IMAGE, weight=GROUPED_WEIGHT, groups=2, pad_type="valid"
    ),
    # 5 rows, stride 2, kernel 3: 3 outputs reach 2 rows too far; 6 columns, stride 2: 1 column too far
    "conv same": case(
        "conv",
        convolve(IMAGE, WEIGHT, None, (2, 2), (1, 1, 0, 1)),
        **{"x": IMAGE, "weight": WEIGHT, "strides": [2, 2], "pad_type": "same"},
    ),
    # kernel 4 reaches 3 rows too far, kernel 2 one column
    "conv same even": case(
        "conv", convolve(IMAGE, EVEN_WEIGHT, None, padding=(1, 2, 0, 1)), x=IMAGE, weight=EVEN_WEIGHT, pad_type="same"
    ),
    "conv same_lower": case(
        "conv",
        convolve(IMAGE, EVEN_WEIGHT, None, padding=(2, 1, 1, 0)),
        **{"x": IMAGE, "weight": EVEN_WEIGHT, "pad_type": "same_lower"},
    ),
    "conv 1d": case(
        "conv",
        convolve(X[:, :, None], draw(2, 3, 2)[:, :, None], None, (1, 2), (0, 0, 1, 0))[:, :, 0],
        **{"x": X, "weight": draw(2, 3, 2), "strides": [2], "pad_type": "custom", "pad": [1, 0]},
    ),
    "conv_transpose": case("conv_transpose", FULL, x=IMAGE, weight=TRANSPOSED_WEIGHT, strides=[2, 3]),
    "conv_transpose custom": case(
        "conv_transpose",
        FULL[:, :, 1:9, 0:16] + by_channel(draw(3)),
        **{"x": IMAGE, "weight": TRANSPOSED_WEIGHT, "strides": [2, 3], "pad_type": "custom", "pad": [1, 2, 0, 1]},
        bias=draw(3),
    ),
    "conv_transpose grouped": case(
        "conv_transpose",
        convolve_transposed(IMAGE, TRANSPOSED_WEIGHT, groups=2),
        **{"x": IMAGE, "weight": TRANSPOSED_WEIGHT, "groups": 2},
    ),
    "conv_transpose output_shape": case(
        "conv_transpose",
        FULL[:, :, 1:10, 2:16],
        **{"x": IMAGE, "weight": TRANSPOSED_WEIGHT, "strides": [2, 3], "pad_type": "custom", "pad": [1, 2, 2, 2]},
        output_shape=np.array([2, 3, 9, 14], np.int32),
    ),
    "max_pool": case(
        "max_pool",
        pool(IMAGE, np.max, (3, 2), (2, 2), (1, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [3, 2], "strides": [2, 2], "pad_type": "custom", "pad": [1, 1, 0, 0]},
    ),
    "max_pool same": case(
        "max_pool",
        pool(IMAGE, np.max, (2, 2), (2, 2), (0, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [2, 2], "strides": [2, 2], "pad_type": "same"},
    ),
    "max_pool same_lower": case(
        "max_pool",
        pool(IMAGE, np.max, (2, 2), (2, 2), (1, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [2, 2], "strides": [2, 2], "pad_type": "same_lower"},
    ),
    "max_pool ceil": case(
        "max_pool",
        pool(IMAGE, np.max, (2, 3), (2, 2), (0, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [2, 3], "strides": [2, 2], "pad_type": "valid", "ceil_mode": True},
    ),
    # 5 rows: a fourth window would begin in the padding behind them, and is left out; 6 columns: it begins on the last
    "max_pool ceil padded": case(
        "max_pool",
        pool(IMAGE, np.max, (2, 2), (2, 2), (1, 1), (3, 4)),
        **{"x": IMAGE, "kernel_sizes": [2, 2], "strides": [2, 2], "pad_type": "custom", "pad": [1, 1, 1, 1]},
        ceil_mode=True,
    ),
    "avg_pool": case(
        "avg_pool",
        pool(IMAGE, lambda window: window.sum() / 6, (3, 2), (2, 2), (1, 1), (3, 4)),
        **{"x": IMAGE, "kernel_sizes": [3, 2], "strides": [2, 2], "pad_type": "custom", "pad": [1, 1, 1, 1]},
    ),
    "avg_pool excluding": case(
        "avg_pool",
        pool(IMAGE, np.mean, (3, 2), (2, 2), (1, 1), (3, 4)),
        **{"x": IMAGE, "kernel_sizes": [3, 2], "strides": [2, 2], "pad_type": "custom", "pad": [1, 1, 1, 1]},
        exclude_padding_from_average=True,
    ),
    "avg_pool uneven padding": case(
        "avg_pool",
        pool(IMAGE, lambda window: window.sum() / 4, (2, 2), (1, 2), (0, 1), (5, 4)),
        **{"x": IMAGE, "kernel_sizes": [2, 2], "strides": [1, 2], "pad_type": "custom", "pad": [0, 1, 1, 1]},
    ),
    "avg_pool ceil": case(
        "avg_pool",
        pool(IMAGE, np.mean, (2, 3), (2, 2), (0, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [2, 3], "strides": [2, 2], "pad_type": "valid", "ceil_mode": True},
    ),
    "l2_pool": case(
        "l2_pool",
        pool(IMAGE, lambda window: np.sqrt((window**2).sum()), (3, 2), (2, 2), (1, 0), (3, 3)),
        **{"x": IMAGE, "kernel_sizes": [3, 2], "strides": [2, 2], "pad_type": "custom", "pad": [1, 1, 0, 0]},
    ),
    "concat": case("concat", np.concatenate([X, X[:, :1]], 1), values=(X, X[:, :1]), axis=-2),
    "concat interleaved": case(
        "concat",
        [[1, 2], [7, 8], [3, 4], [9, 10], [5, 6], [11, 12]],
        values=(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([[7.0, 8], [9, 10], [11, 12]])),
        **{"axis": 0, "interleave": True},
    ),
    "depth_to_space": case("depth_to_space", run_onnx("DepthToSpace", DEEP, blocksize=2), x=DEEP, block_size=2),
    "space_to_depth": case(
        "space_to_depth",
        run_onnx("SpaceToDepth", draw(1, 2, 4, 6), blocksize=2),
        **{"x": draw(1, 2, 4, 6), "block_size": 2},
    ),
    "pixel_shuffle": case(
        "pixel_shuffle", run_onnx("DepthToSpace", DEEP, blocksize=2, mode="CRD"), x=DEEP, upscale_factor=2
    ),
    "pixel_unshuffle": case(
        "pixel_unshuffle",
        DEEP,
        **{"x": run_onnx("DepthToSpace", DEEP, blocksize=2, mode="CRD"), "downscale_factor": np.uint32(2)},
    ),
    "sliding_windows": case(
        "sliding_windows",
        np.stack([X[:, 0:2], X[:, 1:3]], axis=1),
        **{"x": X, "axis": 1, "size": 2, "stride": 1},
    ),
    "crop": case("crop", IMAGE[:, :, 1:3, 2:6], x=IMAGE, crop_height=[1, 2], crop_width=[2, 0]),
    "one_hot": case(
        "one_hot",
        np.moveaxis(np.where(np.eye(4)[[[2, 0], [1, 3]]], 5.0, -1.0), -1, 1),
        **{"indices": np.array([[2, 0], [1, 3]], np.int32), "one_hot_vector_size": 4, "axis": 1},
        **{"on_value": 5.0, "off_value": -1.0},
    ),
    "gather_nd": case("gather_nd", X[[1, 0], [2, 0]], x=X, indices=np.array([[1, 2], [0, 0]], np.int32)),
    "gather_nd batch": case(
        "gather_nd",
        np.stack([X[0, [2, 0]], X[1, [1, 1]]]),
        **{"x": X, "indices": np.array([[[2], [0]], [[1], [1]]], np.int32), "batch_dims": 1},
    ),
    "topk values": case("topk", np.sort(X)[..., ::-1][..., :2], x=X, k=2, return_indices=False),
    "reshape_like": case(
        "reshape_like",
        draw(60).reshape(2, 3, 5, 2),
        **{"x": draw(60), "ref_tensors": (draw(2, 3, 4), draw(1, 5, 2))},
        **{"begins": (np.int32(0), np.int32(1)), "ends": (np.int32(2), np.int32(0)), "end_masks": (False, True)},
    ),
    "resize_nearest_neighbor": case(
        "resize_nearest_neighbor",
        IMAGE[:, :, [0, 0, 1, 2, 2, 3, 4]][..., [0, 1, 3, 4]],
        **{"x": IMAGE, "target_size_height": 7, "target_size_width": 4},
    ),
    "upsample_nearest_neighbor": case(
        "upsample_nearest_neighbor",
        IMAGE.repeat(2, 2).repeat(3, 3),
        **{"x": IMAGE, "scale_factor_height": 2, "scale_factor_width": 3},
    ),
    **{
        f"resize_bilinear {mode} {size}": case(
            "resize_bilinear",
            np.reshape(places, (1, 1, size, 1)),
            **{"x": PAIR, "target_size_height": size, "target_size_width": 1, "sampling_mode": mode},
        )
        for (mode, size), places in DOCUMENTED_PLACES.items()
    },
    **{
        f"resize_bilinear widths {mode} {size}": case(
            "resize_bilinear",
            np.reshape(places, (1, 1, 1, size)),
            **{"x": PAIR.reshape(1, 1, 1, 2), "target_size_width": size, "sampling_mode": mode},
        )
        for (mode, size), places in DOCUMENTED_PLACES.items()
    },
    "upsample_bilinear aligned": case(
        "upsample_bilinear",
        np.reshape(DOCUMENTED_PLACES["STRICT_ALIGN_CORNERS", 6], (1, 1, 6, 1)),
        **{"x": PAIR, "scale_factor_height": 3, "align_corners": True},
    ),
    "upsample_bilinear by centers": case(
        "upsample_bilinear",
        np.reshape(DOCUMENTED_PLACES["UNALIGN_CORNERS", 5], (1, 1, 5, 1)),
        **{"x": PAIR, "scale_factor_height": 2.5, "align_corners": False},
    ),
    "upsample_bilinear by edges": case(
        "upsample_bilinear",
        np.reshape(DOCUMENTED_PLACES["DEFAULT", 6], (1, 1, 6, 1)),
        **{"x": PAIR, "scale_factor_height": 3, "align_corners": False, "half_pixel_centers": False},
    ),
    "resize": case(
        "resize",
        np.reshape(DOCUMENTED_PLACES["OFFSET_CORNERS", 6], (1, 1, 6, 1)),
        ios_version=17,
        **{"x": PAIR, "shape": np.array([6, 0], np.int32), "resized_dims": np.uint32(2)},
        sampling_mode="OFFSET_CORNERS",
    ),
    "resize nearest": case(
        "resize",
        IMAGE[:, :, [0, 0, 1, 2, 2, 3, 4]],
        ios_version=17,
        **{"x": IMAGE, "shape": np.array([7, 6], np.int32), "resized_dims": np.uint32(2)},
        interpolation_mode="NEAREST_NEIGHBOR",
    ),
    "dequantize": case(
        "dequantize",
        np.array([0.5, 0.25])[:, None] * (np.array([[3, -7], [100, 0]]) - np.array([[1], [-2]])),
        ios_version=17,
        **{"input": np.array([[3, -7], [100, 0]], np.int8), "scale": np.array([0.5, 0.25], np.float32), "axis": 0},
        zero_point=np.array([1, -2], np.int8),
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[np.ndarray]]:
    """The outputs of each case; one package for each operator set."""
    gathered: dict[str, list[np.ndarray]] = {}
    for ios_version in sorted({item.ios_version for item in CASES.values()}):
        cases = {name: item for name, item in CASES.items() if item.ios_version == ios_version}
        path = tmp_path_factory.mktemp("formula") / f"ios{ios_version}.mlpackage"
        save_operators(path, lambda cases=cases: [_as_one(item.build()) for item in cases.values()], None, ios_version)
        outputs = iter(run_program(read_program(path), [np.zeros(1, np.float32)]))
        gathered |= {name: [next(outputs) for _ in item.expected] for name, item in cases.items()}
    return gathered


def _as_one(built: Any) -> Any:
    return built[0] if isinstance(built, (list, tuple)) else built


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_definition(found: dict[str, list[np.ndarray]], name: str) -> None:
    for result, expected in zip(found[name], CASES[name].expected, strict=True):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


# coremltools evaluates these wrongly or in place when they are given a constant: they take an input instead
ON_INPUTS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "thresholded_relu": (lambda x: Builder.thresholded_relu(x=x, alpha=0.5), np.where(X >= 0.5, X, 0)),
    "cumsum exclusive": (lambda x: Builder.cumsum(x=x, axis=1, exclusive=True), np.cumsum(X, axis=1) - X),
    "cumsum exclusive reverse": (
        lambda x: Builder.cumsum(x=x, axis=1, exclusive=True, reverse=True),
        np.flip(np.cumsum(np.flip(X, 1), axis=1), 1) - X,
    ),
}


def test_agrees_with_definition_on_inputs(tmp_path: Path) -> None:
    path = tmp_path / "inputs.mlpackage"
    save_operators(path, lambda x: [build(x) for build, _ in ON_INPUTS.values()], {"x": X.shape})
    outputs = run_program(read_program(path), [X])
    for (_, expected), result in zip(ON_INPUTS.values(), outputs, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


UNSETTLED = {
    "how the factor": lambda x: Builder.upsample_nearest_neighbor(x=x, scale_factor_height=2.55),
    "align_corners together": lambda x: Builder.upsample_bilinear(x=x, align_corners=True, half_pixel_centers=True),
}


@pytest.mark.parametrize("reason", UNSETTLED)
def test_what_is_not_described_is_refused(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "unsettled.mlpackage"
    save_operators(path, UNSETTLED[reason], {"x": (1, 1, 10, 4)})
    with pytest.raises(ConversionError, match=f"can't be verified without Core ML: {reason}"):
        run_program(read_program(path), [draw(1, 1, 10, 4)])


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_is_refused(tmp_path: Path, index: int) -> None:
    path = tmp_path / "gather.mlpackage"
    save_operators(path, lambda x: Builder.gather(x=x, indices=np.int32([0, index]), axis=0), {"x": (3, 2)}, 17)
    with pytest.raises(FileFault, match=r"its indices reach from .* to .*, of 3 elements"):
        run_program(read_program(path), [draw(3, 2)])
