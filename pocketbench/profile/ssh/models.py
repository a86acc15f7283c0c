"""Sending models to a board: by what is in them, and only what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import DeviceFault
from pocketbench.core.model_files import list_parts
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.cell import Cell
from pocketbench.profile.ssh.connection import Connection

FREE_SPACE = "free some space on the board (models that it keeps: ~/.cache/pocketbench/models)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParts:
    """The files of a model, and [name, size in bytes] of each as the board is told; "" names a model of one file."""

    files: tuple[Path, ...]
    names: tuple[tuple[str, int], ...]

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size in self.names)


def list_model(path: Path, device_name: str) -> ModelParts:
    """Raises: DeviceFault when it can't be read."""
    try:
        files = tuple(list_parts(path))
        folder = path.is_dir()
        names = tuple((file.relative_to(path).as_posix() if folder else "", file.stat().st_size) for file in files)
    except OSError as error:
        raise DeviceFault(
            f"can't send {path} to {device_name}: {error.strerror or error}", "check the file and its permissions"
        ) from error
    return ModelParts(files=files, names=names)


def place_model(connection: Connection, cell: Cell, device_name: str) -> str:
    """The path of a cell's model on the board, where it was checked by its SHA-256.

    Raises:
        ConnectionLoss: when the board is out of reach.
        DeviceFault: when it has no room, or the file is not the one that the artifact was made of.
    """
    parts = list_model(cell.path, device_name)
    request: dict[str, Any] = {
        "sha256": cell.artifact.sha256,
        "suffix": cell.path.suffix.lower(),
        "parts": parts.names,
    }
    try:
        path = connection.ask("offer", **request)["path"]
        if path is None:
            path = connection.send({"do": "receive", **request}, parts.files, parts.size_bytes)["path"]
    except Refusal as refusal:
        cure = FREE_SPACE if refusal.kind == "space" else f"check {cell.path}: it may have been changed"
        raise DeviceFault(f"{device_name}: {cell.path.name} can't be sent: {refusal.message}", cure) from refusal
    return str(path)
