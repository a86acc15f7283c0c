"""Model files on disk: which format a path holds, its hash and size, and moving a finished one into place."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError

SUFFIXES = {"onnx": ".onnx", "tflite": ".tflite", "coreml": ".mlpackage"}


def detect_format(path: Path) -> str:
    """The format by the suffix of `path`.

    Raises:
        FileFault: when nothing is there, or a folder stands where a file should.
        UsageError: when the suffix is none of ours.
    """
    name = next((name for name, suffix in SUFFIXES.items() if path.suffix.lower() == suffix), None)
    if name is None:
        raise UsageError(f"{path} is no model file", f"expected a file that ends in {', '.join(SUFFIXES.values())}")
    if not path.exists():
        raise FileFault(f"{path} does not exist", "check the path")
    if path.is_dir() and name != "coreml":
        raise FileFault(f"{path} is a folder", f"expected a {path.suffix} file")
    if path.is_file() and name == "coreml":
        raise FileFault(f"{path} is a file", "an .mlpackage is a folder; unpack it first")
    return name


def list_parts(path: Path) -> list[Path]:
    """The files of a model: itself, or all files of an .mlpackage folder, in a fixed order."""
    if not path.is_dir():
        return [path]
    return sorted(part for part in path.rglob("*") if part.is_file())


def hash_model_file(path: Path) -> str:
    """SHA-256 of a file; of a folder, over the relative names and the hashes of its files.

    Raises: FileFault when it can't be read.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        whole = hashlib.sha256()
        for part in list_parts(path):
            whole.update(f"{part.relative_to(path).as_posix()}\0{hash_model_file(part)}\n".encode())
        return whole.hexdigest()
    except OSError as error:
        raise FileFault(f"can't read {path}: {error.strerror or error}", "check the path and permissions") from error


def measure_size(path: Path) -> int:
    """Unit: bytes, of all files of the model."""
    return sum(part.stat().st_size for part in list_parts(path))


def move_into_place(scratch: Path, target: Path) -> None:
    """Move a finished model to `target` on the same file system, replacing an older one.

    Raises: FileFault when the folder can't be written.
    """
    try:
        if target.is_dir() and not target.is_symlink():
            # a folder can't be replaced in one step: set the old one aside, so that a failure puts it back
            aside = scratch.with_name(scratch.name + ".old")
            target.rename(aside)
            try:
                scratch.rename(target)
            except OSError:
                aside.rename(target)
                raise
            shutil.rmtree(aside)
        else:
            scratch.replace(target)
    except OSError as error:
        raise FileFault(f"can't write {target}: {error.strerror or error}", "check folder and free space") from error


def open_folder(folder: Path) -> None:
    """Make `folder` and try to write into it, before long work starts.

    Raises: FileFault when that fails.
    """
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"pocketbench")
        probe.unlink()
    except OSError as error:
        if folder.is_dir():
            probe.unlink(missing_ok=True)
        raise FileFault(
            f"can't write into {folder}: {error.strerror or error}", "choose another folder with --out"
        ) from error
