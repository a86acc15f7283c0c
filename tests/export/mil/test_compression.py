"""Compressed weights against coremltools' own decompression of the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.export.mil.counts import count_operators, count_weights
from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.program import read_program
from pocketbench.export.mil.silence import silence_coremltools
from tests.export.mil.packages import TARGETS, Builder, coremltools, draw, save_operators

with silence_coremltools():
    from coremltools.converters.mil.mil import types
    from coremltools.optimize import coreml as optimize

IMAGE = draw(1, 16, 5, 5)
WEIGHT_COUNT = 32 * 16 * 3 * 3 + 16 * 32 + 16  # the bias of the linear layer is stored, zeros


def convert_network(ios_version: int) -> Any:
    """conv -> mean -> linear, weights in float32."""

    @Builder.program(input_specs=[Builder.TensorSpec(shape=IMAGE.shape)], opset_version=TARGETS[ios_version])
    def network(image: Any) -> Any:
        features = Builder.conv(x=image, weight=draw(32, 16, 3, 3, seed=1), pad_type="valid")
        pooled = Builder.reduce_mean(x=features, axes=[2, 3])
        return Builder.linear(x=pooled, weight=draw(16, 32, seed=2))

    return coremltools.convert(
        network,
        convert_to="mlprogram",
        minimum_deployment_target=TARGETS[ios_version],
        compute_precision=coremltools.precision.FLOAT32,
        skip_model_load=True,
    )


def quantize(model: Any, *, joint: bool = False, **options: Any) -> Any:
    settings = optimize.OpLinearQuantizerConfig(weight_threshold=0, **options)
    configuration = optimize.OptimizationConfig(global_config=settings)
    return optimize.linear_quantize_weights(model, configuration, joint_compression=joint)


def palettize(model: Any, *, joint: bool = False, mode: str = "uniform", **options: Any) -> Any:
    settings = optimize.OpPalettizerConfig(weight_threshold=0, mode=mode, **options)
    configuration = optimize.OptimizationConfig(global_config=settings)
    return optimize.palettize_weights(model, configuration, joint_compression=joint)


def prune(model: Any) -> Any:
    settings = optimize.OpMagnitudePrunerConfig(target_sparsity=0.6, weight_threshold=0)
    return optimize.prune_weights(model, optimize.OptimizationConfig(global_config=settings))


CASES = {
    "int8 by channel": (16, lambda model: quantize(model, mode="linear"), "constexpr_affine_dequantize"),
    "int8 symmetric": (16, lambda model: quantize(model, mode="linear_symmetric"), "constexpr_affine_dequantize"),
    "1 bit": (16, lambda model: palettize(model, nbits=1), "constexpr_lut_to_dense"),
    "4 bits": (16, lambda model: palettize(model, nbits=4), "constexpr_lut_to_dense"),
    "6 bits": (16, lambda model: palettize(model, nbits=6), "constexpr_lut_to_dense"),
    "sparse": (16, prune, "constexpr_sparse_to_dense"),
    "int4 by block": (
        18,
        lambda model: quantize(model, mode="linear", dtype="int4", granularity="per_block", block_size=8),
        "constexpr_blockwise_shift_scale",
    ),
    "int8 by tensor": (
        18,
        lambda model: quantize(model, dtype="uint8", granularity="per_tensor"),
        "constexpr_blockwise_shift_scale",
    ),
    "3 bits by group": (
        18,
        lambda model: palettize(model, nbits=3, granularity="per_grouped_channel", group_size=8),
        "constexpr_lut_to_dense",
    ),
    "sparse, bit mask": (18, prune, "constexpr_sparse_to_dense"),
    "sparse and 4 bits": (
        18,
        lambda model: palettize(prune(model), nbits=4, joint=True),
        "constexpr_lut_to_sparse",
    ),
    "sparse and int8": (
        18,
        lambda model: quantize(prune(model), joint=True),
        "constexpr_sparse_blockwise_shift_scale",
    ),
}


@pytest.fixture(scope="module")
def networks() -> dict[int, Any]:
    with silence_coremltools():
        return {ios_version: convert_network(ios_version) for ios_version in (16, 18)}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_decompressed(networks: dict[int, Any], tmp_path: Path, name: str) -> None:
    ios_version, compress, operator = CASES[name]
    with silence_coremltools():
        compressed = compress(networks[ios_version])
        compressed.save(str(tmp_path / "compressed.mlpackage"))
        optimize.decompress_weights(compressed).save(str(tmp_path / "dense.mlpackage"))
    small, dense = (read_program(tmp_path / f"{kind}.mlpackage") for kind in ("compressed", "dense"))
    assert count_operators(small)[operator] == 2
    assert operator not in count_operators(dense)
    assert count_weights(small) == count_weights(dense) == WEIGHT_COUNT
    [found], [expected] = (run_program(program, [IMAGE]) for program in (small, dense))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


# the example in the description of iOS 18's constexpr_lut_to_dense
INDICES = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 0]]])
TABLE = np.array([[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]], np.float32)
ALONG_AXIS_1 = [[[1, 1], [2, 2], [3, 3], [7, 1], [8, 2], [9, 3]], [[7, 7], [8, 8], [9, 9], [1, 1], [2, 2], [3, 3]]]
ALONG_AXIS_2 = [[[1, 2, 3, 1, 2, 3], [7, 8, 9, 1, 2, 3]], [[7, 8, 9, 7, 8, 9], [1, 2, 3, 1, 2, 3]]]


@pytest.mark.parametrize(("axis", "expected"), [(1, ALONG_AXIS_1), (2, ALONG_AXIS_2)])
def test_table_of_vectors(tmp_path: Path, axis: int, expected: list[list[list[float]]]) -> None:
    indices = INDICES.astype(types.nptype_from_builtin(types.uint1))
    table = TABLE.reshape(1, 1, 1, 2, 3)

    def build(x: Any) -> Any:
        return Builder.add(x=x, y=Builder.constexpr_lut_to_dense(indices=indices, lut=table, vector_axis=axis))

    save_operators(tmp_path / "vectors.mlpackage", build, {"x": np.shape(expected)}, ios_version=18)
    [found] = run_program(read_program(tmp_path / "vectors.mlpackage"), [np.zeros(np.shape(expected), np.float32)])
    np.testing.assert_array_equal(found, expected)
