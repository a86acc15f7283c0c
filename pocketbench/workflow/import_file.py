"""A file that another program wrote, as text; also from a pipe, and out of an Xcode bundle."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pocketbench.core.errors import FileFault
from pocketbench.profile.parsers.output_fault import MAX_TEXT_CHARS

STANDARD_INPUT = "-"
BUNDLE_SUFFIX, BUNDLE_FILE = ".mlperf", "report.json"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """`name` is for people; `sha256` is of the bytes as they were."""

    name: str
    sha256: str
    text: str


def read_foreign_file(path: str) -> ForeignFile:
    """The file at a path, or what comes through the standard input for "-". Raises: FileFault."""
    if path == STANDARD_INPUT:
        return _decode("standard input", _read_bounded(sys.stdin.buffer, "standard input"))
    place = Path(path)
    if place.is_dir() and place.suffix.lower() == BUNDLE_SUFFIX:
        place = place / BUNDLE_FILE
    try:
        with place.open("rb") as stream:
            content = _read_bounded(stream, path)
    except OSError as error:
        raise FileFault(f"can't read {place}: {error.strerror or error}", "check the path") from error
    return _decode(Path(path).name, content)


def _read_bounded(stream: BinaryIO, name: str) -> bytes:
    content = stream.read(MAX_TEXT_CHARS + 1)
    if len(content) > MAX_TEXT_CHARS:
        raise FileFault(
            f"{name} has more than {MAX_TEXT_CHARS // 10**6} MB", "give the output of one run, not a whole log"
        )
    return content


def _decode(name: str, content: bytes) -> ForeignFile:
    # the shell of Windows writes what is redirected into a file as UTF-16
    encoding = "utf-16" if content.startswith(UTF_16_MARKS) else "utf-8"
    text = content.decode(encoding, "replace")
    return ForeignFile(name=name, sha256=hashlib.sha256(content).hexdigest(), text=text)
