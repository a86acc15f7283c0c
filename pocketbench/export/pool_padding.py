"""Pad what a max-pool pools with zeros where nothing is below zero.

torch pads a max-pool with minus infinity. litert-torch writes that as a PADV2, which XNNPACK leaves outside: a ResNet
falls into two partitions. Behind a ReLU a zero never wins against what it stands beside, and PAD with zeros is taken.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node

aten = torch.ops.aten
MAX_POOL = aten.max_pool2d.default
RELUS = frozenset({aten.relu.default, aten.relu_.default, aten.relu6.default, aten.relu6_.default})
SIGMOIDS = frozenset({aten.sigmoid.default, aten.hardsigmoid.default})
CLAMPS = frozenset({aten.hardtanh.default, aten.hardtanh_.default, aten.clamp.default})

POOL_DEFAULTS: tuple[Any, ...] = ([], 0, 1, False)
"""Of stride, padding, dilation and ceil_mode: the exported graph leaves out those at its end."""


def pad_pools_with_zeros(graph_module: GraphModule) -> int:
    """Split each padded max-pool of values that are never negative into a pad of zeros and a pool without padding.

    Returns: how many were split.
    """
    split = 0
    for pool in list(graph_module.graph.nodes):
        if pool.op == "call_function" and pool.target == MAX_POOL and _pad_with_zeros(graph_module, pool):
            split += 1
    graph_module.recompile()
    return split


def _pad_with_zeros(graph_module: GraphModule, pool: Node) -> bool:
    source, kernel = pool.args[:2]
    rest: tuple[Any, ...] = pool.args[2:]
    stride, padding, dilation, ceil_mode = (*rest, *POOL_DEFAULTS[len(rest) :])
    height, width = _as_pair(padding)
    if (height, width) == (0, 0) or ceil_mode or not isinstance(source, Node) or not _is_never_negative(source):
        return False
    with graph_module.graph.inserting_before(pool):
        padded = graph_module.graph.call_function(
            aten.constant_pad_nd.default, (source, [width, width, height, height], 0.0)
        )
    pool.args = (padded, kernel, stride, [0, 0], dilation)
    return True


def _as_pair(value: object) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    assert isinstance(value, (list, tuple))
    return value[0], value[-1]


def _is_never_negative(node: Node) -> bool:
    if node.target in RELUS or node.target in SIGMOIDS:
        return True
    low = node.args[1] if node.target in CLAMPS and len(node.args) > 1 else None
    return isinstance(low, (int, float)) and low >= 0
