"""The pairs of files that are tried, with the slowdown that each really has.

`effect` is the slowdown in percent that a pair stands for, `measured` what 32 to 160 pairs of lives gave on the machine
of docs/gate-power.md (CPU time of the thread), None for identical files.
"""

from __future__ import annotations

from dataclasses import dataclass

SIDES = {"small": 160, "large": 192}
FORMATS = {"litert": "tflite", "onnxruntime": "onnx"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    engine: str
    size: str
    effect: int
    head: str
    measured: float | None = None

    @property
    def base(self) -> str:
        return "plain" if self.size == "small" else "large_plain"

    @property
    def side(self) -> int:
        """Of the square input."""
        return SIDES[self.size]

    @property
    def format(self) -> str:
        return FORMATS[self.engine]

    @property
    def name(self) -> str:
        return f"{self.engine}-{self.size}-{self.effect}"


CELLS = (
    Cell(engine="litert", size="small", effect=0, head="plain"),
    Cell(engine="onnxruntime", size="small", effect=0, head="plain"),
    Cell(engine="litert", size="small", effect=3, head="wider_192", measured=3.1),
    Cell(engine="onnxruntime", size="small", effect=3, head="unfused_10", measured=2.9),
    Cell(engine="litert", size="small", effect=5, head="wider_304", measured=5.1),
    Cell(engine="onnxruntime", size="small", effect=5, head="block_32", measured=4.7),
    Cell(engine="litert", size="small", effect=10, head="block_76", measured=10.6),
    Cell(engine="onnxruntime", size="small", effect=10, head="wider_264", measured=10.1),
    Cell(engine="litert", size="large", effect=0, head="large_plain"),
    Cell(engine="onnxruntime", size="large", effect=0, head="large_plain"),
    Cell(engine="litert", size="large", effect=3, head="large_block_48", measured=3.2),
    Cell(engine="onnxruntime", size="large", effect=3, head="large_block_44", measured=3.4),
    Cell(engine="litert", size="large", effect=5, head="large_block_72", measured=4.9),
    Cell(engine="onnxruntime", size="large", effect=5, head="large_block_64", measured=4.5),
)
