"""TensorFlow Lite's benchmark_model: a program on a phone (`profile/adb/`), not a runtime of this machine."""

from __future__ import annotations


class BenchmarkModel:
    """What plans and listings ask of an engine. Without a delegate, XNNPACK runs the model on the processor."""

    suffixes = (".tflite",)
    delegates = ("xnnpack", "gpu")
    host_refusal = "it is a program for phones: measure with --on and a device of transport adb in devices.toml"
