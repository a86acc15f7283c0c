"""The ML program of a saved .mlpackage, as plain records: operations in order, constants as arrays, declared types.

The file may come from anybody. Nothing of it is executed, and no array is made before its size was checked against
what the file holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import FileFault
from pocketbench.export.mil.element_types import NamedTensor
from pocketbench.export.mil.package import DAMAGED_CURE, MAX_PROTO_BYTES, find_model_file, read_bytes
from pocketbench.export.mil.proto_values import Constant, ValueReader, read_type
from pocketbench.export.mil.silence import silence_coremltools

OPSETS = {"CoreML5": 15, "CoreML6": 16, "CoreML7": 17, "CoreML8": 18, "CoreML9": 26}
"""Name of an operator set -> the iOS version that brought it."""

MAIN_FUNCTION = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `inputs`: parameter -> the names or constants bound to it, most often one; `nested`: what stands
    in the branches or the loop body of a control-flow operation."""

    kind: str
    inputs: dict[str, tuple[str | Constant, ...]]
    outputs: tuple[NamedTensor, ...]
    nested: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a package computes. `operations` stand in the order of the file, without the constants."""

    path: Path
    ios_version: int
    inputs: tuple[NamedTensor, ...]
    outputs: tuple[NamedTensor, ...]
    constants: dict[str, Constant]
    operations: tuple[Operation, ...]


def read_program(path: Path) -> Program:
    """Open a saved .mlpackage.

    Raises: FileFault when the path holds no such package, another kind of Core ML model, or is damaged.
    """
    model_file = find_model_file(path)
    model = parse_model(read_bytes(model_file, MAX_PROTO_BYTES).tobytes(), path)
    kind = model.WhichOneof("Type")
    if kind != "mlProgram":
        raise FileFault(
            f"{path} holds {f'a Core ML {kind}' if kind else 'no model'}, no ML program",
            "convert the model again with coremltools' convert_to='mlprogram'",
        )
    function = _find_function(model, path)
    if function.opset not in OPSETS or function.opset not in function.block_specializations:
        raise FileFault(f"{path} is written for the operator set {function.opset!r}", f"known: {', '.join(OPSETS)}")
    block = function.block_specializations[function.opset]
    inputs = _read_names(function.inputs)
    reader = _BlockReader(ValueReader(path, model_file))
    operations = reader.read(block)
    declared = {item.name: item for item in inputs} | reader.declared
    unknown = [name for name in block.outputs if name not in declared]
    if unknown:
        raise FileFault(f"{path}: nothing computes its output {unknown[0]!r}", DAMAGED_CURE)
    return Program(
        path=path,
        ios_version=OPSETS[function.opset],
        inputs=inputs,
        outputs=tuple(declared[name] for name in block.outputs),
        constants=reader.constants,
        operations=operations,
    )


def parse_model(content: bytes, path: Path) -> Any:
    """The protobuf message `CoreML.Specification.Model`. Raises: FileFault when the bytes are none."""
    with silence_coremltools():
        from coremltools.proto import Model_pb2
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    model = Model_pb2.Model()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise FileFault(f"{path}: its model file can't be parsed ({error})", DAMAGED_CURE) from error
    return model


def _find_function(model: Any, path: Path) -> Any:
    functions = model.mlProgram.functions
    name = model.description.defaultFunctionName or (next(iter(functions)) if len(functions) == 1 else MAIN_FUNCTION)
    if name not in functions:
        raise FileFault(f"{path} holds no function {name!r}", DAMAGED_CURE)
    return functions[name]


def _read_names(items: Any) -> tuple[NamedTensor, ...]:
    return tuple(NamedTensor(name=item.name, type=read_type(item.type)) for item in items)


class _BlockReader:
    """Gathers the constants and the declared results of a block and of the blocks within it."""

    def __init__(self, values: ValueReader) -> None:
        self.constants: dict[str, Constant] = {}
        self.declared: dict[str, NamedTensor] = {}
        self._values = values

    def read(self, block: Any) -> tuple[Operation, ...]:
        """The operations of the block, in the order of the file, without the constants."""
        operations = []
        for proto in block.operations:
            outputs = _read_names(proto.outputs)
            self.declared |= {item.name: item for item in outputs}
            if proto.type == "const":
                self._read_constant(proto, outputs)
            else:
                operations.append(self._read_operation(proto, outputs))
        return tuple(operations)

    def _read_constant(self, proto: Any, outputs: tuple[NamedTensor, ...]) -> None:
        if len(outputs) != 1 or "val" not in proto.attributes:
            raise FileFault(f"{self._values.package}: a constant without a value", DAMAGED_CURE)
        self.constants[outputs[0].name] = self._values.read(proto.attributes["val"], outputs[0].name)

    def _read_operation(self, proto: Any, outputs: tuple[NamedTensor, ...]) -> Operation:
        name = outputs[0].name if outputs else proto.type
        inputs: dict[str, tuple[str | Constant, ...]] = {
            # the compressed constants of iOS 16 keep their parameters as attributes
            key: (self._values.read(value, f"{name}.{key}"),)
            for key, value in proto.attributes.items()
            if key != "name"
        }
        for key, argument in proto.inputs.items():
            inputs[key] = tuple(
                binding.name
                if binding.WhichOneof("binding") == "name"
                else self._values.read(binding.value, f"{name}.{key}")
                for binding in argument.arguments
            )
        nested = tuple(inner for block in proto.blocks for inner in self.read(block))
        return Operation(kind=proto.type, inputs=inputs, outputs=outputs, nested=nested)
