"""Networks of timm (pytorch-image-models)."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from torch import nn

from pocketbench.blocks.torchvision_operators import call_despite_mismatch
from pocketbench.core.errors import EnvironmentFault, MissingPackageError, ModelFault, UnknownNameError, UsageError


def make_timm_model(name: str, *, in_channels: int, class_count: int | None = None) -> nn.Module:
    """timm's network `name`, freshly initialised.

    Args:
        in_channels: channels of the input.
        class_count: None for the network's own.

    Raises:
        MissingPackageError: when timm is not installed.
        EnvironmentFault: when timm is installed and does not import.
        UnknownNameError: when timm has no network of the name.
        UsageError: when the class count is below 1.
        ModelFault: when timm can't build it so.
    """
    timm = import_timm()
    if not timm.is_model(name):
        raise UnknownNameError("timm model", name, timm.list_models())
    if class_count is not None and class_count < 1:  # timm would leave the classifier out
        raise UsageError(f"class count is {class_count}", "expected a whole number above 0")
    options = {} if class_count is None else {"num_classes": class_count}
    try:
        model: nn.Module = timm.create_model(name, pretrained=False, exportable=True, in_chans=in_channels, **options)
    except Exception as error:  # each of its networks has conditions of its own
        raise ModelFault(
            f"timm can't build {name}: {type(error).__name__}: {error}", "check its channels and class count"
        ) from error
    return model


def import_timm() -> ModuleType:
    """The package timm.

    Raises:
        MissingPackageError: when it is not installed.
        EnvironmentFault: when it is installed and does not import.
    """
    if importlib.util.find_spec("timm") is None:
        raise MissingPackageError("timm is not installed", "pip install timm")
    try:
        return call_despite_mismatch(lambda: importlib.import_module("timm"))
    except (ImportError, RuntimeError, OSError) as error:
        raise EnvironmentFault(
            f"timm does not import: {type(error).__name__}: {error}", "reinstall timm and torchvision for your torch"
        ) from error
