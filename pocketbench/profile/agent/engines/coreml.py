"""Core ML on a Mac, through coremltools (https://apple.github.io/coremltools). Runs on Python 3.9; the runtime is
imported on use."""

from __future__ import annotations

import functools
import importlib
import platform
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pocketbench.profile.agent.inputs import Tensor
from pocketbench.profile.agent.refusal import Refusal

# ArrayFeatureType.ArrayDataType of Core ML's format
ARRAY_TYPES = {65552: "float16", 65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8"}
# ImageFeatureType.ColorSpace of 8 bits: grey, RGB, BGR; the sizes behind height and width
COLOR_SPACES: dict[int, tuple[int, ...]] = {10: (), 20: (3,), 30: (3,)}


class CoreMl:
    """A model on the compute units that `delegate` allows; Core ML chooses among them for each operator.

    Loading compiles the package, as Core ML does where an app ships no compiled model, and is timed with it.

    Differs: an inference is one call of coremltools' `predict`, which also copies inputs and outputs.
    """

    suffixes = (".mlpackage",)
    delegates = ("all", "cpu_only", "cpu_and_gpu", "cpu_and_ne")
    host_refusal = None if sys.platform == "darwin" else "Core ML runs on macOS alone"
    chooses_threads = True
    estimates_operators = True
    operator_profiler = "pocketbench.profile.agent.operator_coreml"

    def __init__(self) -> None:
        if self.host_refusal is not None:
            raise Refusal("load", self.host_refusal)
        self.delegate: str | None = None
        self._tools = importlib.import_module("coremltools")
        self._model: Any = None

    def versions(self) -> dict[str, str]:
        return {"coremltools": str(self._tools.__version__), "macos": platform.mac_ver()[0]}

    def open(self, path: str, _thread_count: int) -> list[Tensor]:
        self._model = self._tools.models.MLModel(path, compute_units=self.compute_unit())
        description = self._model.get_spec().description
        try:
            self.compiled_path()
        except Exception as error:  # coremltools raises nothing narrower
            # it keeps what Core ML said for a later call, which would say no more
            cause = getattr(self._model, "_framework_error", None) or error
            raise Refusal("load", f"Core ML does not load {path}: {cause}") from error
        if len(getattr(description, "state", ())):
            raise Refusal("load", f"{path} keeps a state from one inference to the next: such models are not measured")
        return [_describe(feature) for feature in description.input]

    def compute_unit(self) -> Any:
        """What coremltools calls the chosen units."""
        return self._tools.ComputeUnit[(self.delegate or "all").upper()]

    def compiled_path(self) -> str:
        return str(self._model.get_compiled_model_path())

    def prepare(self, sizes: Mapping[str, tuple[int, ...]]) -> None:
        """Nothing: a package has its sizes."""

    def bind(self, arrays: Mapping[str, Any]) -> Callable[[], object]:
        features = {feature.name: feature for feature in self._model.get_spec().description.input}
        values = {name: _make_value(features[name], array) for name, array in arrays.items()}
        return functools.partial(self._model.predict, values)

    def outputs(self) -> list[Tensor]:
        return [_describe(feature) for feature in self._model.get_spec().description.output]

    def delegation(self) -> None:
        return None


def _describe(feature: Any) -> Tensor:
    kind = feature.type.WhichOneof("Type")
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        dtype = ARRAY_TYPES.get(int(array.dataType), f"array type {int(array.dataType)}")
        return Tensor(str(feature.name), dtype, tuple(int(size) for size in array.shape))
    if kind == "imageType":
        image = feature.type.imageType
        space = int(image.colorSpace)
        if space in COLOR_SPACES:
            return Tensor(str(feature.name), "uint8", (int(image.height), int(image.width), *COLOR_SPACES[space]))
        return Tensor(str(feature.name), f"image of colour space {space}", ())
    return Tensor(str(feature.name), str(kind), ())


def _make_value(feature: Any, array: Any) -> Any:
    """What `predict` takes: an array, or a picture for an input that is declared as one."""
    if feature.type.WhichOneof("Type") != "imageType":
        return array
    return importlib.import_module("PIL.Image").fromarray(array)
