"""The error for what a program printed, and the few ways in which all parsers take text and numbers.

The text comes from a device or from somebody's file: it is bounded, and no number in it is believed without a look.
"""

from __future__ import annotations

import math
import re

from pocketbench.core.errors import MeasurementFault, one_line

MAX_TEXT_CHARS = 16_000_000
MAX_LINE_CHARS = 20_000
MAX_DURATION_NS = 3_600 * 10**9  # nothing that is measured here takes an hour
MAX_COUNT = 10**9
MAX_MEMORY_BYTES = 10**13
NS_PER_US, NS_PER_MS, NS_PER_S = 10**3, 10**6, 10**9
NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,4})?")
INTEGER = re.compile(r"\d{1,30}")
CURE = "run the program again and give all that it prints; when it is all there, this version prints what is not known"


class OutputFault(MeasurementFault):
    """A program printed what can't be understood, or figures that can't be true."""


def make_fault(problem: str, line: str | None = None, cure: str = CURE) -> OutputFault:
    """The fault with the line that it is about."""
    shown = "" if line is None else f": {one_line(make_visible(line), 200)!r}"
    return OutputFault(problem + shown, cure)


def make_visible(text: str) -> str:
    """The text without what moves the cursor of a terminal; only its start, where it is long."""
    return "".join(character if character.isprintable() else " " for character in text[:2_000])


def split_lines(text: str) -> list[str]:
    """The lines, whatever ends them. NULs are dropped: pipes of old Android put them in.

    Raises: OutputFault for more text than a benchmark prints.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise make_fault(f"{len(text)} characters of output, more than the {MAX_TEXT_CHARS} that are read")
    return re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff").replace("\0", ""))


def parse_number(text: str, line: str) -> float:
    """A finite number, in decimal or scientific notation. Raises: OutputFault."""
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise make_fault(f"{make_visible(text)[:40]!r} is no number", line)
    return value


def parse_count(text: str, line: str, *, at_least: int = 1) -> int:
    """A number of inferences, threads or nodes. Raises: OutputFault."""
    value = int(text) if INTEGER.fullmatch(text) else -1
    if not at_least <= value <= MAX_COUNT:
        raise make_fault(f"{make_visible(text)[:40]!r} is no count of at least {at_least}", line)
    return value


def parse_duration(text: str, unit_ns: int, line: str) -> int:
    """A duration in ns; 0 is one. Raises: OutputFault for a negative one, and for one of more than an hour."""
    return check_duration(parse_number(text, line) * unit_ns, line)


def check_duration(value_ns: float, line: str | None = None) -> int:
    """The duration in whole ns. Raises: OutputFault when it can't be one."""
    if not (math.isfinite(value_ns) and 0 <= value_ns <= MAX_DURATION_NS):
        raise make_fault(f"{value_ns / NS_PER_MS:.6g} ms can't be a duration here", line)
    return round(value_ns)


def check_sample(value_ns: int, line: str | None = None) -> int:
    """The duration of an inference, which takes some time. Raises: OutputFault for none."""
    if check_duration(value_ns, line) == 0:
        raise make_fault("an inference that takes no time", line)
    return value_ns


def parse_memory(text: str, unit_bytes: int, line: str) -> int:
    """Memory in bytes. Raises: OutputFault for none, and for more than any machine has."""
    size_bytes = parse_number(text, line) * unit_bytes
    if not 0 < size_bytes <= MAX_MEMORY_BYTES:
        raise make_fault(f"{size_bytes:.6g} bytes can't be the memory of a program", line)
    return round(size_bytes)
