"""Importing what imports torchvision, beside a torch that torchvision was not built for.

timm needs torchvision, whose builds on the package index are for CUDA. Beside a CPU torch its compiled operators do
not load, and its own registration of shapes for two of them then stops every import with "operator torchvision::nms
does not exist". Declaring the two by name lets the import pass. That is safe: torchvision knows that its operators are
missing, and each function that needs one raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import torch

from pocketbench.core.errors import EnvironmentFault

MISMATCH = "operator torchvision::"
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
CURE = (
    "install the torchvision built for your torch, for a CPU: "
    "pip install --force-reinstall torchvision --index-url https://download.pytorch.org/whl/cpu"
)

Result = TypeVar("Result")


def call_despite_mismatch(action: Callable[[], Result]) -> Result:
    """What `action` returns; it is called again, with the operators declared, when torchvision stopped it.

    Raises:
        EnvironmentFault: when torchvision still stops it; other errors of `action` pass.
    """
    try:
        return action()
    except RuntimeError as error:
        if MISMATCH not in str(error):
            raise
    declare_operators()
    try:
        return action()
    except RuntimeError as error:
        if MISMATCH not in str(error):
            raise
        raise EnvironmentFault(f"torchvision does not fit torch {torch.__version__}: {error}", CURE) from error


@functools.cache
def declare_operators() -> torch.library.Library:
    """Declare the operators; they stay declared as long as the library, which the cache keeps."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
