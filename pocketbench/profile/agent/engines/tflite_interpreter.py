"""The TFLite interpreter, in the package LiteRT (https://ai.google.dev/edge/litert) and in the older tflite-runtime.

Runs on Python 3.9; the runtime is imported on use. XNNPACK is on by default in both.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any

from pocketbench.profile.agent.delegation import Delegation, count_delegation
from pocketbench.profile.agent.inputs import Tensor


class TfliteInterpreter:
    """`module` holds the class Interpreter, `package` is the distribution whose version is recorded."""

    suffixes = (".tflite",)
    module = ""
    package = ""

    def __init__(self) -> None:
        self._interpreter_class = importlib.import_module(self.module).Interpreter
        self._interpreter: Any = None

    def versions(self) -> dict[str, str]:
        return {self.package: importlib.metadata.version(self.package)}

    def open(self, path: str, thread_count: int) -> list[Tensor]:
        self._interpreter = self._interpreter_class(model_path=path, num_threads=thread_count)
        return [_describe(details) for details in self._interpreter.get_input_details()]

    def prepare(self, sizes: Mapping[str, tuple[int, ...]]) -> None:
        for details in self._interpreter.get_input_details():
            wanted = sizes[details["name"]]
            if tuple(details["shape"]) != wanted:
                self._interpreter.resize_tensor_input(details["index"], wanted)
        self._interpreter.allocate_tensors()

    def bind(self, arrays: Mapping[str, Any]) -> Callable[[], object]:
        """The interpreter keeps its inputs from one run to the next (its arena never reuses their memory)."""
        for details in self._interpreter.get_input_details():
            self._interpreter.set_tensor(details["index"], arrays[details["name"]])
        invoke: Callable[[], object] = self._interpreter.invoke
        return invoke

    def outputs(self) -> list[Tensor]:
        return [_describe(details) for details in self._interpreter.get_output_details()]

    def caller(self) -> Callable[[Any], Any]:
        interpreter = self._interpreter
        source, target = (
            details[0]["index"] for details in (interpreter.get_input_details(), interpreter.get_output_details())
        )

        def call(array: Any) -> Any:
            interpreter.set_tensor(source, array)
            interpreter.invoke()
            return interpreter.get_tensor(target)

        return call

    def input_scale(self) -> tuple[float, int] | None:
        parameters = self._interpreter.get_input_details()[0]["quantization_parameters"]
        if len(parameters["scales"]) != 1:
            return None
        return float(parameters["scales"][0]), int(parameters["zero_points"][0])

    def delegation(self) -> Delegation | None:
        # not public in either package: a release without it leaves the counts unknown
        read_operators = getattr(self._interpreter, "_get_ops_details", None)
        return None if read_operators is None else count_delegation(read_operators())


class LiteRt(TfliteInterpreter):
    """What is here besides names is for `operator_litert.py`."""

    operator_profiler = "pocketbench.profile.agent.operator_litert"
    module = "ai_edge_litert.interpreter"
    package = "ai-edge-litert"

    def input_sizes(self) -> dict[str, tuple[int, ...]]:
        details = self._interpreter.get_input_details()
        return {item["name"]: tuple(int(size) for size in item["shape"]) for item in details}

    def read_outputs(self) -> list[Any]:
        return [self._interpreter.get_tensor(details["index"]) for details in self._interpreter.get_output_details()]

    def tensor_names(self) -> dict[int, str]:
        return {int(details["index"]): str(details["name"]) for details in self._interpreter.get_tensor_details()}

    def operators(self) -> list[dict[str, Any]]:
        """The operators of the file and, after them, one DELEGATE for each partition."""
        return list(self._interpreter._get_ops_details())


class TfliteRuntime(TfliteInterpreter):
    module = "tflite_runtime.interpreter"
    package = "tflite-runtime"


def _describe(details: Mapping[str, Any]) -> Tensor:
    import numpy

    signature = details.get("shape_signature")
    shape = details["shape"] if signature is None or len(signature) != len(details["shape"]) else signature
    sizes = tuple(int(size) if size >= 0 else None for size in shape)
    return Tensor(str(details["name"]), numpy.dtype(details["dtype"]).name, sizes)
