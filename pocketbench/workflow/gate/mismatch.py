"""Can a ratio of two files' times mean anything? Not when they take or return different things."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.records import Artifact, TensorFacts
from pocketbench.workflow.gate.operator_checks import show_name


def find_mismatch(base: Artifact, head: Artifact) -> str | None:
    """Why the two can't be compared, in a sentence without a full stop; None when nothing known speaks against it.

    They must agree in format, precision and lowering, and in number, type and sizes of inputs and outputs. What a file
    does not say (somebody else's has no precision, an output may have no shape) is no reason. Names may differ.
    """
    for noun, before, after in (
        ("format", base.format, head.format),
        ("precision", base.precision, head.precision),
        ("lowering", base.lowering, head.lowering),
    ):
        if before is not None and after is not None and before != after:
            return f"base is of {noun} {before}, head of {noun} {after}"
    if base.graph_facts is None or head.graph_facts is None:
        return None
    return _compare_tensors("input", base.graph_facts.inputs, head.graph_facts.inputs) or _compare_tensors(
        "output", base.graph_facts.outputs, head.graph_facts.outputs
    )


def _compare_tensors(noun: str, before: Sequence[TensorFacts], after: Sequence[TensorFacts]) -> str | None:
    if len(before) != len(after):
        return f"base has {_count(len(before), noun)}, head has {_count(len(after), noun)}"
    for old, new in _pair_tensors(before, after):
        if old.dtype != new.dtype:
            return f"{noun} {show_name(old.name)!r} is {old.dtype} in base and {new.dtype} in head"
        if not (_agree_exactly if noun == "input" else _may_agree)(old.shape, new.shape):
            shapes = f"{_show_shape(old.shape)} in base and {_show_shape(new.shape)} in head"
            return f"{noun} {show_name(old.name)!r} is {shapes}"
    return None


def _pair_tensors(
    before: Sequence[TensorFacts], after: Sequence[TensorFacts]
) -> Sequence[tuple[TensorFacts, TensorFacts]]:
    """By name where the names are the same (a converter may order them anew), else by place."""
    by_name = {item.name: item for item in after}
    names = [item.name for item in before]
    if len(set(names)) == len(names) == len(by_name) and by_name.keys() == set(names):
        return [(item, by_name[item.name]) for item in before]
    return list(zip(before, after, strict=True))


def _agree_exactly(before: tuple[int | None, ...], after: tuple[int | None, ...]) -> bool:
    """An open size is another input than a fixed one: runtimes plan their memory by it."""
    return before == after


def _may_agree(before: tuple[int | None, ...], after: tuple[int | None, ...]) -> bool:
    """Outputs follow from inputs: a size, or a whole shape, that one file leaves open contradicts nothing."""
    if not before or not after:
        return True
    return len(before) == len(after) and all(
        old is None or new is None or old == new for old, new in zip(before, after, strict=True)
    )


def _show_shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "a scalar"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
