"""Where the operators stand that a program on a phone timed: it names none, but the file is here."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pocketbench.core.operator_kinds import is_inside_xnnpack
from pocketbench.core.records import DelegateCoverage, OperatorTime
from pocketbench.profile.operators.tflite_places import find_tflite_places


def place_operators(
    operators: tuple[OperatorTime, ...], coverage: DelegateCoverage | None, path: Path
) -> tuple[OperatorTime, ...]:
    """The operators with their places, where XNNPACK took the whole file in one partition; else as they are.

    Only then are its operators those of the file, in the file's order. What the delegate took outside its operators has
    no place.

    Args:
        operators: in the order of execution.
        path: the TFLite file that they were timed of.
    """
    if coverage is None or coverage.partition_count != 1 or coverage.delegated_node_count != coverage.node_count:
        return operators
    inside = [index for index, item in enumerate(operators) if is_inside_xnnpack(item)]
    own = read_tflite_operators(path)
    if own is None or len(own) != coverage.node_count or len(operators) - len(inside) > 1:
        return operators
    names = [f"XNNPACK 0:{number}" for number in range(len(inside))]
    graph = {"operators": own, "partition_count": 1}
    places = find_tflite_places(names, [operators[index].operator for index in inside], graph)
    if places is None:
        return tuple(dataclasses.replace(item, path=None, block=None) for item in operators)
    found = [dataclasses.replace(item, is_attention=False) for item in operators]
    for index, place in zip(inside, places, strict=True):
        found[index] = dataclasses.replace(operators[index], **place._asdict())
    return tuple(found)


def read_tflite_operators(path: Path) -> Sequence[dict[str, Any]] | None:
    """The file's operators in order, as `operator_litert.describe_graph` gives them; None when there are several graphs
    or the file can't be read here."""
    try:
        from ai_edge_litert import schema_py_generated as schema

        model = schema.Model.GetRootAs(path.read_bytes(), 0)
        if model.SubgraphsLength() != 1:
            return None
        kinds = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
        graph = model.Subgraphs(0)
        found = []
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            code = model.OperatorCodes(operator.OpcodeIndex())
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            weights = operator.Inputs(1) if operator.InputsLength() > 1 else -1
            found.append(
                {
                    "operator": kinds.get(number, ""),
                    "name": _read_name(graph, operator.Outputs(0) if operator.OutputsLength() else -1),
                    "weights": _read_name(graph, weights),
                    "partition": 0,
                }
            )
    except Exception:  # noqa: BLE001 (without the package, or with a file that only the phone understands)
        return None
    return found


def _read_name(graph: Any, tensor: int) -> str:
    name = graph.Tensors(tensor).Name() if tensor >= 0 else None
    return "" if name is None else name.decode("utf-8", "replace")
