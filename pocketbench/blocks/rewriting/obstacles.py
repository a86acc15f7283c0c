"""What a replacement would lose: then the module is left alone, and the reason named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

HOOKS = {
    "_forward_pre_hooks": "forward pre-hook",
    "_forward_hooks": "forward hook",
    "_backward_pre_hooks": "backward hook",
    "_backward_hooks": "backward hook",
}


class Sharing:
    """Where a network uses each module and each parameter."""

    def __init__(self, model: nn.Module) -> None:
        self.modules: dict[int, list[str]] = defaultdict(list)
        self.parameters: dict[int, list[str]] = defaultdict(list)
        for path, module in model.named_modules(remove_duplicate=False):
            self.modules[id(module)].append(path)
        for path, parameter in model.named_parameters(remove_duplicate=False):
            self.parameters[id(parameter)].append(path)

    def find_elsewhere(self, path: str, module: nn.Module) -> str | None:
        """What `module`, at `path`, shares with a place outside of it; parts without weights don't count."""
        prefix = f"{path}." if path else ""
        other = _first_outside(self.modules[id(module)], path, prefix)
        if other is not None:
            return f"it is the same module as {other}"
        for parameter in module.parameters():
            other = _first_outside(self.parameters[id(parameter)], path, prefix)
            if other is not None:
                return f"it shares a weight with {other}"
        return None


def _first_outside(paths: Iterable[str], path: str, prefix: str) -> str | None:
    return next((other for other in paths if other != path and not other.startswith(prefix)), None)


def find_obstacle(path: str, module: nn.Module, sizes: set[tuple[int, int]], sharing: Sharing) -> str | None:
    """Why `module` must stay as it is; None when it may be replaced.

    Args:
        sizes: every (H, W) of the maps it is called with.
    """
    if len(sizes) > 1:
        seen = ", ".join(f"{height}x{width}" for height, width in sorted(sizes))
        return f"it runs at several map sizes ({seen}); a block with fixed pools has one"
    for name, part in module.named_modules():
        where = f"its part {name}" if name else "it"
        hook = find_hook(part)
        if hook is not None:
            return f"{where} has a {hook}, which the replacement would lose"
        if is_parametrized(part):
            return f"{where} has a parametrised weight, which the replacement would lose"
    return sharing.find_elsewhere(path, module)


def find_hook(module: nn.Module) -> str | None:
    """The kind of a hook that `module` has."""
    return next((kind for attribute, kind in HOOKS.items() if getattr(module, attribute)), None)
