"""ONNX Runtime on the processor (https://onnxruntime.ai). Runs on Python 3.9; the runtime is imported on use."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from pocketbench.profile.agent.inputs import Tensor

NUMPY_NAMES = {"float": "float32", "double": "float64"}
QUIET = 3  # errors only


class OnnxRuntime:
    """A session of the CPU provider with `thread_count` threads inside an operator and operators one after another."""

    suffixes = (".onnx", ".ort")
    operator_profiler = "pocketbench.profile.agent.operator_onnxruntime"

    def __init__(self) -> None:
        self._runtime = importlib.import_module("onnxruntime")
        self._session: Any = None

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": str(self._runtime.__version__)}

    def open(self, path: str, thread_count: int) -> list[Tensor]:
        return self.open_with(path, self.make_options(thread_count))

    def make_options(self, thread_count: int) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = thread_count
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        return options

    def open_with(self, path: str, options: Any) -> list[Tensor]:
        self._session = self._runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return [_describe(argument) for argument in self._session.get_inputs()]

    def prepare(self, sizes: Mapping[str, tuple[int, ...]]) -> None:
        """Nothing: the session takes any size that fits the file."""

    def bind(self, arrays: Mapping[str, Any]) -> Callable[[], object]:
        """Bind inputs and outputs once where all are plain tensors, so that a run copies nothing; else run by name."""
        arguments = self._session.get_inputs() + self._session.get_outputs()
        if not all(argument.type.startswith("tensor(") and "string" not in argument.type for argument in arguments):
            return functools.partial(self._session.run, None, dict(arrays))
        binding = self._session.io_binding()
        for name, array in arrays.items():
            binding.bind_cpu_input(name, array)
        for argument in self._session.get_outputs():
            binding.bind_output(argument.name, "cpu")
        # the arrays are the bound memory: they live as long as the partial does
        return functools.partial(_run_bound, self._session, binding, arrays)

    def outputs(self) -> list[Tensor]:
        return [_describe(argument) for argument in self._session.get_outputs()]

    def caller(self) -> Callable[[Any], Any]:
        session, name, wanted = self._session, self._session.get_inputs()[0].name, [self._session.get_outputs()[0].name]
        return lambda array: session.run(wanted, {name: array})[0]

    def delegation(self) -> None:
        return None

    def end_profiling(self) -> str:
        """End a profile that the options asked for; gives the file that it was written to."""
        return str(self._session.end_profiling())


def _run_bound(session: Any, binding: Any, _arrays: Mapping[str, Any]) -> None:
    session.run_with_iobinding(binding)


def _describe(argument: Any) -> Tensor:
    dtype = argument.type
    if dtype.startswith("tensor(") and dtype.endswith(")"):
        dtype = dtype[len("tensor(") : -1]
    return Tensor(argument.name, NUMPY_NAMES.get(dtype, dtype), tuple(argument.shape))
