"""What a rewriting changed, what it left, and how it was checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A module that was replaced, or whose functions are; `path` is "" for the network itself."""

    path: str
    found: str
    became: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A module that stays as it is although it looks like attention or a pool, and the reason."""

    path: str
    found: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The largest difference between the two networks' outputs, relative to what the inputs change in them.

    `float64_error` is None for a network that does not run in float64. `input_count` counts the inputs of each
    comparison; the weights are the user's own, and drawn at random.
    """

    float64_error: float | None
    float32_error: float
    input_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSwap:
    """Gates that were exchanged on request: this changes the function.

    `output_difference` is relative to the outputs' root mean square, with the user's own weights on random inputs.
    """

    gate: str
    paths: tuple[str, ...]
    output_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteReport:
    """`swap` is None when nobody asked for other gates."""

    changes: tuple[Change, ...]
    left: tuple[Left, ...]
    proof: Proof
    swap: GateSwap | None = None

    def lines(self) -> list[str]:
        """The report as text, a line each."""
        lines = [f"replaced  {_place(one.path)}: {one.found} -> {one.became} ({one.why})" for one in self.changes]
        lines += [f"left      {_place(left.path)}: {left.found}: {left.reason}" for left in self.left]
        if not self.changes:
            lines.append("nothing was replaced")
        else:
            lines.append(_describe_proof(self.proof))
        if self.swap is not None:
            lines.append(_describe_swap(self.swap))
        return lines


def _place(path: str) -> str:
    return path or "(the network)"


def _describe_proof(proof: Proof) -> str:
    errors = f"{proof.float32_error:.1e} in float32"
    if proof.float64_error is None:
        errors += " (it does not run in float64)"
    else:
        errors = f"{proof.float64_error:.1e} in float64, {errors}"
    return f"same outputs on {proof.input_count} inputs, own and random weights: largest relative error {errors}"


def _describe_swap(swap: GateSwap) -> str:
    if not swap.paths:
        return f"no gate to exchange for {swap.gate} was found"
    return (
        f"changes the function: {len(swap.paths)} gates are {swap.gate} now; "
        f"outputs differ by up to {swap.output_difference:.1e} of their size"
    )
