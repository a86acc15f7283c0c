"""The models that a board keeps, by what is in them. Runs on Python 3.9 with the standard library alone."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pocketbench.profile.agent.refusal import Refusal

SHA256 = re.compile(r"[0-9a-f]{64}")
SUFFIX = re.compile(r"\.[a-z0-9]{1,16}")
MAX_PARTS = 10_000
READ_BYTES = 1 << 20
# Beside the model itself the board's system and the runtime need some room.
SPARE_BYTES = 16 << 20
KEEP_S = 30 * 24 * 3600.0
PART_PREFIX = ".part-"

Parts = Sequence[Sequence[object]]
"""[name, size in bytes] of each file; the name is "" for a model that is one file, else its path in the folder."""


class ModelFolder:
    """Models named by their SHA-256. What stands under a name was checked when it came and is checked before use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, sha256: str, suffix: str, parts: Parts) -> Path | None:
        """The model, if it is here and intact; one that is not is removed. Raises: Refusal."""
        _check_parts(parts)
        path = self._locate(sha256, suffix)
        if not path.exists():
            return None
        if hash_model(path) != sha256:
            _remove(path)
            return None
        os.utime(path)
        return path

    def receive(self, sha256: str, suffix: str, parts: Parts, read_piece: Callable[[int], bytes]) -> Path:
        """Take a model from a stream. All of its bytes are read also where it can't be stored.

        Args:
            read_piece: gives some of the next bytes, at most as many as it is asked for.

        Raises: Refusal when there is no room, or what came is not what was announced.
        """
        path = self._locate(sha256, suffix)
        _check_parts(parts)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=PART_PREFIX, dir=self._folder))
        except OSError as error:
            _skip(sum(_size(part) for part in parts), read_piece)
            raise _explain(error, self._folder) from error
        try:
            model = scratch / path.name
            failure = _write_parts(model, parts, read_piece)
            if failure is not None:
                raise _explain(failure, self._folder) from failure
            found = hash_model(model)
            if found != sha256:
                raise Refusal("device", f"what arrived has sha256 {found[:12]}..., and {sha256[:12]}... was sent")
            _remove(path)
            model.replace(path)
        except OSError as error:
            raise _explain(error, self._folder) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return path

    def check_room(self, parts: Parts) -> None:
        """Raises: Refusal when there is too little room for a model."""
        _check_parts(parts)
        needed = sum(_size(part) for part in parts)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            raise _explain(error, self._folder) from error
        if needed + SPARE_BYTES > free:
            raise Refusal("space", f"{self._folder} has {free:,} bytes left, and the model needs {needed:,}")

    def remove_old(self) -> None:
        """Remove what nobody used for a month, and what an earlier transfer left."""
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.name.startswith(PART_PREFIX) or path.lstat().st_mtime < time.time() - KEEP_S:
                    _remove(path)

    def _locate(self, sha256: str, suffix: str) -> Path:
        if not SHA256.fullmatch(sha256) or not SUFFIX.fullmatch(suffix):
            raise Refusal("device", f"{sha256}{suffix} is no name of a model")
        return self._folder / f"{sha256}{suffix}"


def hash_model(path: Path) -> str:
    """SHA-256 of a file; of a folder, over the relative names and the hashes of its files.

    Source: `core.model_files.hash_model_file`, of which a board has nothing.
    """
    if not path.is_dir():
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            for piece in iter(lambda: stream.read(READ_BYTES), b""):
                digest.update(piece)
        return digest.hexdigest()
    whole = hashlib.sha256()
    for part in sorted(item for item in path.rglob("*") if item.is_file()):
        whole.update(f"{part.relative_to(path).as_posix()}\0{hash_model(part)}\n".encode())
    return whole.hexdigest()


def _check_parts(parts: Parts) -> None:
    """A name leads to no place outside the model's own folder."""
    if not 0 < len(parts) <= MAX_PARTS:
        raise Refusal("device", f"a model of {len(parts)} files")
    for part in parts:
        name, size = part
        steps = str(name).split("/")
        single = name == "" and len(parts) == 1
        inside = all(step not in ("", ".", "..") and "\0" not in step and "\\" not in step for step in steps)
        if not (single or inside) or not isinstance(size, int) or size < 0:
            raise Refusal("device", f"{name!r} of {size!r} bytes is no file of a model")


def _write_parts(model: Path, parts: Parts, read_piece: Callable[[int], bytes]) -> OSError | None:
    """Write what comes; after a failure only read, so that the next request is found. Gives the failure."""
    failure: OSError | None = None
    for part in parts:
        left = _size(part)
        if failure is None:
            target = model / str(part[0]) if part[0] else model
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as stream:
                    while left:
                        piece = read_piece(min(left, READ_BYTES))
                        left -= len(piece)
                        stream.write(piece)
                    stream.flush()
                    os.fsync(stream.fileno())
            except OSError as error:
                failure = error
        _skip(left, read_piece)
    return failure


def _skip(count: int, read_piece: Callable[[int], bytes]) -> None:
    while count:
        count -= len(read_piece(min(count, READ_BYTES)))


def _size(part: Sequence[object]) -> int:
    return int(part[1])  # type: ignore[call-overload, no-any-return]  # checked by _check_parts


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _explain(error: OSError, folder: Path) -> Refusal:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return Refusal("space" if full else "device", f"can't write into {folder}: {error.strerror or error}")
