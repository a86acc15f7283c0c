"""Pictures of charts, drawn in processes beside this one: each takes half a second, and keeps all of Python waiting
meanwhile."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pocketbench.core.cores import count_cores

PICTURE_SUFFIXES = (".svg", ".png")
PNG_SCALE = 2
FEWEST_BESIDE = 3
"""Charts a process; fewer are drawn before another one has begun."""

Charts = Mapping[str, dict[str, Any]]
Pictures = dict[str, bytes]


def draw_pictures(charts: Charts) -> Pictures:
    """NAME.svg and NAME.png of each chart that stands alone; the same charts give the same bytes."""
    pictures: Pictures = {}
    if charts:
        import vl_convert

        for name, chart in charts.items():
            svg = _number_clips(vl_convert.vegalite_to_svg(chart, allowed_base_urls=[]))
            pictures[f"{name}.svg"] = svg.encode()
            pictures[f"{name}.png"] = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return pictures


@contextlib.contextmanager
def drawing_beside(charts: Charts) -> Iterator[Callable[[], Pictures]]:
    """Begin `draw_pictures` on all cores; what is given waits for its end. A process that can't do it changes nothing:
    then its pictures are drawn here."""
    count = min(count_cores(), len(charts) // FEWEST_BESIDE)
    if count == 0:
        yield lambda: draw_pictures(charts)
        return
    names = list(charts)
    with contextlib.ExitStack() as stack:
        shares = [
            stack.enter_context(_drawing_beside({name: charts[name] for name in names[place::count]}))
            for place in range(count)
        ]

        def finish() -> Pictures:
            drawn: Pictures = {}
            for share in shares:
                drawn |= share()
            return {name + suffix: drawn[name + suffix] for name in names for suffix in PICTURE_SUFFIXES}

        yield finish


@contextlib.contextmanager
def _drawing_beside(charts: Charts) -> Iterator[Callable[[], Pictures]]:
    """All of them in one process."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as drawn:
        asked.write(json.dumps(charts).encode())
        asked.seek(0)
        command = [sys.executable, "-P", "-m", "pocketbench.reports.picture_process"]
        try:
            process = subprocess.Popen(command, stdin=asked, stdout=drawn, stderr=subprocess.DEVNULL)
        except OSError:
            yield lambda: draw_pictures(charts)
            return

        def finish() -> Pictures:
            is_done = process.wait() == 0 and drawn.seek(0, os.SEEK_END) > 0
            drawn.seek(0)
            return _unpack(drawn.read()) if is_done else draw_pictures(charts)

        try:
            yield finish
        finally:
            process.kill()
            process.wait()


def _pack(pictures: Pictures) -> bytes:
    return json.dumps({name: base64.b64encode(content).decode() for name, content in pictures.items()}).encode()


def _unpack(packed: bytes) -> Pictures:
    return {name: base64.b64decode(content) for name, content in json.loads(packed).items()}


def _number_clips(svg: str) -> str:
    """The SVG with its clip paths numbered from 1: Vega counts them on from one chart of a process to the next."""
    numbers: dict[str, int] = {}
    return re.sub(
        r'(<clipPath id="clip|clip-path="url\(#clip)([0-9]+)',
        lambda match: f"{match[1]}{numbers.setdefault(match[2], len(numbers) + 1)}",
        svg,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(_pack(draw_pictures(json.load(sys.stdin.buffer))))
