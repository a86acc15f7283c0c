"""What follows a block in a network whose containers do not say it: read off the exported graph."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn
from torch.fx import Node

CONVOLUTION = torch.ops.aten.conv2d.default
BATCH_NORM = torch.ops.aten.batch_norm.default


def find_successors(model: nn.Module, paths: Iterable[str], input_shape: tuple[int, ...]) -> dict[str, tuple[str, ...]]:
    """Path of a module -> the paths of the convolution, and of its BatchNorm, that alone use what the module returns.

    A layer is named only if it is called once and does nothing but its one operator: a BatchNorm with an activation of
    its own is not. Modules that something else follows are left out; so are all, when torch can't export the network.
    """
    nodes = _capture(model, input_shape)
    own: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        own[_innermost(node)].append(node)
    found = {}
    for path in paths:
        inside = [node for node in nodes if any(is_within(place, path) for place in _module_paths(node))]
        layers = _follow(inside, own)
        if layers:
            found[path] = layers
    return found


def is_within(place: str, path: str) -> bool:
    return place == path or place.startswith(f"{path}.")


def _capture(model: nn.Module, input_shape: tuple[int, ...]) -> list[Node]:
    example = torch.zeros(input_shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = torch.export.export(model, (example,), strict=False).module()
    except Exception:  # noqa: BLE001 (the export of the file says why)
        return []
    assert isinstance(module, torch.fx.GraphModule)
    return [node for node in module.graph.nodes if node.op == "call_function"]


def _module_paths(node: Node) -> list[str]:
    return [path for path, _ in node.meta.get("nn_module_stack", {}).values()]


def _innermost(node: Node) -> str:
    return (_module_paths(node) or [""])[-1]


def _follow(inside: list[Node], own: dict[str, list[Node]]) -> tuple[str, ...]:
    """The paths of the convolution and the BatchNorm behind the nodes of a module."""
    members = set(inside)
    leaving = [node for node in inside if any(user not in members for user in node.users)]
    convolution = _only_user(leaving[0]) if len(leaving) == 1 else None
    if convolution is None or not _is_alone(convolution, CONVOLUTION, own) or convolution.args[0] is not leaving[0]:
        return ()
    norm = _only_user(convolution)
    if norm is not None and _is_alone(norm, BATCH_NORM, own):
        return _innermost(convolution), _innermost(norm)
    return (_innermost(convolution),)


def _only_user(node: Node) -> Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_alone(node: Node, target: object, own: dict[str, list[Node]]) -> bool:
    """Whether the node is of the kind, and all that its module does."""
    return node.target == target and own[_innermost(node)] == [node]
