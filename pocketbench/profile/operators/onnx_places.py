"""Which place of the network each node of onnxruntime's optimised graph came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pocketbench.profile.operators.places import (
    Part,
    Place,
    Step,
    find_part,
    name_places,
    parse_namespace,
    parse_node_name,
)

BLOCKED_SUFFIX = "_nchwc"


def find_onnx_places(names: Sequence[str], path: Path, optimised: Path) -> list[Place] | None:
    """The place of each operator that was timed.

    A fused node makes the last tensor of what it stands for and counts for the place that made it; so do several nodes
    that stand for one, of which the last makes that tensor. A reordering of the layout counts for the place that made
    what it reorders.

    Args:
        names: nodes of the optimised graph.
        path: the file.
        optimised: the graph that onnxruntime wrote; need not exist.

    Returns:
        None when the file names no places.
    """
    steps_of_node, steps_of_tensor = read_steps(path)
    if not any(steps_of_tensor.values()):
        return None
    nodes = read_nodes(optimised)
    for node in nodes:
        name = node.name.removesuffix(BLOCKED_SUFFIX)
        tensors = [name, *node.output, *node.input[:1]] if node.op_type.startswith("Reorder") else [*node.output, name]
        found = [steps_of_tensor[tensor] for tensor in tensors if tensor in steps_of_tensor]
        if node.name not in steps_of_node and found:
            steps_of_node[node.name] = found[0]
    steps = [
        steps_of_node.get(name, ()) or steps_of_tensor.get(name.removesuffix(BLOCKED_SUFFIX), ()) for name in names
    ]
    likely = find_likely_parts(nodes, steps_of_node)
    return name_places(steps, [likely.get(name) for name in names])


def find_likely_parts(nodes: Sequence[Any], steps_of_node: Mapping[str, tuple[Step, ...]]) -> dict[str, Part]:
    """For each node of no place, the part that all that use its result are of, where that is one.

    Args:
        nodes: the optimised graph, in an order in which each node comes after those that it uses.
    """
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for tensor in node.input:
            readers.setdefault(tensor, []).append(node.name)
    found: dict[str, Part] = {}
    for node in reversed(nodes):
        users = [name for tensor in node.output for name in readers.get(tensor, ())]
        parts = {find_part(steps_of_node[name]) if steps_of_node.get(name) else found.get(name) for name in users}
        part = parts.pop() if len(parts) == 1 else None
        if part is not None and not steps_of_node.get(node.name):
            found[node.name] = part
    return found


def read_steps(path: Path) -> tuple[dict[str, tuple[Step, ...]], dict[str, tuple[Step, ...]]]:
    """The steps to each node by its name, and to the node that makes each tensor."""
    by_node: dict[str, tuple[Step, ...]] = {}
    by_tensor: dict[str, tuple[Step, ...]] = {}
    for node in read_nodes(path):
        note = next((item.value for item in node.metadata_props if item.key == "namespace"), None)
        steps = parse_node_name(node.name) if note is None else parse_namespace(note)
        by_node[node.name] = steps
        by_tensor.update(dict.fromkeys(node.output, steps))
    return by_node, by_tensor


def read_nodes(path: Path) -> Sequence[Any]:
    """The nodes of an ONNX file; none of a file that is not one, as an .ort file is not."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return list(onnx.load(str(path), load_external_data=False).graph.node)
    except (OSError, DecodeError):
        return []
