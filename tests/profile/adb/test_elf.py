from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from pocketbench.profile.adb.elf import HEADER_BYTES, parse_elf_abi

MACHINES = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}


def make_header(bits: int, machine: int, *, big: bool = False) -> bytes:
    order = "big" if big else "little"
    return (
        b"\x7fELF"
        + bytes([bits // 32, 2 if big else 1])
        + bytes(10)
        + (2).to_bytes(2, order)
        + machine.to_bytes(2, order)
    )


def test_a_real_program() -> None:
    header = Path(sys.executable).read_bytes()[:HEADER_BYTES]
    assert parse_elf_abi(header) == MACHINES[platform.machine()]


def test_androids_processors() -> None:
    assert parse_elf_abi(make_header(64, 183)) == "arm64-v8a"
    assert parse_elf_abi(make_header(32, 40)) == "armeabi-v7a"
    assert parse_elf_abi(make_header(32, 3)) == "x86"
    assert parse_elf_abi(make_header(64, 62)) == "x86_64"


def test_a_script_runs_anywhere() -> None:
    assert parse_elf_abi(b"#!/system/bin/sh\n") is None


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x7fELF",
        make_header(64, 183)[:19],
        b"PK\x03\x04" + bytes(20),
        make_header(32, 8, big=True),
        make_header(32, 183),
    ],
)
def test_what_no_phone_runs(header: bytes) -> None:
    with pytest.raises(ValueError, match="program"):
        parse_elf_abi(header)
