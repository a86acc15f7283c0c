"""benchncnn of ncnn: "          mobilenet_v2  min =    2.51  max =    2.63  avg =    2.55", in ms.

The number of inferences, the threads and the device stand above. Source: benchmark/benchncnn.cpp.
"""

from __future__ import annotations

import re

from pocketbench.profile.parsers.imported import Imported
from pocketbench.profile.parsers.log_prefixes import strip_prefixes
from pocketbench.profile.parsers.output_fault import NS_PER_MS, make_fault, split_lines
from pocketbench.profile.parsers.printed_lines import find_setting, make_imported, parse_figures, refuse_twins

RESOLUTION_NS = NS_PER_MS // 100
LINE = re.compile(r"^[ \t]{0,40}\S{1,200} {1,40}min = ", re.MULTILINE)
SETTINGS = ("loop_count", "num_threads")
DEVICE = re.compile(r"gpu_device = (-?\d{1,3})")
POWERSAVE = ("all cores", "little cores only", "big cores only")


def is_ncnn(text: str) -> bool:
    return any(line.lstrip()[:1] != "[" and LINE.match(line) for line in strip_prefixes(split_lines(text)))


def parse_ncnn(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which shows the line."""
    settings: dict[str, int] = {}
    device = -1
    notes: tuple[str, ...] = ()
    found = []
    for line in strip_prefixes(split_lines(text)):
        bare = line.strip()
        for label in SETTINGS:
            value = find_setting(bare, label)
            if value is not None:
                settings[label] = value
        if match := DEVICE.fullmatch(bare):
            device = int(match[1])
        powersave = find_setting(bare, "powersave")
        if powersave is not None and powersave < len(POWERSAVE):
            notes = (f"powersave = {powersave}: {POWERSAVE[powersave]}.",)
        figures = parse_figures(line, RESOLUTION_NS, unit="")
        if figures is None:
            continue
        if settings.get("loop_count", 0) < 1:
            raise make_fault('the line "loop_count = N" is missing: of how many inferences?', line)
        found.append(
            make_imported(
                figures[0],
                figures[1],
                count=settings["loop_count"],
                warmup_count=None,
                engine="ncnn",
                delegate="vulkan" if device >= 0 else None,
                thread_count=settings.get("num_threads") or None,
                resolution_ns=RESOLUTION_NS,
                notes=notes,
            )
        )
    return refuse_twins(found)
