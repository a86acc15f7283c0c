"""The processor that a program was built for, from the first bytes of its file."""

from __future__ import annotations

MAGIC = b"\x7fELF"
SCRIPT = b"#!"
HEADER_BYTES = 20
# Class (1: 32 bits, 2: 64) and machine, by Android's names. Source: System V ABI, chapter 4, ELF header.
ABIS = {
    (2, 183): "arm64-v8a",
    (1, 40): "armeabi-v7a",
    (2, 62): "x86_64",
    (1, 3): "x86",
    (2, 243): "riscv64",
}


def parse_elf_abi(header: bytes) -> str | None:
    """Android's name of the ABI; None for a script, which runs anywhere.

    Raises: ValueError for what is neither, or is for another processor; says what it is.
    """
    if header.startswith(SCRIPT):
        return None
    if not header.startswith(MAGIC) or len(header) < HEADER_BYTES:
        raise ValueError("no program for Android")
    machine = int.from_bytes(header[18:20], "little" if header[5] == 1 else "big")
    abi = ABIS.get((header[4], machine))
    if abi is None:
        raise ValueError(f"a program for another processor (ELF machine {machine})")
    return abi
