"""Copying files to a phone by their content: one that is there and whole is not sent again, a cut one never counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path

from pocketbench.core.errors import DeviceFault, FileFault
from pocketbench.core.units import format_bytes
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.folder import FOLDER, NOTE, PARENT

PUSH_TIMEOUT_S = 30.0
SLOWEST_BYTES_S = 500_000  # an old phone on a crowded network
HASH_BYTES_S = 5_000_000
MARGIN_BYTES = 1 << 20
PART = ".part"


def hash_file(path: Path) -> str:
    """The SHA-256 of a file of this machine. Raises: FileFault."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileFault(f"can't read {path}: {error.strerror or error}", "check the path") from error


def push_file(client: AdbClient, source: Path, sha256: str, target: str, *, executable: bool = False) -> None:
    """Have the file of this content at `target` on the phone.

    It is sent under another name, its hash is taken there, and only then it gets its name.

    Raises:
        ConnectionFault: when the phone does not answer.
        DeviceFault: when there is no room for it, or it does not arrive as it was.
    """
    size = source.stat().st_size
    if read_sha256(client, target, size) == sha256:
        return
    available = read_available_bytes(client)
    if available is not None and available < size + MARGIN_BYTES:
        raise _describe_space(client, source.name, size, available)
    part = target + PART
    problem = client.push(source, part, PUSH_TIMEOUT_S + size / SLOWEST_BYTES_S)
    if problem is not None:
        client.shell(["rm", "-f", part])
        if "No space" in problem:
            raise _describe_space(client, source.name, size, available)
        raise DeviceFault(
            f"{source.name} can't be copied to {client.name}: {problem}", f"look at {FOLDER} on the phone"
        )
    arrived = read_sha256(client, part, size)
    if arrived != sha256:
        client.shell(["rm", "-f", part])
        raise DeviceFault(
            f"{source.name} arrived damaged on {client.name}: its SHA-256 is {arrived or 'not known'}",
            "check the cable, and that the phone has the program sha256sum (Android 8 or newer)",
        )
    if executable:
        client.shell(["chmod", "755", part])
    moved = client.shell(["mv", "-f", part, target])
    if moved.status != 0:
        raise DeviceFault(f"{source.name} can't be put in place on {client.name}: {moved.text}", "try again")


def make_folder(client: AdbClient, keep: Collection[str]) -> None:
    """Have our folder on the phone, and nothing in it but files of `keep` (paths) and the note of what is changed.

    Raises: ConnectionFault; DeviceFault when it can't be made.
    """
    made = client.shell(["mkdir", "-p", FOLDER])
    if made.status != 0:
        raise DeviceFault(
            f"{FOLDER} can't be made on {client.name}: {made.text.strip()}", "free some space on the phone"
        )
    names = (client.read(["ls", "-1", FOLDER]) or "").splitlines()
    paths = [f"{FOLDER}/{name}" for name in names if re.fullmatch(r"[0-9a-z.]{1,100}", name)]
    old = [path for path in paths if path != NOTE and path not in keep]
    for path in old:
        client.shell(["rm", "-f", path])


def read_sha256(client: AdbClient, path: str, size: int = 0) -> str | None:
    """The SHA-256 of a file on the phone; None when there is none, or no program for it. Raises: ConnectionFault."""
    answer = client.shell(["sha256sum", path], timeout_s=PUSH_TIMEOUT_S + size / HASH_BYTES_S)
    found = re.match(r"\\?([0-9a-f]{64})\b", answer.text.strip()) if answer.status == 0 else None
    return found[1] if found else None


def read_available_bytes(client: AdbClient) -> int | None:
    """The room for our files; None when the phone does not say. Raises: ConnectionFault."""
    return parse_available_bytes(client.read(["df", "-k", PARENT]) or "")


def parse_available_bytes(text: str) -> int | None:
    """The column Available of `df -k`; a long name of a file system stands on a line of its own."""
    lines = text.strip().splitlines()
    if len(lines) < 2 or "Available" not in lines[0]:
        return None
    found = re.search(r"(?:^|\s)\d+\s+\d+\s+(?P<available>\d+)\s+\d+%\s+\S+\s*$", " ".join(lines[1:]))
    return int(found["available"]) * 1024 if found else None


def _describe_space(client: AdbClient, name: str, size: int, available: int | None) -> DeviceFault:
    room = "no room" if available is None else f"{format_bytes(available)} of room"
    return DeviceFault(
        f"there is {room} on {client.name} for {name} ({format_bytes(size)})", "delete something on the phone"
    )
