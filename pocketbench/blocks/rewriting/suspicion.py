"""Which modules look like attention although no family fits them: a guess, so that none is passed over in silence."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pocketbench.blocks.rewriting.functions import PRODUCTS, PRODUCTS_IN_PLACE, Function

NAME = re.compile(
    r"Attention|Attn(?![a-z])|Excit|CBAM|Cbam|Coord(?:inate)?A|SimAM|GlobalContext|SelectiveKernel|SplitAt"
    r"|(?:^|_|[a-z])(?:SE|ECA|ESE|Eca|Se|CA)(?=Module|Layer|Block|Unit|$)"
)


class Products(TorchFunctionMode):
    """While entered, remembers the factors of each product."""

    def __init__(self) -> None:
        super().__init__()
        self.factors: dict[int, tuple[Tensor, tuple[Any, ...]]] = {}

    def __torch_function__(
        self, func: Function, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if (func in PRODUCTS or func in PRODUCTS_IN_PLACE) and isinstance(result, Tensor):
            self.factors[id(result)] = (result, args)
        return result

    def scales(self, given: Tensor, result: Tensor) -> bool:
        """Whether `result` is `given` times something that was computed."""
        product, factors = self.factors.get(id(result), (None, ()))
        others = [factor for factor in factors if factor is not given]
        return product is result and len(others) == 1 and _is_computed(others[0])


def _is_computed(factor: Any) -> bool:
    """A tensor that is neither a parameter nor a view of one, as in LayerScale."""
    return isinstance(factor, Tensor) and not any(isinstance(one, nn.Parameter) for one in (factor, factor._base))


def suspect(module: nn.Module, *, scales_input: bool) -> str | None:
    """Why `module`, whose output has its input's shape, may be attention; None when nothing speaks for it."""
    if NAME.search(type(module).__name__):
        return "its class is called so"
    if scales_input and next(module.parameters(), None) is not None:
        return "it scales its input by what it computes"
    return None
