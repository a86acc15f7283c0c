"""ONNX's reference implementation in numpy: slow, and right. Its interface stands in
`pocketbench/profile/agent/engines/__init__.py`.

This file runs in the worker, on boards too: Python 3.9, the standard library alone at module level.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from typing import Any

from pocketbench.profile.agent.inputs import Tensor


class OnnxReference:
    suffixes = (".onnx",)

    def __init__(self) -> None:
        self._reference = importlib.import_module("onnx.reference")
        self._helper = importlib.import_module("onnx.helper")
        self._evaluator: Any = None

    def versions(self) -> dict[str, str]:
        return {"onnx": importlib.metadata.version("onnx")}

    def open(self, path: str, _thread_count: int) -> list[Tensor]:
        self._evaluator = self._reference.ReferenceEvaluator(path)
        return [self._describe(value) for value in self._evaluator.proto_.graph.input]

    def prepare(self, sizes: Mapping[str, tuple[int, ...]]) -> None:
        pass

    def bind(self, arrays: Mapping[str, Any]) -> Callable[[], object]:
        feeds = dict(arrays)
        return lambda: self._evaluator.run(None, feeds)

    def outputs(self) -> list[Tensor]:
        return [self._describe(value) for value in self._evaluator.proto_.graph.output]

    def caller(self) -> Callable[[Any], Any]:
        name = self._evaluator.proto_.graph.input[0].name
        return lambda array: self._evaluator.run(None, {name: array})[0]

    def delegation(self) -> None:
        return None

    def _describe(self, value: Any) -> Tensor:
        kind = value.type.tensor_type
        shape = tuple(
            size.dim_value if size.HasField("dim_value") else size.dim_param or None for size in kind.shape.dim
        )
        return Tensor(value.name, self._helper.tensor_dtype_to_np_dtype(kind.elem_type).name, shape)
