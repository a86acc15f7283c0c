"""Which modules of a network are replaced by what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from pocketbench.blocks.rewriting.comparison import find_equal
from pocketbench.blocks.rewriting.families import find_own_blocks, propose_blocks
from pocketbench.blocks.rewriting.observation import Observed
from pocketbench.blocks.rewriting.obstacles import Sharing, find_hook, find_obstacle
from pocketbench.blocks.rewriting.pooling import fix_pool, is_adaptive_pool
from pocketbench.blocks.rewriting.report import Change, Left
from pocketbench.blocks.rewriting.suspicion import suspect


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A replacement; `build` makes it from the module at the change's path, in any copy of the network."""

    change: Change
    build: Callable[[nn.Module], nn.Module]


def apply_steps(model: nn.Module, steps: Sequence[Step]) -> nn.Module:
    """Replace in place; what is returned is another module where the network itself is replaced."""
    for step in steps:
        path = step.change.path
        replacement = step.build(model.get_submodule(path)).eval()
        if not path:
            return replacement
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, replacement)
    return model


def choose_steps(model: nn.Module, observed: dict[str, Observed]) -> tuple[list[Step], list[Left]]:
    """The replacements, and what looks like attention or a pool and stays.

    Args:
        observed: the calls of a run of `model`.
    """
    sharing = Sharing(model)
    steps: list[Step] = []
    left: list[Left] = []
    doubtful: list[Left] = []
    settled = find_own_blocks(model)
    for path, module in model.named_modules():
        seen = observed.get(path)
        if seen is None or any(_is_inside(path, other) for other in settled):
            continue
        step = doubt = None
        if is_adaptive_pool(module):
            step, doubt = _choose_pool(path, module, seen)
        elif _is_candidate(module, seen):
            step, doubt = _choose_block(path, module, seen)
        if step is not None:
            obstacle = find_obstacle(path, module, seen.sizes, sharing)
            settled.append(path)
            if obstacle is None:
                steps.append(step)
            else:
                left.append(Left(path=path, found=name_class(module), reason=f"{step.change.became}, but {obstacle}"))
        elif doubt is not None or (doubt := _doubt(module, seen)) is not None:
            doubtful.append(Left(path=path, found=name_class(module), reason=doubt))
    named = [path for path in settled if not is_adaptive_pool(model.get_submodule(path))]
    named += [one.path for one in doubtful]
    left += [one for one in doubtful if not any(_is_inside(path, one.path) and path != one.path for path in named)]
    return steps, left


def name_class(module: nn.Module) -> str:
    """Its class, with the module that defines it unless that is torch's."""
    kind = type(module)
    return kind.__qualname__ if kind.__module__.startswith("torch.nn.") else f"{kind.__module__}.{kind.__qualname__}"


def _is_inside(path: str, outer: str) -> bool:
    return not outer or path == outer or path.startswith(f"{outer}.")


def _is_candidate(module: nn.Module, seen: Observed) -> bool:
    if not seen.keeps_shape or not seen.shapes:
        return False
    channels, *size = min(seen.shapes)
    return next(propose_blocks(module, channels, (size[0], size[1])), None) is not None


def _choose_pool(path: str, module: nn.Module, seen: Observed) -> tuple[Step | None, str | None]:
    if not seen.shapes:
        return None, "its input is no map (N, C, H, W)"
    size = min(seen.sizes)

    def build(pool: nn.Module) -> nn.Module:
        fixed = fix_pool(pool, size)
        assert fixed is not None
        return fixed

    if fix_pool(module, size) is None:
        return None, f"the windows of this pool of a {size[0]}x{size[1]} map differ in size"
    change = Change(
        path=path,
        found=name_class(module),
        became=f"a fixed pool of {size[0]}x{size[1]}",
        why="a window known at export",
    )
    return Step(change=change, build=build), None


def _choose_block(path: str, module: nn.Module, seen: Observed) -> tuple[Step | None, str | None]:
    channels, height, width = min(seen.shapes)
    size = (height, width)
    equal = find_equal(module, channels, size)
    if equal is not None:
        index, family = equal
        change = Change(path=path, found=name_class(module), became=family.name, why=family.gain)
        return Step(change=change, build=_build_proposal(channels, size, index)), None
    if suspect(module, scales_input=seen.scales_input) is None:
        return None, None
    names = dict.fromkeys(family.name for family, _ in propose_blocks(module, channels, size))
    hooks = [f" (its part {name} has a {hook})" for name, part in module.named_modules() if (hook := find_hook(part))]
    return None, f"holds the layers of {' or '.join(names)} and computes something else{''.join(hooks[:1])}"


def _build_proposal(channels: int, size: tuple[int, int], index: int) -> Callable[[nn.Module], nn.Module]:
    def build(module: nn.Module) -> nn.Module:
        _, block = next(itertools.islice(propose_blocks(module, channels, size), index, None))
        return block

    return build


def _doubt(module: nn.Module, seen: Observed) -> str | None:
    clue = suspect(module, scales_input=seen.scales_input) if seen.keeps_shape else None
    return None if clue is None else f"may be attention ({clue}) of a form that is not known here"
