"""The engines by name. A new one is a file in `agent/engines/`, a line here and a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pocketbench.core.errors import EnvironmentFault, UnknownNameError
from pocketbench.core.registry import Entry, Registry, import_target

ENGINES = Registry(
    "engine",
    "pocketbench.engines",
    {
        "benchmark_model": Entry(
            target="pocketbench.profile.adb.engine:BenchmarkModel",
            summary="TensorFlow Lite's benchmark_model on an Android phone, with XNNPACK or on the GPU; .tflite",
            install="name its file under engines of the phone in devices.toml",
        ),
        "litert": Entry(
            target="pocketbench.profile.agent.engines.tflite_interpreter:LiteRt",
            summary="LiteRT interpreter with XNNPACK, on the processor; .tflite",
            requires=("ai_edge_litert",),
            install="pip install ai-edge-litert",
        ),
        "coreml": Entry(
            target="pocketbench.profile.agent.engines.coreml:CoreMl",
            summary="Core ML on a Mac, on the compute units of the delegate; .mlpackage",
            requires=("coremltools",),
            install="pip install coremltools",
        ),
        "onnxruntime": Entry(
            target="pocketbench.profile.agent.engines.onnxruntime_cpu:OnnxRuntime",
            summary="ONNX Runtime, on the processor; .onnx",
            requires=("onnxruntime",),
            install="pip install onnxruntime",
        ),
        "tflite_runtime": Entry(
            target="pocketbench.profile.agent.engines.tflite_interpreter:TfliteRuntime",
            summary="tflite-runtime 2.14 with XNNPACK, in an environment of its own; .tflite",
            install="make setup-tflite-runtime",
        ),
    },
)


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine and which of its delegates: "coreml:cpu_and_ne". None leaves that to the engine."""

    engine: str
    delegate: str | None = None


def parse_engine(text: str) -> EngineChoice:
    """ "coreml" or "coreml:cpu_and_ne". Raises: UnknownNameError, and as `engine_suffixes`."""
    engine, colon, delegate = text.partition(":")
    known = engine_delegates(engine)
    if colon and delegate not in known:
        raise UnknownNameError(f"delegate of {engine}", delegate, known)
    return EngineChoice(engine, delegate or None)


def engine_suffixes(engine: str) -> tuple[str, ...]:
    """The file names that an engine runs, such as (".tflite",).

    Raises:
        UnknownNameError: when no such engine is registered.
        EnvironmentFault: when it is a plug-in's and can't be loaded, or does not say.
    """
    suffixes = getattr(_load_class(engine), "suffixes", None)
    if not isinstance(suffixes, tuple) or not all(isinstance(suffix, str) for suffix in suffixes):
        summary = ENGINES.entry(engine).summary
        raise EnvironmentFault(f"engine {engine!r} ({summary}) has no suffixes", "update that plug-in")
    return suffixes


def engine_delegates(engine: str) -> tuple[str, ...]:
    """What a plan's delegate may name, such as Core ML's compute units. Raises: as `engine_suffixes`."""
    delegates: tuple[str, ...] = getattr(_load_class(engine), "delegates", ())
    return delegates


def chooses_threads(engine: str) -> bool:
    """Whether an engine takes no number of threads: its runtime chooses them itself. Raises: as `engine_suffixes`."""
    return bool(getattr(_load_class(engine), "chooses_threads", False))


def estimates_operators(engine: str) -> bool:
    """Whether the operator times of an engine are its own estimate. Raises: as `engine_suffixes`."""
    return bool(getattr(_load_class(engine), "estimates_operators", False))


def host_refusal(engine: str) -> str | None:
    """Why an engine does not run on this machine whatever is installed, as a sentence; None for one that may.

    Raises: as `engine_suffixes`.
    """
    refusal: str | None = getattr(_load_class(engine), "host_refusal", None)
    return refusal


def _load_class(engine: str) -> Any:
    entry = ENGINES.entry(engine)
    # the class says it without its runtime, which may be installed for another interpreter only
    return import_target(entry.target) if entry.missing() else ENGINES.load(engine)
