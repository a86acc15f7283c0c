"""An exported file that gives a score for each class, on the engine that `pocketbench profile` times it on."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.picture_input import FLOATS, INTEGERS, PictureInput, describe_input
from pocketbench.accuracy.preprocessing import Pixels
from pocketbench.core.errors import EnvironmentFault, FileFault, PocketbenchError
from pocketbench.core.records import Preprocessing
from pocketbench.profile.agent.inputs import Tensor
from pocketbench.profile.catalog import ENGINES

MIL_INTERPRETER = "mil-interpreter"
"""Runs .mlpackage files on any system: the interpreter that verifies exports (`export/mil`). Slow."""

CACHED_VALUES = 2**16
"""So many numbers are prepared at a time: the runtime then finds them in the cache of its core."""

Call = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """A file that is ready to run; `call` runs one inference of `input.shape`."""

    input: PictureInput
    class_count: int
    call: Call
    engine: str
    tools: dict[str, str]

    def score(self, framed: Pixels, preprocessing: Preprocessing) -> NDArray[Any]:
        """Shape: (N, C, H, W), to (N, classes).

        Raises: FileFault when the runtime refuses to run the file.
        """
        step = self.input.batch_size
        part = max(1, CACHED_VALUES // (step * math.prod(framed.shape[1:]))) * step
        return np.concatenate(
            [self._score_part(framed[start : start + part], preprocessing) for start in range(0, len(framed), part)]
        )

    def _score_part(self, framed: Pixels, preprocessing: Preprocessing) -> NDArray[Any]:
        count, step, call = len(framed), self.input.batch_size, self.call
        values = self.input.prepare(framed, preprocessing)
        if count % step:
            values = np.concatenate([values, np.zeros_like(values[:1]).repeat(-count % step, axis=0)])
        try:
            found = [call(values[start : start + step]) for start in range(0, len(values), step)]
        except PocketbenchError:
            raise
        except Exception as error:  # a runtime raises what it likes
            raise FileFault(
                f"{self.engine} can't run it: {type(error).__name__}: {error}", "check the file, or export it again"
            ) from error
        return np.concatenate(found).reshape(len(values), -1)[:count]


def open_classifier(path: Path, model_format: str, engine: str) -> Classifier:
    """Load a file on one thread, and run it once.

    Args:
        engine: a name of the catalogue of engines, or `MIL_INTERPRETER`.

    Raises:
        FileFault: when it can't be loaded, or is no classifier of pictures.
        EnvironmentFault: when the engine can't be used for it.
    """
    try:
        if engine == MIL_INTERPRETER:
            tensors, outputs, call, scale, tools = _open_package(path)
        else:
            tensors, outputs, call, scale, tools = _open_on_engine(path, engine)
        if len(tensors) != 1:
            names = ", ".join(tensor.name for tensor in tensors)
            raise FileFault(f"it has {len(tensors)} inputs: {names}", "only files that take a picture alone are judged")
        taken = describe_input(tensors[0], model_format, scale)
        first = call(np.zeros(taken.shape, taken.dtype))
    except PocketbenchError:
        raise
    except Exception as error:  # a runtime raises what it likes
        raise FileFault(
            f"{engine} can't run it: {type(error).__name__}: {error}", "check the file, or export it again"
        ) from error
    return Classifier(
        input=taken, class_count=count_classes(outputs, first, taken.batch_size), call=call, engine=engine, tools=tools
    )


def count_classes(outputs: Sequence[Tensor], first: NDArray[Any], batch_size: int) -> int:
    """How many scores a picture has.

    Args:
        first: the first output of an inference.

    Raises: FileFault when the file has several outputs, or its output is no list of scores.
    """
    cure = "only files with one output, a score for each class, are judged: (N, classes) or (N, classes, 1, 1)"
    if len(outputs) != 1:
        names = ", ".join(tensor.name for tensor in outputs)
        raise FileFault(f"it has {len(outputs)} outputs: {names}", cure)
    shape = first.shape if isinstance(first, np.ndarray) else ()
    if len(shape) == 1 and batch_size == 1:  # some files leave the batch out of what they give
        shape = (1, *shape)
    sizes = [size for size in shape[1:] if size != 1]
    if len(sizes) != 1 or shape[0] != batch_size or first.dtype.name not in (*FLOATS, *INTEGERS, "int32", "int64"):
        kind = first.dtype.name if isinstance(first, np.ndarray) else type(first).__name__
        raise FileFault(f"its output {outputs[0].name!r} is {kind} {list(shape)}", cure)
    return int(sizes[0])


_Opened = tuple[Sequence[Tensor], Sequence[Tensor], Call, "tuple[float, int] | None", dict[str, str]]


def _open_on_engine(path: Path, name: str) -> _Opened:
    engine: Any = ENGINES.load(name)()
    if not hasattr(engine, "caller"):
        raise EnvironmentFault(
            f"engine {name!r} gives no scores to judge a file by: it has no `caller`",
            "update that plug-in; CONTRIBUTING.md says what its engine offers",
        )
    tensors = engine.open(str(path), 1)
    if len(tensors) == 1 and len(tensors[0].shape) == 4 and all(isinstance(size, int) for size in tensors[0].shape[1:]):
        engine.prepare({tensors[0].name: tuple(size if isinstance(size, int) else 1 for size in tensors[0].shape)})
    scale = engine.input_scale() if hasattr(engine, "input_scale") else None
    return tensors, engine.outputs(), engine.caller(), scale, engine.versions()


def _open_package(path: Path) -> _Opened:
    from pocketbench.export.mil.interpreter import check_operators, run_program
    from pocketbench.export.mil.package import MAX_PROTO_BYTES, find_model_file, read_bytes
    from pocketbench.export.mil.program import parse_model, read_program

    program = read_program(path)
    check_operators(program)
    description = parse_model(read_bytes(find_model_file(path), MAX_PROTO_BYTES).tobytes(), path).description
    pictures = [item.name for item in description.input if item.type.WhichOneof("Type") != "multiArrayType"]
    if pictures:
        raise FileFault(
            f"its input {pictures[0]!r} is declared as a picture, which only Core ML prepares",
            "convert it with an array (ct.TensorType) as its input",
        )

    def describe_tensor(item: Any) -> Tensor:
        if item.type is None:
            return Tensor(item.name, "no tensor", ())
        return Tensor(item.name, np.dtype(item.type.element.public).name, tuple(item.type.shape))

    def call(array: NDArray[Any]) -> NDArray[Any]:
        return run_program(program, [array])[0]

    tensors, outputs = ([describe_tensor(item) for item in items] for items in (program.inputs, program.outputs))
    tools = {name: importlib.metadata.version(name) for name in ("torch", "coremltools")}
    return tensors, outputs, call, None, tools
