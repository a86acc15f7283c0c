"""What a delegate took over of a TFLite graph. Runs on Python 3.9 with the standard library alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

DELEGATE = "DELEGATE"


class Delegation(NamedTuple):
    """`operator_counts` are those of the file, `partition_count` the delegate's pieces, and `outside_count` the
    operators that stay with the interpreter."""

    operator_counts: dict[str, int]
    partition_count: int
    outside_count: int


class Node(NamedTuple):
    """The tensors that an operator, or a partition, reads and makes."""

    inputs: frozenset[int]
    outputs: frozenset[int]


def count_delegation(operators: Iterable[Mapping[str, Any]]) -> Delegation:
    """Count partitions and the operators outside them.

    Args:
        operators: the interpreter's list of the file's operators and, after them, one DELEGATE for each partition;
            a mapping for each with "op_name", "inputs" and "outputs" (tensor numbers, negative for none).
    """
    counts: Counter[str] = Counter()
    own = []
    partitions = []
    for operator in operators:
        node = Node(_tensors(operator["inputs"]), _tensors(operator["outputs"]))
        if operator["op_name"] == DELEGATE:
            partitions.append(node)
        else:
            own.append(node)
            counts[operator["op_name"]] += 1
    members = find_members(own, partitions)
    return Delegation(dict(sorted(counts.items())), len(partitions), len(own) - len(members))


def find_members(own: Sequence[Node], partitions: Sequence[Node]) -> dict[int, int]:
    """The partition of each operator that is in one, both by index.

    The interpreter says which tensors enter and leave a partition, not which operators it took. An operator is in a
    partition when
    (a) it makes a tensor that leaves the partition, or
    (b) it makes a tensor that a member reads and that does not enter, or
    (c) it reads a tensor that a member makes and that does not leave, or
    (d) a tensor enters that no member reads, and it is the only reader that is in no partition yet.
    By (c) and (d) operators are found that store a variable and so make no tensor.
    """
    producers = {tensor: index for index, node in enumerate(own) for tensor in node.outputs}
    readers = defaultdict(list)
    for index, node in enumerate(own):
        for tensor in node.inputs:
            readers[tensor].append(index)
    members: dict[int, int] = {}
    pending = [
        (producers[tensor], number)
        for number, partition in enumerate(partitions)
        for tensor in partition.outputs
        if tensor in producers
    ]
    while pending:
        while pending:
            index, number = pending.pop()
            if index in members:
                continue
            members[index] = number
            inside = own[index].inputs - partitions[number].inputs
            pending.extend((producers[tensor], number) for tensor in inside if tensor in producers)
            inside = own[index].outputs - partitions[number].outputs
            pending.extend((reader, number) for tensor in inside for reader in readers[tensor])
        for number, partition in enumerate(partitions):
            for tensor in partition.inputs:
                candidates = [reader for reader in readers[tensor] if members.get(reader, number) == number]
                if len(candidates) == 1 and candidates[0] not in members:
                    pending.append((candidates[0], number))
    return members


def _tensors(numbers: Iterable[Any]) -> frozenset[int]:
    return frozenset(int(number) for number in numbers if number >= 0)
