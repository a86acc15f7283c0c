"""The file that trained weights come in: is it one, how large, its hash. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.units import format_bytes

SUFFIXES = (".safetensors", ".pth", ".pt", ".pth.tar")
MAX_FILE_BYTES = 4_000_000_000


def check_checkpoint_file(path: Path) -> None:
    """Look at the file's name and size, before anything reads it.

    Raises:
        UsageError: when the suffix is none of a checkpoint's.
        FileFault: when there is no such file, or it is empty or larger than 4 GB.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise UsageError(f"checkpoint {path} is of no kind that is read", f"expected {', '.join(SUFFIXES)}")
    try:
        if not path.exists():
            raise FileFault(f"checkpoint {path} does not exist", "check the path")
        if not path.is_file():
            raise FileFault(f"checkpoint {path} is not a file", "name the file that holds the weights")
        check_size(path, path.stat().st_size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FileFault(f"can't read checkpoint {path}: {error}", "check the path and permissions") from error


def check_size(path: Path, size: int) -> None:
    """Raises: FileFault when a file of `size` bytes, unpacked, is no checkpoint of a mobile network."""
    if size == 0:
        raise FileFault(f"checkpoint {path} is empty", "copy or download it again")
    if size > MAX_FILE_BYTES:
        raise FileFault(
            f"checkpoint {path} holds {format_bytes(size)}",
            f"at most {format_bytes(MAX_FILE_BYTES)} are read: save the weights alone, without the optimizer",
        )


def hash_checkpoint(path: Path) -> str:
    """The sha256 of the file. Raises: UsageError, FileFault (see `check_checkpoint_file`)."""
    check_checkpoint_file(path)
    return hash_model_file(path)
