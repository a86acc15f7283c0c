"""The operators at the end of a TFLite classifier, which int8 leaves without fixed ranges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.export.tflite_graph import name_operators, read_model

BEFORE = frozenset({"RESHAPE", "AVERAGE_POOL_2D"})


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """By the tensors that they write: `layers` write the scores, `before` are the last pool and what follows it."""

    layers: tuple[str, ...]
    before: tuple[tuple[str, str], ...]
    """Operator, tensor."""


def find_classifier(path: Path) -> Classifier:
    """The fully connected layers that write an output of the file, and the average pool before each.

    Empty where the file ends in something else. Raises: FileFault when the file is no TFLite model.
    """
    model = read_model(path)
    [graph] = model.subgraphs
    names = name_operators(model)
    makers = {index: place for place, operator in enumerate(graph.operators) for index in operator.outputs}
    layers: list[str] = []
    before: list[tuple[str, str]] = []
    for output in graph.outputs:
        place = makers.get(output)
        if place is None or names[place] != "FULLY_CONNECTED":
            continue
        layers.append(_name_tensor(graph, output))
        found: list[tuple[str, str]] = []
        tensor = graph.operators[place].inputs[0]
        while (place := makers.get(tensor)) is not None and names[place] in BEFORE:
            found.append((names[place], _name_tensor(graph, tensor)))
            tensor = graph.operators[place].inputs[0]
        if any(name == "AVERAGE_POOL_2D" for name, _ in found):
            before += found
    return Classifier(layers=tuple(layers), before=tuple(before))


def _name_tensor(graph: Any, index: int) -> str:
    return str(graph.tensors[index].name.decode("utf-8", "replace"))
