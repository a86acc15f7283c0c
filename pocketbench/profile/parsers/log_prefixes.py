"""What Android, TensorFlow and LiteRT put before a line that they log."""

from __future__ import annotations

import re
from collections.abc import Iterable

COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
PREFIXES = (
    # logcat -v threadtime: "06-11 10:00:00.123  4321  4321 I tflite  : "
    re.compile(r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9} +\d{1,10} +\d{1,10} [VDIWEF] [^:]{1,64}: "),
    # logcat -v brief, time and tag: "I/tflite  ( 4321): "
    re.compile(r"(?:(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9} )?[VDIWEF]/[^:(]{1,64}(?:\( *\d{1,10}\))?: "),
    re.compile(r"(?:INFO|VERBOSE|DEBUG|WARNING|ERROR|FATAL): "),
    # LiteRT's own: "[benchmark_litert_model.h:87] "
    re.compile(r"\[[\w./-]{1,120}:\d{1,6}\] "),
)


def strip_prefixes(lines: Iterable[str]) -> list[str]:
    """The lines as the program wrote them: without the logger's prefixes, in the order in which these nest, and without
    the margin of a page that quotes them."""
    stripped = []
    for line in lines:
        bare = (COLOUR.sub("", line) if "\x1b" in line else line).lstrip(" \t")
        for prefix in PREFIXES:
            match = prefix.match(bare)
            if match is not None:
                bare = bare[match.end() :]
        stripped.append(bare)
    return stripped
