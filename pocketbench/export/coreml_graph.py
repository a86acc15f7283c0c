"""What stands in an ML program: operators, weights, MACs, inputs and outputs. Needs coremltools alone."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.records import GraphFacts, TensorFacts
from pocketbench.export.mil.counts import LAYOUT_OPERATORS, count_macs, count_operators, count_weights
from pocketbench.export.mil.element_types import NamedTensor
from pocketbench.export.mil.program import read_program


def read_graph_facts(path: Path) -> GraphFacts:
    """Operators, weights and multiply-accumulates of the saved program, from the package alone.

    Raises: FileFault when the path holds no ML program.
    """
    program = read_program(path)
    counts = count_operators(program)
    inputs, outputs = (tuple(map(_describe_tensor, items)) for items in (program.inputs, program.outputs))
    dynamic = any(size is None for item in (*inputs, *outputs) for size in item.shape)
    return GraphFacts(
        parameter_count=count_weights(program),
        mac_count=count_macs(program),
        operator_counts=counts,
        layout_operator_count=sum(count for name, count in counts.items() if name in LAYOUT_OPERATORS),
        partition_count=None,
        outside_delegate_count=None,
        dynamic_shapes=dynamic,
        inputs=inputs,
        outputs=outputs,
    )


def _describe_tensor(item: NamedTensor) -> TensorFacts:
    if item.type is None:
        return TensorFacts(name=item.name, dtype="other", shape=())
    return TensorFacts(name=item.name, dtype=item.type.element.public, shape=item.type.shape)
