"""What a file takes for a picture: its size, its layout, its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.preprocessing import Pixels, normalise
from pocketbench.accuracy.preprocessing_rules import CHANNEL_COUNTS
from pocketbench.core.errors import FileFault
from pocketbench.core.records import Preprocessing
from pocketbench.profile.agent.inputs import Tensor

CHANNEL_AXES = {"onnx": 1, "tflite": 3, "coreml": 1}
"""Where a format's other tools put the channels: decides for an input that could be read both ways."""
FLOATS = ("float32", "float16", "float64")
INTEGERS = ("uint8", "int8", "int16")


@dataclass(frozen=True, kw_only=True)
class PictureInput:
    """The one input of a file. `batch_size` pictures make an inference. `channel_axis` is 1 (N, C, H, W) or 3
    (N, H, W, C). Of a quantised one value = scale * (number - zero_point)."""

    batch_size: int
    size: tuple[int, int]
    channels: int
    channel_axis: int
    dtype: str
    scale: tuple[float, int] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one inference."""
        framed = (self.channels, *self.size) if self.channel_axis == 1 else (*self.size, self.channels)
        return (self.batch_size, *framed)

    def prepare(self, framed: Pixels, preprocessing: Preprocessing) -> NDArray[Any]:
        """What the file takes for these pictures. Shape: (N, C, H, W), to (N, C, H, W) or (N, H, W, C)."""
        values = normalise(framed, preprocessing)
        if self.channel_axis == 3:
            values = np.ascontiguousarray(values.transpose(0, 2, 3, 1))  # (N, H, W, C)
        if self.scale is not None:
            step, zero_point = self.scale
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(values / np.float32(step)) + zero_point, limits.min, limits.max)
        return values.astype(self.dtype, copy=False)


def describe_input(tensor: Tensor, model_format: str, scale: tuple[float, int] | None) -> PictureInput:
    """The input as that of pictures; an open batch dimension is 1, as `pocketbench profile` takes it.

    Raises: FileFault when it is none.
    """
    shape = tensor.shape
    seen = f"its input {tensor.name!r} is {tensor.dtype} {list(shape)}"
    if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
        raise FileFault(
            f"{seen}: no picture of a known size", "give it an input of four dimensions, all but the first one fixed"
        )
    batch_size, *rest = (size if isinstance(size, int) else 1 for size in shape)
    axes = [axis for axis in (1, 3) if rest[axis - 1] in CHANNEL_COUNTS]
    if not axes:
        raise FileFault(f"{seen}: neither grey nor RGB", "only files that take 1 or 3 channels are judged")
    axis = axes[0] if len(axes) == 1 else CHANNEL_AXES[model_format]
    if tensor.dtype not in (*FLOATS, *INTEGERS) or (tensor.dtype in INTEGERS and scale is None):
        raise FileFault(
            f"{seen}, without the scale of a quantised one: what its numbers mean is not known",
            "export it with a float32 input, or quantise it with its scale and zero point in the file",
        )
    channels = rest.pop(axis - 1)
    return PictureInput(
        batch_size=batch_size,
        size=(rest[0], rest[1]),
        channels=channels,
        channel_axis=axis,
        dtype=tensor.dtype,
        scale=scale if tensor.dtype in INTEGERS else None,
    )


def check_fits(preprocessing: Preprocessing, wanted: PictureInput) -> None:
    """Raises: FileFault when pictures are prepared in another size, or with other channels, than the file takes."""
    made, taken = (preprocessing.channels, *preprocessing.size), (wanted.channels, *wanted.size)
    if made != taken:
        raise FileFault(
            f"its record prepares pictures of {describe(made)}, the file takes {describe(taken)}",
            "export it again, with the input size and the channels that its weights were trained with",
        )


def describe(shape: tuple[int, ...]) -> str:
    """ "3 x 224 x 224": channels, height, width."""
    return " x ".join(map(str, shape))
