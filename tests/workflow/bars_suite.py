"""The text of a suite of two tiny networks, the plain one and one with ECA, that are trained on pictures of bars."""

from collections.abc import Sequence

MODEL = """
[[model]]
backbone = "mobilenet_v2"
width = 0.1
classes = 3
input_size = 16
in_channels = 1
"""


def format_suite(*, title: str, seeds: Sequence[int], epochs: int) -> str:
    return f"""
format = 1
title = "{title}"
formats = ["onnx"]
engines = ["onnxruntime"]

[train]
data = "bars"
seeds = {list(seeds)}
epochs = {epochs}
mean = [0.3]
std = [0.3]
{MODEL}{MODEL}attention = "eca"
"""
