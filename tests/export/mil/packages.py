"""Packages for tests: saved from operators that coremltools builds, and changed afterwards as a vandal would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.export.mil.package import find_model_file
from pocketbench.export.mil.program import parse_model
from pocketbench.export.mil.silence import silence_coremltools

with silence_coremltools():
    import coremltools
    from coremltools.converters.mil import Builder

TARGETS = {
    15: coremltools.target.iOS15,
    16: coremltools.target.iOS16,
    17: coremltools.target.iOS17,
    18: coremltools.target.iOS18,
}


def save_operators(
    path: Path, build: Callable[..., Any], inputs: dict[str, tuple[int, ...]] | None = None, ios_version: int = 16
) -> None:
    """A package of exactly the operators that `build` makes with coremltools' Builder; no pass changes them.

    Args:
        build: takes the inputs under their names, returns the output or several; without inputs it takes nothing.
    """

    def build_from_constants(unused: Any) -> Any:  # noqa: ARG001 (a program must have an input)
        return build()

    shapes = {"unused": (1,)} if inputs is None else inputs
    with silence_coremltools():
        specs = [Builder.TensorSpec(shape=shape) for shape in shapes.values()]
        decorate = Builder.program(input_specs=specs, opset_version=TARGETS[ios_version])
        coremltools.convert(
            decorate(build_from_constants if inputs is None else build),
            convert_to="mlprogram",
            minimum_deployment_target=TARGETS[ios_version],
            compute_precision=coremltools.precision.FLOAT32,
            skip_model_load=True,
            pass_pipeline=coremltools.PassPipeline.EMPTY,
        ).save(str(path))


@contextmanager
def change_model(package: Path) -> Iterator[Any]:
    """The protobuf message of a package; what is changed in it is written back."""
    file = find_model_file(package)
    model = parse_model(file.read_bytes(), package)
    yield model
    file.write_bytes(model.SerializeToString())


def list_operations(model: Any) -> list[Any]:
    """The operations of the message's main function, constants too."""
    function = model.mlProgram.functions["main"]
    return list(function.block_specializations[function.opset].operations)


def find_operations(model: Any, kind: str) -> list[Any]:
    return [operation for operation in list_operations(model) if operation.type == kind]


def find_constant(model: Any, name: str) -> Any:
    """The `Value` message of a constant."""
    return next(item for item in list_operations(model) if item.outputs[0].name == name).attributes["val"]


def draw(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Uniform numbers, float32."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)
