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
# Our forms of blocks hold, under these names, the convolution that follows the block: it is the network's, not theirs.
FORMS = "pocketbench.blocks.lowering."
PROJECTION_NAMES = frozenset({"project", "projection"})
CONTAINERS = "torch.nn.modules.container."
LAYERS = "torch.nn.modules."
LOCATION_STEP = re.compile(r"(?P<module>[\w.]+\._*[A-Za-z0-9]+)_(?P<name>\w+)")
LOCATION_ROOT = re.compile(r"[\w.]+\.\w+")


class Step(NamedTuple):
    """One step from the network down to an operator: an attribute and its class, None where the file does not say."""

    name: str
    module: str | None


class Part(NamedTuple):
    """The path of a part of the network, and whether it is an attention block."""

    block: str
    is_attention: bool


class Place(NamedTuple):
    """Where an operator came from: the path to its module, and the part of the network. "" for what is not known.

    `graph_operator` is the file's operator that it stands for, None where only the runtime's own name is known.
    """

    path: str
    block: str
    is_attention: bool
    graph_operator: str | None = None


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


def find_part(steps: tuple[Step, ...]) -> Part:
    """The part of the network that a person would name: "features.3.conv.6" for all of an attention block in it, else
    "features.3"; "" for the network itself.

    That is up to the first attention block; else up to the first number and the numbers right after it (a layer of a
    sequence counts for the sequence); else the first step, or all of them where no classes are known.
    """
    for index, step in enumerate(steps):
        module = step.module or ""
        if module.startswith(FORMS) and any(inner.name in PROJECTION_NAMES for inner in steps[index + 1 :]):
            steps = steps[:index]
            break
        if module.startswith(ATTENTION_MODULES) or step.name.lower() in ATTENTION_NAMES:
            return Part(join_steps(steps[: index + 1]), True)
    if len(steps) > 1 and is_layer(steps[-1]):
        steps = steps[:-1]
    for index, step in enumerate(steps):
        if step.name.isdigit():
            end = index + 1
            while end < len(steps) and steps[end].name.isdigit():
                end += 1
            return Part(join_steps(steps[:end]), False)
    return Part(join_steps(steps[:1] if any(step.module for step in steps) else steps), False)


def name_places(origins: Sequence[tuple[Step, ...] | None], likely: Sequence[Part | None] = ()) -> list[Place]:
    """The place of each operator from its steps, in the order of execution.

    One that has no place of its own, since an optimiser made it, is of its likely part, else of the part that those
    before and after it are of.

    Args:
        likely: the part of each operator that has no steps, where something tells it.
    """
    hints = likely or [None] * len(origins)
    parts = [find_part(steps) if steps else hint for steps, hint in zip(origins, hints, strict=True)]
    before, after = carry(parts), carry(parts[::-1])[::-1]
    places = []
    for steps, last, following in zip(origins, before, after, strict=True):
        part = last if last is not None and last == following else Part("", False)
        places.append(Place(join_steps(steps or ()), part.block, part.is_attention))
    return places


def carry(parts: Sequence[Part | None]) -> list[Part | None]:
    """The list with each None replaced by the last part before it."""
    found: list[Part | None] = []
    for part in parts:
        found.append(part if part is not None or not found else found[-1])
    return found


def is_layer(step: Step) -> bool:
    """Whether it is one of torch's own layers (and no container of others)."""
    module = step.module or ""
    return module.startswith(LAYERS) and not module.startswith(CONTAINERS)
