"""TFLite files of fewer bits, made from one of float32 by ai-edge-quantizer."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.tflite_classifier import find_classifier
from pocketbench.export.tflite_ranges import Ranges, measure_ranges

MIN_RANGE = 1e-3
DEAD_RANGE = 1.0
"""Of an activation that is always 0, as the hidden channels of a gate that died in training. 0 is exact at any scale,
but the bias behind it is counted in that scale: at a tiny one it leaves 32 bits, and XNNPACK refuses the file."""
DYNAMIC_OPERATORS = ("CONV_2D", "CONV_2D_TRANSPOSE", "FULLY_CONNECTED")
"""Depthwise convolutions stay in float32: XNNPACK has no such kernel, and each would leave the delegate."""


def quantise(twin: Path, path: Path, precision: str, inputs: Sequence[np.ndarray] | None) -> None:
    """Write `path` from the file `twin`, which is float32.

    Inputs and outputs stay float32. Weights of 8 bits have a scale for each output channel.

    Args:
        inputs: by which int8 sets the ranges of activations; others need none.

    Raises:
        ConversionError: when the quantiser refuses the model.
        FileFault: when a file can't be read or written.
    """
    ranges = None if inputs is None else measure_ranges(twin, inputs)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ai_edge_quantizer import quantizer

            logging.getLogger("absl").setLevel(logging.ERROR)
            maker = quantizer.Quantizer(str(twin))
            _set_recipe(maker, precision, twin)
            made = maker.quantize(
                None if ranges is None else describe_ranges(ranges),
                enable_progress_bar=False,
                enable_progress_report=False,
            )
    except Exception as error:
        raise ConversionError(
            f"ai-edge-quantizer can't quantise the model to {precision}: {type(error).__name__}: {error}",
            "export it in float32 or fp16",
        ) from error
    try:
        path.write_bytes(made.quantized_model)
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def _set_recipe(maker: Any, precision: str, twin: Path) -> None:
    from ai_edge_quantizer import qtyping, recipe

    names = qtyping.TFLOperationName
    if precision == "fp16":
        half = {"num_bits": 16, "symmetric": True, "granularity": "TENSORWISE", "dtype": "FLOAT"}
        options = {"weight_tensor_config": half, "compute_precision": "FLOAT", "explicit_dequantize": True}
        maker.load_quantization_recipe(
            [{"regex": ".*", "operation": "*", "algorithm_key": "float_casting", "op_config": options}]
        )
    elif precision == "dynamic_int8":
        for name in DYNAMIC_OPERATORS:
            maker.add_dynamic_config(".*", names[name], 8)
    else:
        maker.load_quantization_recipe(recipe.static_wi8_ai8())
        for name in ("INPUT", "OUTPUT"):
            maker.update_quantization_recipe(".*", names[name], algorithm_key="no_quantize")
        # XNNPACK has no such kernel of 8 bits: each would leave the delegate and split its partition
        maker.update_quantization_recipe(".*", names.HARD_SWISH, algorithm_key="no_quantize")
        # scores have outliers: in 256 steps the best two of a picture fall together. XNNPACK has no 8-bit average pool
        ending = find_classifier(twin)
        for tensor in ending.layers:
            maker.add_dynamic_config(_match(tensor), names.FULLY_CONNECTED, 8)
        for name, tensor in ending.before:
            maker.update_quantization_recipe(_match(tensor), names[name], algorithm_key="no_quantize")


def _match(tensor: str) -> str:
    """The operator that writes this tensor alone: the quantiser knows operators by the names of what they write."""
    return f"^{re.escape(tensor)};?$"


def describe_ranges(ranges: Ranges) -> dict[str, dict[str, np.ndarray]]:
    """The ranges in the quantiser's form. Each holds 0, which padding and ReLU need exactly."""
    described = {}
    for name, (low, high) in ranges.items():
        low, high = min(low, 0.0), max(high, 0.0)
        ends = low, max(high, low + (MIN_RANGE if low < high else DEAD_RANGE))
        described[name] = {key: np.array([end], np.float32) for key, end in zip(("min", "max"), ends, strict=True)}
    return described
