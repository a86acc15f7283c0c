"""What delegates took of a graph, from the lines that TFLite logs when it hands nodes to one.

Source: Subgraph::ReplaceNodeSubsetsWithDelegateKernels in tflite/core/subgraph.cc.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.core.records import DelegateCoverage
from pocketbench.profile.parsers.output_fault import make_fault, parse_count

TOLD = re.compile(
    r"Replacing (?P<taken>\d{1,12})(?: out of (?P<total>\d{1,12}))? node\(s\) with delegate \((?P<name>[^()]{1,120})\) "
    r"node(?:, yielding (?P<partitions>\d{1,12}) partitions(?: for (?:the whole graph|subgraph (?P<subgraph>\d{1,6})))?"
    r".{0,400})?\.?"
)


def parse_coverage(lines: Sequence[str], time_fraction: float | None) -> DelegateCoverage | None:
    """All delegates of all subgraphs together; None where nothing is told, or an old build names no total.

    A second delegate of a subgraph adds to the first. The same one told again is a graph that was planned anew, for
    other input shapes: the last plan counts.

    Args:
        time_fraction: the delegates' share of the time, where operator times are known.

    Raises: OutputFault.
    """
    plans: dict[str, dict[str, tuple[int, int, int | None]]] = {}
    for line in lines:
        if not (line.startswith("Replacing ") and "with delegate" in line):
            continue
        match = TOLD.fullmatch(line.strip())
        if match is None:
            raise make_fault("the line about a delegate is not understood", line)
        if match["total"] is None:
            return None
        taken, total = parse_count(match["taken"], line, at_least=0), parse_count(match["total"], line)
        if taken > total:
            raise make_fault("a delegate took more nodes than there are", line)
        partitions = match["partitions"] and parse_count(match["partitions"], line, at_least=0)
        plans.setdefault(match["subgraph"] or "0", {})[match["name"]] = (taken, total, partitions or None)
    if not plans:
        return None
    # the first delegate of a subgraph sees all its nodes, a later one what is left and the first one's partitions
    node_count = sum(next(iter(plan.values()))[1] for plan in plans.values())
    found = [told for plan in plans.values() for told in plan.values()]
    taken_count = sum(taken for taken, _, _ in found)
    if taken_count > node_count:
        raise make_fault(f"delegates took {taken_count} of {node_count} nodes")
    counts = [partitions if taken else 0 for taken, _, partitions in found]
    known = [count for count in counts if count is not None]
    return DelegateCoverage(
        delegate=" + ".join(dict.fromkeys(name for plan in plans.values() for name in plan)),
        node_count=node_count,
        delegated_node_count=taken_count,
        partition_count=sum(known) if len(known) == len(counts) else None,
        time_fraction=time_fraction,
    )
