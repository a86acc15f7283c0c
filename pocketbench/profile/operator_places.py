"""Where in the network an operator came from, by the names that exporters leave in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Ours are known by the package of their class; others' by the attribute's usual name.
ATTENTION_MODULES = ("pocketbench.blocks.attention.", "pocketbench.blocks.lowering.")
ATTENTION_NAMES = frozenset(
    {"attention", "attn", "att", "se", "ca", "cbam", "eca", "ema", "bam", "simam", "scse", "gct"}
)
CONTAINERS = "torch.nn.modules.container."
LAYERS = "torch.nn.modules."
LOCATION_STEP = re.compile(r"(?P<module>[\w.]+\._*[A-Za-z0-9]+)_(?P<name>\w+)")
LOCATION_ROOT = re.compile(r"[\w.]+\.\w+")


class Step(NamedTuple):
    """One step from the network down to an operator: an attribute and its class, None where the file does not say."""

    name: str
    module: str | None


def parse_location(text: str) -> tuple[Step, ...]:
    """The steps in the name of a TFLite tensor that litert-torch wrote: "net.Net/torch.nn.Conv2d_conv;1".

    Of several places, joined by ";;" where operators were fused, the first is that of the result. A name by another
    converter gives the parts between its slashes, without the last, the operator.
    """
    first = text.split(";")[0]
    root, *rest = first.split("/")
    steps = [LOCATION_STEP.fullmatch(part) for part in rest]
    if LOCATION_ROOT.fullmatch(root) and all(steps):
        return tuple(Step(match["name"], match["module"]) for match in steps if match is not None)
    return tuple(Step(part, None) for part in [root, *rest][:-1] if part)


def parse_namespace(text: str) -> tuple[Step, ...]:
    """The steps in the "namespace" that torch's exporter gives a node: ": net.Net/conv: torch.nn.Conv2d/name: aten.x".

    Each part is a whole path and its class; the first is the network and the last the operator.
    """
    found = []
    previous = ""
    for part in text.split("/")[1:-1]:
        path, separator, module = part.partition(": ")
        if not separator:
            return ()
        own = path.removeprefix(previous + ".") if previous else path
        *containers, name = own.split(".")
        found += [Step(step, None) for step in containers] + [Step(name, module)]
        previous = path
    return tuple(found)


def parse_node_name(text: str) -> tuple[Step, ...]:
    """The steps in a name by torch's older exporter: "/features/features.3/conv/Conv"."""
    if not text.startswith("/"):
        return ()
    found = []
    previous = ""
    for part in text.split("/")[1:-1]:
        name = part.removeprefix(previous + ".") if previous else part
        found += [Step(step, None) for step in name.split(".")]
        previous = part
    return tuple(found)


def join_steps(steps: Iterable[Step]) -> str:
    """The path as torch writes it: features.3.conv.0"""
    return ".".join(step.name for step in steps)


def find_block(steps: tuple[Step, ...]) -> str:
    """The path of the part of the network that a person would name: "features.3.conv.6" for all of an attention block
    in it, else "features.3"; "" for the network itself.

    That is up to the first attention block; else up to the first number and the numbers right after it (a layer of a
    sequence counts for the sequence); else the first step, or all of them where no classes are known.
    """
    for index, step in enumerate(steps):
        if (step.module or "").startswith(ATTENTION_MODULES) or step.name.lower() in ATTENTION_NAMES:
            return join_steps(steps[: index + 1])
    if len(steps) > 1 and is_layer(steps[-1]):
        steps = steps[:-1]
    for index, step in enumerate(steps):
        if step.name.isdigit():
            end = index + 1
            while end < len(steps) and steps[end].name.isdigit():
                end += 1
            return join_steps(steps[:end])
    return join_steps(steps[:1] if any(step.module for step in steps) else steps)


def name_places(origins: Sequence[tuple[Step, ...] | None]) -> list[tuple[str, str]]:
    """The path and the block of each operator from its steps, in the order of execution.

    One that has no place of its own, since an optimiser made it, is of the block that those before and after it are of.
    """
    blocks = [find_block(steps) if steps else None for steps in origins]
    before, after = carry(blocks), carry(blocks[::-1])[::-1]
    return [
        (join_steps(steps or ()), before[index] or "" if before[index] == after[index] else "")
        for index, steps in enumerate(origins)
    ]


def carry(blocks: Sequence[str | None]) -> list[str | None]:
    """The list with each None replaced by the last block before it."""
    found: list[str | None] = []
    for block in blocks:
        found.append(block if block is not None or not found else found[-1])
    return found


def is_layer(step: Step) -> bool:
    """Whether it is one of torch's own layers (and no container of others)."""
    module = step.module or ""
    return module.startswith(LAYERS) and not module.startswith(CONTAINERS)
