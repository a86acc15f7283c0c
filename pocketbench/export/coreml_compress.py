"""Core ML packages whose weights take fewer bits, made from one of float16 by coremltools.optimize."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.mil.canonical import make_canonical
from pocketbench.export.mil.silence import silence_coremltools

PALETTE_SIZE = 64


def compress(twin: Path, path: Path, precision: str) -> None:
    """Write `path` from the package `twin`, which is float16; operators go on computing in float16.

    int8_weights: whole numbers of 8 bits and a scale for each output channel. palette6: 64 values for each tensor,
    found by k-means, and 6 bits for each weight; a tensor of no more than 64 values keeps them. Biases and tensors that
    would grow stay as they are.

    Raises:
        ConversionError: when coremltools refuses the model.
        FileFault: when a package can't be read or written.
    """
    try:
        with silence_coremltools():
            import coremltools
            from coremltools.optimize import coreml as optimize

            model = coremltools.models.MLModel(str(twin), skip_model_load=True)
            compressed = _compress_weights(optimize, model, precision)
    except Exception as error:  # coremltools raises many kinds
        raise ConversionError(
            f"coremltools can't compress the model to {precision}: {type(error).__name__}: {error}",
            "export it in fp16",
        ) from error
    try:
        with silence_coremltools():
            compressed.save(str(path))
            for kept in (model, compressed):  # coremltools removes its own copies at exit only
                if kept.package_path != str(twin):
                    shutil.rmtree(kept.package_path, ignore_errors=True)
        make_canonical(path)
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def _compress_weights(optimize: Any, model: Any, precision: str) -> Any:
    if precision == "int8_weights":
        settings = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", granularity="per_channel")
        return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(global_config=settings))
    settings = optimize.OpPalettizerConfig(mode="kmeans", nbits=6, granularity="per_tensor")
    choice = optimize.OptimizationConfig(global_config=settings)
    # k-means with fewer values than centres gives some values a wrong one; these tensors need no rounding
    exact = optimize.OpPalettizerConfig(mode="custom", lut_function=list_values)
    for name, weight in optimize.get_weights_metadata(model).items():
        if len(np.unique(weight.val)) <= PALETTE_SIZE:
            choice.set_op_name(name, exact)
    return optimize.palettize_weights(model, choice)


def list_values(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The palette of a tensor of no more than 64 values, and the place of each element's value in it."""
    values, places = np.unique(weights, return_inverse=True)
    return np.pad(values, (0, PALETTE_SIZE - len(values)), mode="edge"), places.astype(np.uint8).reshape(-1)
