"""Small ONNX files for the gate: chains of convolutions, so that more of them are slower for sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from tests.profile.onnx_files import FLOAT, write_graph


def write_chain(path: Path, count: int, side: int = 32) -> Path:
    """`count` convolutions of 16 channels one after the other, each in a block of its own: /c0, /c1 and so on."""
    weights = np.random.default_rng(0).standard_normal((16, 16, 3, 3)).astype(np.float32) / 12
    names = ["x", *(f"h{index}" for index in range(1, count)), "y"]
    nodes = [
        helper.make_node("Conv", [names[index], "w"], [names[index + 1]], name=f"/c{index}/Conv", pads=[1, 1, 1, 1])
        for index in range(count)
    ]
    shape = (1, 16, side, side)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_graph(path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, shape)], {"w": weights})
