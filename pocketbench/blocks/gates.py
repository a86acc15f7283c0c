"""Gates: the last function of an attention block, which turns scores into factors between 0 and 1.

    sigmoid        1 / (1 + exp(-x))
    hard_sigmoid   min(max(x + 3, 0), 6) / 6

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244, section 5.2. The hard-swish of the same
section is torch.nn.Hardswish: ONNX and LiteRT have an operator for it.
"""

from __future__ import annotations

from torch import nn

from pocketbench.core.errors import UnknownNameError

MODULES: dict[str, type[nn.Module]] = {"hard_sigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid}


def make_gate(name: str) -> nn.Module:
    """The gate called `name`.

    Raises:
        UnknownNameError: when there is no such gate.
    """
    if name not in MODULES:
        raise UnknownNameError("gate", str(name), MODULES)
    return MODULES[name]()
