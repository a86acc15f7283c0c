"""Evaluates a MIL program with torch, one operation after the other, by the operators' documented meaning.

Differs: a device may compute in half precision inside an operation, in an order of its own. Here an operation whose
result is declared fp16 computes in float32 and its result is rounded to float16.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.mil.arguments import MAX_ELEMENTS, Arguments, OperationFault, UnsettledOperation, Value
from pocketbench.export.mil.element_types import ElementType, NamedTensor
from pocketbench.export.mil.operators import OPERATORS
from pocketbench.export.mil.program import Operation, Program
from pocketbench.export.mil.proto_values import Constant

CONTRADICTION_CURE = "the package is damaged, or its converter is; export it again"


def run_program(program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs for one array a declared input, in the order of the file, in their declared types.

    Cost: values are freed after their last use. One thread: on a busy machine two wait for each other far longer than
    they compute, and the last bits of a sum depend on their number.

    Raises:
        ConversionError: when an operator is not known here.
        FileFault: when inputs do not fit, or the program contradicts itself.
    """
    check_operators(program)
    with torch.inference_mode(), _one_thread():
        values: dict[str, Value] = dict(_accept_inputs(program, inputs))
        last_uses = _find_last_uses(program)
        for index, operation in enumerate(program.operations):
            values.update(_evaluate(program, operation, values))
            for name in last_uses[index]:
                values.pop(name, None)
        return [_hand_out(_look_up(program, item.name, values), item) for item in program.outputs]


def evaluate_constant(program: Program, operation: Operation) -> np.ndarray:
    """What an operation on constants alone, a decompression, gives. Raises: as `run_program`."""
    with torch.inference_mode(), _one_thread():
        value = _evaluate(program, operation, {})[operation.outputs[0].name]
        return value.float().numpy()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    count_before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count_before)


def check_operators(program: Program) -> None:
    """Raises: ConversionError that names the first operator which can't be evaluated here."""
    for operation in program.operations:
        if operation.kind not in OPERATORS or operation.nested:
            raise ConversionError(
                f"{program.path.name} uses Core ML's operator {operation.kind!r}, which can't be verified without "
                "Core ML",
                "export another format, or rewrite that part of the model",
            )


def _accept_inputs(program: Program, arrays: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    names = [item.name for item in program.inputs]
    if len(arrays) != len(names):
        raise FileFault(f"{program.path.name} takes {len(names)} inputs, {len(arrays)} were given", f"it takes {names}")
    accepted = {}
    for item, array in zip(program.inputs, arrays, strict=True):
        declared = item.type
        if (
            declared is None
            or np.issubdtype(array.dtype, np.floating) != declared.element.is_float
            or not declared.allows(array.shape)
        ):
            wanted = "no tensor" if declared is None else f"{declared.element.public} {list(declared.shape)}"
            raise FileFault(
                f"{program.path.name}: its input {item.name!r} is {wanted}, "
                f"given was {array.dtype} {list(array.shape)}",
                "run it on an input of its own shape",
            )
        accepted[item.name] = _settle(torch.tensor(array), declared.element)
    return accepted


def _find_last_uses(program: Program) -> list[list[str]]:
    """For each operation the names that nothing needs after it."""
    needed = {item.name for item in program.outputs}
    last_uses: list[list[str]] = []
    for operation in reversed(program.operations):
        used = {item for items in operation.inputs.values() for item in items if isinstance(item, str)}
        used |= {item.name for item in operation.outputs}
        last_uses.append(sorted(used - needed))
        needed |= used
    return last_uses[::-1]


def _evaluate(program: Program, operation: Operation, values: Mapping[str, Value]) -> dict[str, torch.Tensor]:
    where = f"{program.path.name}: {operation.kind} {operation.outputs[0].name if operation.outputs else ''}"
    try:
        arguments = Arguments(
            {key: [_resolve(program, item, values) for item in items] for key, items in operation.inputs.items()},
            operation.outputs,
            program.ios_version,
        )
        _check_declared_sizes(operation.outputs)
        found = OPERATORS[operation.kind](arguments)
        results = [found] if isinstance(found, torch.Tensor) else list(found)
        if arguments.unasked():
            raise UnsettledOperation(f"its input {arguments.unasked()[0]!r} is not known here")
        if len(results) != len(operation.outputs):
            raise OperationFault(f"it gives {len(results)} results, {len(operation.outputs)} are declared")
        return {item.name: _check_result(value, item) for item, value in zip(operation.outputs, results, strict=True)}
    except UnsettledOperation as error:
        raise ConversionError(
            f"{where} can't be verified without Core ML: {error}", "export another format, or rewrite that part"
        ) from error
    except (FileFault, ConversionError):
        raise
    except Exception as error:
        raise FileFault(f"{where} can't be evaluated: {error}", CONTRADICTION_CURE) from error


def _check_declared_sizes(outputs: Sequence[NamedTensor]) -> None:
    for item in outputs:
        if item.type is not None and (item.type.element_count or 0) > MAX_ELEMENTS:
            raise OperationFault(f"it declares a result of shape {list(item.type.shape)}")


def _resolve(program: Program, item: str | Constant, values: Mapping[str, Value]) -> Value:
    return _look_up(program, item, values) if isinstance(item, str) else _load_constant(item)


def _look_up(program: Program, name: str, values: Mapping[str, Value]) -> Value:
    if name in values:
        return values[name]
    if name in program.constants:
        return _load_constant(program.constants[name])
    raise OperationFault(f"nothing before it computes {name!r}")


def _load_constant(constant: Constant) -> Value:
    if isinstance(constant.data, str):
        return constant.data
    if constant.data is None or constant.element is None:
        raise UnsettledOperation("it takes a list or a type that is not read here")
    data = constant.data
    if data.dtype.kind == "u" and data.dtype.itemsize > 1:
        data = data.astype(np.int64)
    return torch.from_numpy(data).to(constant.element.kept)


def _check_result(value: torch.Tensor, item: NamedTensor) -> torch.Tensor:
    """The value in its declared type. Raises: OperationFault when it is of another kind or shape."""
    if item.type is None:
        raise UnsettledOperation("its result is no tensor")
    element = item.type.element
    if not item.type.allows(value.shape):
        raise OperationFault(f"its result has the shape {list(value.shape)}, declared is {list(item.type.shape)}")
    if _name_kind(value.dtype) != _name_kind(element.kept):
        raise OperationFault(f"its result is {value.dtype}, declared is {element.name}")
    return _settle(value, element)


def _name_kind(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "truth"
    return "real" if dtype.is_floating_point else "whole"


def _settle(value: torch.Tensor, element: ElementType) -> torch.Tensor:
    """The value as the element type can hold it."""
    if element.name == "fp16":
        value = value.to(torch.float16)
    return value.to(element.kept)


def _hand_out(value: Value, item: NamedTensor) -> np.ndarray:
    if not isinstance(value, torch.Tensor) or item.type is None:
        raise FileFault(f"the output {item.name!r} is no tensor", CONTRADICTION_CURE)
    return value.contiguous().numpy().astype(item.type.element.public)
