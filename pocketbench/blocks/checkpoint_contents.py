"""What stands in a checkpoint: its tensors by name, read without running code that a pickle may hold."""

from __future__ import annotations

import re
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from pocketbench.blocks.checkpoint_file import check_checkpoint_file, check_size
from pocketbench.core.errors import FileFault

# In the order of preference: averaged weights are those that were evaluated, and timm loads them first too.
CONTAINERS = ("state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict")
COMPILED = "_orig_mod."
PARALLEL = "module."
AVERAGE_COUNT = "n_averaged"
PICKLE_START = b"\x80"
SAVE_CURE = "save the weights: torch.save(model.state_dict(), FILE)"


def read_checkpoint(path: Path, own: Collection[str]) -> dict[str, Any]:
    """The weights by name, on the CPU, without what torch.compile and DataParallel put before the names.

    Args:
        own: the names that the network has.

    Raises:
        UsageError: when the suffix is none of a checkpoint's.
        FileFault: when the file can't be read, is too large, is damaged, holds code, or holds no weights.
    """
    check_checkpoint_file(path)
    if path.suffix.lower() == ".safetensors":
        return strip_names(read_safetensors(path), own)
    return strip_names(find_weights(read_pickle(path), path), own)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:
        raise FileFault(f"{path} is no safetensors file: {error}", "copy or download it again") from error


def read_pickle(path: Path) -> object:
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                check_size(path, sum(part.file_size for part in archive.infolist()))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise FileFault(f"{path} is damaged: {error}", "copy or download it again") from error
    try:
        # training scripts put their parsed arguments beside the weights: a Namespace runs no code
        with warnings.catch_warnings(), torch.serialization.safe_globals([Namespace]):
            warnings.simplefilter("ignore")
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise explain_refusal(path, error) from error
    return content


def explain_refusal(path: Path, error: Exception) -> FileFault:
    """Why torch did not load a file: it holds code, or it is no file of torch's."""
    text = str(error)
    code = re.search(r"GLOBAL ([\w.]+)", text)
    if code is not None:
        return FileFault(
            f"{path} holds more than weights: {code[1]} is code, which is not run",
            "if you trust the file, load it in Python with weights_only=False and save model.state_dict() alone",
        )
    if "TorchScript" in text:
        return FileFault(f"{path} is a TorchScript program", SAVE_CURE)
    what = f"{path} is not a file that torch.save wrote, or is damaged"
    if read_start(path) == PICKLE_START and "Unsupported operand" in text:
        return FileFault(f"{what}: a plain pickle can hold code, which is not run", SAVE_CURE)
    if isinstance(error, RuntimeError):  # of the zip reader: the rest of its message guesses at causes
        what += f": {text.partition('. ')[0]}"
    return FileFault(what, "copy or download it again")


def read_start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(1)


def find_weights(content: object, path: Path) -> Mapping[str, Any]:
    """The state dict that is `content`, or stands in it under one of the usual names."""
    weights = content
    if isinstance(content, Mapping):
        inner = (content.get(name) for name in CONTAINERS)
        weights = next((value for value in inner if isinstance(value, Mapping) and value), content)
    if not isinstance(weights, Mapping) or not all(isinstance(name, str) for name in weights):
        raise FileFault(f"{path} holds a {type(weights).__name__}, not weights by name", SAVE_CURE)
    if not any(isinstance(value, Tensor) for value in weights.values()):
        keys = ", ".join(list(weights)[:10]) or "none"
        raise FileFault(f"{path} holds no weights; its keys: {keys}", f"expected weights, or {', '.join(CONTAINERS)}")
    return weights


def strip_names(weights: Mapping[str, Any], own: Collection[str]) -> dict[str, Any]:
    """Without `_orig_mod.` anywhere, and without `module.` where every name begins with it and the network's do not.

    Args:
        own: the names that the network has.
    """
    plain = {name.replace(COMPILED, ""): value for name, value in weights.items() if name != AVERAGE_COUNT}
    while plain and all(name.startswith(PARALLEL) for name in plain) and not any(name in own for name in plain):
        plain = {name.removeprefix(PARALLEL): value for name, value in plain.items()}
    return plain
