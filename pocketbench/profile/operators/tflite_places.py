"""Which operator of a TFLite file each operator of XNNPACK came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pocketbench.profile.operators.places import Place, name_places, parse_location

TIMED = re.compile(r"XNNPACK (?P<partition>\d+):\d+|TFLITE (?P<index>\d+)")

# XNNPACK's name of an operator, up to the parenthesis, and TFLite's. The first group, the layers with weights, is the
# frame that the others must fit in; a group is used where both sides have as many of it.
WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
GROUPS = (
    ({"Convolution", "Fully Connected"}, WEIGHTED),
    ({"Deconvolution"}, {"TRANSPOSE_CONV"}),
    ({"Batch Matrix Multiply"}, {"BATCH_MATMUL"}),
    ({"Add"}, {"ADD"}),
    ({"Subtract"}, {"SUB"}),
    ({"Multiply"}, {"MUL"}),
    ({"Divide"}, {"DIV"}),
    ({"Mean"}, {"MEAN"}),
    ({"Sum"}, {"SUM"}),
    ({"Average Pooling"}, {"AVERAGE_POOL_2D"}),
    ({"Max Pooling"}, {"MAX_POOL_2D"}),
    ({"Reduce Max"}, {"REDUCE_MAX"}),
    ({"HardSwish"}, {"HARD_SWISH"}),
    ({"Sigmoid"}, {"LOGISTIC"}),
    ({"Tanh"}, {"TANH"}),
    ({"Softmax"}, {"SOFTMAX"}),
    ({"PReLU"}, {"PRELU"}),
    ({"Resize Bilinear"}, {"RESIZE_BILINEAR"}),
    ({"Transpose"}, {"TRANSPOSE"}),
    ({"Static Reshape"}, {"RESHAPE"}),
    ({"Constant Pad"}, {"PAD", "PADV2"}),
)


def find_tflite_places(names: Sequence[str], operators: Sequence[str], graph: Mapping[str, Any]) -> list[Place] | None:
    """The place of each operator that was timed, and the file's operator that it stands for.

    XNNPACK runs a partition's operators in the file's order, fuses some and adds others. Those of a group are taken for
    each other one by one where there are as many.

    Args:
        names: "XNNPACK partition:number" or "TFLITE number", in the order of execution.
        operators: the runtime's name of each.
        graph: the file's operators, from `operator_litert.describe_graph`.

    Returns:
        None when the file names no places.
    """
    # the last layer makes an output, which has a name of its own: its weights tell
    steps = [
        parse_location(item["name"]) or parse_location(item["weights"] if item["operator"] in WEIGHTED else "")
        for item in graph["operators"]
    ]
    if not any(steps):
        return None
    origins = match_operators(names, operators, graph)
    places = name_places([None if origin is None else steps[origin] for origin in origins])
    own = [None if origin is None else str(graph["operators"][origin]["operator"]) for origin in origins]
    return [place._replace(graph_operator=operator) for place, operator in zip(places, own, strict=True)]


def match_operators(names: Sequence[str], operators: Sequence[str], graph: Mapping[str, Any]) -> list[int | None]:
    """The file's operator for each that was timed, by number; None where that is not known."""
    timed: dict[int | None, list[int]] = {}
    origins: list[int | None] = [None] * len(names)
    for index, name in enumerate(names):
        match = TIMED.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is no name of a timed operator")
        if match["index"] is not None:
            origins[index] = int(match["index"])
        else:
            timed.setdefault(int(match["partition"]), []).append(index)
    own: dict[int | None, list[int]] = {}
    for number, item in enumerate(graph["operators"]):
        own.setdefault(item["partition"], []).append(number)
    outside = own.pop(None, [])
    if [origin for origin in origins if origin is not None] != outside or len(timed) != graph["partition_count"]:
        return [None] * len(names)  # the two ways to run the file divided it differently
    for partition, indices in timed.items():
        members = own.get(partition, [])
        kinds = [operators[index].partition(" (")[0] for index in indices]
        matched = match_partition(kinds, [graph["operators"][member]["operator"] for member in members])
        for place, member in matched.items():
            origins[indices[place]] = members[member]
    return origins


def match_partition(timed: Sequence[str], own: Sequence[str]) -> dict[int, int]:
    """Pairs of equal kind in order, one group after another while the order of all pairs is the same on both sides."""
    pairs: dict[int, int] = {}
    for timed_kinds, own_kinds in GROUPS:
        left = [index for index, kind in enumerate(timed) if kind in timed_kinds]
        right = [index for index, kind in enumerate(own) if kind in own_kinds]
        if len(left) != len(right):
            continue
        candidate = pairs | dict(zip(left, right, strict=True))
        order = [candidate[index] for index in sorted(candidate)]
        if order == sorted(order):
            pairs = candidate
    return pairs
