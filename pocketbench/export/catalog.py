"""The formats that pocketbench writes. Adding one: a module as format.py says, a line here, a test."""

from __future__ import annotations

from pocketbench.core.registry import Entry, Registry
from pocketbench.core.targets import FormatTarget

FORMATS = Registry(
    "format",
    "pocketbench.formats",
    {
        "onnx": Entry(
            target="pocketbench.export.to_onnx",
            summary="ONNX, simplified by onnxsim, verified by onnxruntime (.onnx)",
            requires=("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
            install="pip install onnx onnxscript onnxsim onnxruntime",
        ),
        "tflite": Entry(
            target="pocketbench.export.to_tflite",
            summary="TFLite by litert-torch, verified by the LiteRT interpreter (.tflite)",
            requires=("torch", "litert_torch", "ai_edge_litert"),
            install="pip install litert-torch ai-edge-litert",
        ),
        "coreml": Entry(
            target="pocketbench.export.to_coreml",
            summary="Core ML program for iOS 16, verified by an interpreter of its MIL program (.mlpackage)",
            requires=("torch", "coremltools"),
            install="pip install coremltools",
        ),
    },
)

TOOLS = {
    "onnx": ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime"),
    "tflite": ("torch", "litert-torch", "litert-converter", "jax", "ai-edge-litert"),
    "coreml": ("torch", "coremltools"),
}
"""Format -> the distributions whose versions decide what a file holds and whether it is kept: they are in its record
and in its cache key. Here, since the key is made without importing a converter."""

QUANTISERS = {"onnx": (), "tflite": ("ai-edge-quantizer",), "coreml": ("scikit-learn",)}
"""What a quantised file needs besides: onnxruntime's and coremltools' quantisers are parts of them."""


def list_tools(target: FormatTarget) -> tuple[str, ...]:
    """The distributions that make and verify a target's file."""
    return TOOLS[target.format] + (() if target.twin is None else QUANTISERS[target.format])
