"""The parts of an .mlpackage folder: its manifest, its model file, its weight files. Nothing outside it is touched.

A package is read by hand: coremltools' own reader writes a manifest into any folder that it is pointed at.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pocketbench.core.errors import FileFault

MANIFEST = "Manifest.json"
MAX_MANIFEST_BYTES = 1 << 20
MAX_PROTO_BYTES = 2**31 - 1
"""protobuf's own limit."""

NO_PACKAGE_CURE = "expected the folder NAME.mlpackage that coremltools writes for an ML program"
DAMAGED_CURE = "the package is damaged; export or copy it again"


def find_model_file(package: Path) -> Path:
    """The file that the manifest names as the root model.

    Raises: FileFault when the folder is no package, or its manifest leads out of it.
    """
    if not package.exists():
        raise FileFault(f"{package} does not exist", "check the path")
    if not package.is_dir():
        raise FileFault(f"{package} is a file, no Core ML package", NO_PACKAGE_CURE)
    manifest = package / MANIFEST
    if not manifest.is_file():
        raise FileFault(f"{package} holds no {MANIFEST}", NO_PACKAGE_CURE)
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            raise FileFault(f"{manifest} is larger than 1 MB", DAMAGED_CURE)
        content = json.loads(manifest.read_text(encoding="utf-8"))
        relative = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
        return find_part(package, package / "Data" / relative)
    except OSError as error:
        raise FileFault(f"can't read {manifest}: {error.strerror or error}", "check its permissions") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileFault(f"{manifest} names no root model", DAMAGED_CURE) from error


def find_weight_file(package: Path, model_file: Path, name: str) -> Path:
    """The weight file that a program calls `name`: "@model_path/" stands for the folder of the model file.

    Raises: FileFault when the name leads out of the package, or to nothing.
    """
    relative = name.removeprefix("@model_path/")
    if relative == name or "\0" in name:
        raise FileFault(f"{package} keeps weights in {name!r}", "expected a file under @model_path/")
    return find_part(package, model_file.parent / relative)


def find_part(package: Path, part: Path) -> Path:
    """`part` with its links resolved. Raises: FileFault when it is outside the package or no file."""
    resolved = part.resolve()
    if not resolved.is_relative_to(package.resolve()):
        raise FileFault(f"{package} refers to {part}, which is outside of it", "do not trust this package")
    if not resolved.is_file():
        raise FileFault(f"{package} lacks its part {part.name}", DAMAGED_CURE)
    return resolved


def read_bytes(part: Path, limit: int | None = None) -> np.ndarray:
    """All bytes of a part, as uint8. Raises: FileFault when it can't be read or exceeds the limit."""
    try:
        if limit is not None and part.stat().st_size > limit:
            raise FileFault(f"{part} is larger than 2 GB", DAMAGED_CURE)
        return np.fromfile(part, dtype=np.uint8)
    except OSError as error:
        raise FileFault(f"can't read {part}: {error.strerror or error}", "check its permissions") from error
