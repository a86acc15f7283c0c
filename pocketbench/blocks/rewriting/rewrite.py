"""Any network's attention, written so that it exports well: the same function with the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pocketbench.blocks.randomness import seeded_randomness
from pocketbench.blocks.rewriting.functions import FriendlyNetwork
from pocketbench.blocks.rewriting.gates import check_swap, swap_sigmoids
from pocketbench.blocks.rewriting.observation import find_function_changes, observe_calls
from pocketbench.blocks.rewriting.proof import check_outputs, largest_error, run_all, tolerance_of
from pocketbench.blocks.rewriting.report import Change, GateSwap, Left, Proof, RewriteReport
from pocketbench.blocks.rewriting.steps import Step, apply_steps, choose_steps, name_class
from pocketbench.blocks.rewriting.variants import Variant, is_within_tolerance, make_variants
from pocketbench.core.errors import ModelFault, ParityError, UsageError

SEED = 0

Rewrite = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The rewritten copy of a network, in evaluation mode, and what was done."""

    model: nn.Module
    report: RewriteReport


def make_export_friendly(model: nn.Module, example_input: Tensor, *, swap_gates: str | None = None) -> Rewritten:
    """A copy of `model` with its attention, its adaptive pools and functions that export badly replaced.

    What is returned computes what `model` computes in evaluation mode: compared on the example and on random inputs,
    with the weights as they are and with random ones, in float64 and in float32. `model` stays as it is. The copy is
    for export: it takes inputs of the example's size alone.

    Args:
        example_input: float32, of the shape that will be exported.
        swap_gates: "hard_sigmoid" exchanges the sigmoid gates of the replaced blocks and of the catalogue's own, after
            the comparison: this changes the function, and the report says by how much.

    Raises:
        UsageError: when `model` is no network, the example no float32 tensor, or there is no such gate.
        ModelFault: when the network can't be copied, fails on the example, or gives another output in a second run.
        ParityError: when the rewritten network computes something else; nothing is returned then.
    """
    check_arguments(model, example_input)
    check_swap(swap_gates)
    with seeded_randomness(SEED):
        original = copy_network(model)
        observed = observe_calls(original, example_input)
        check_repeatable(original, example_input)
        variants = make_variants(original, example_input, torch.Generator().manual_seed(SEED))
        steps, left = choose_steps(original, observed)
        steps, refused = refuse_culprits(variants, steps)
        functions, untouched = choose_functions(original, example_input, variants, steps)
        rewrite = partial(rewrite_network, steps=steps, friendly=bool(functions))
        proof = prove(variants, rewrite)
        rewritten = rewrite(original)
        swap = None
        if swap_gates is not None:
            swap = swap_and_measure(rewritten, swap_gates, variants[-1].inputs)
    report = RewriteReport(
        changes=(*(step.change for step in steps), *functions),
        left=(*left, *refused, *untouched),
        proof=proof,
        swap=swap,
    )
    return Rewritten(model=rewritten, report=report)


def rewrite_network(network: nn.Module, steps: Sequence[Step], *, friendly: bool) -> nn.Module:
    """`network`, changed in place, or what stands in its place."""
    replaced = apply_steps(network, steps)
    return FriendlyNetwork(replaced).eval() if friendly else replaced


def refuse_culprits(variants: Sequence[Variant], steps: list[Step]) -> tuple[list[Step], list[Left]]:
    """Take out the replacements with which the whole network computes something else.

    Each was compared alone; what remains is a network that reaches into a module, or relies on its side effects.
    """
    if is_within_tolerance(variants, partial(rewrite_network, steps=steps, friendly=False)):
        return steps, []
    sound = [
        step for step in steps if is_within_tolerance(variants, partial(rewrite_network, steps=[step], friendly=False))
    ]
    reason = "the network uses more of it than what it returns: with the replacement its output is another"
    refused = [
        Left(path=step.change.path, found=step.change.found, reason=reason) for step in steps if step not in sound
    ]
    return sound, refused


def choose_functions(
    original: nn.Module, example: Tensor, variants: Sequence[Variant], steps: Sequence[Step]
) -> tuple[list[Change], list[Left]]:
    """What exchanging functions would change once the steps are done; all of it or, should it not hold, none."""
    stepped = apply_steps(copy.deepcopy(original), steps)
    found = find_function_changes(stepped, example)
    names = {path: name_class(stepped.get_submodule(path)) for path in found}
    if not found:
        return [], []
    if is_within_tolerance(variants, partial(rewrite_network, steps=steps, friendly=True)):
        why = "operators with a form in every format"
        return [
            Change(path=path, found=names[path], became=f"itself, with {' and '.join(sorted(whats))}", why=why)
            for path, whats in found.items()
        ], []
    reason = "calls functions that export badly, and computes something else without them"
    return [], [Left(path=path, found=names[path], reason=reason) for path in found]


def prove(variants: Sequence[Variant], rewrite: Rewrite) -> Proof:
    """Raises: ParityError when the rewritten network is off by more than rounding."""
    errors = [(variant.measure_error(rewrite), variant) for variant in variants]
    for error, variant in errors:
        if not error <= tolerance_of(variant.dtype):
            raise ParityError(
                f"the rewritten network is off by {error:.1e} in {variant.dtype}".replace("torch.", ""),
                f"expected at most {tolerance_of(variant.dtype):.0e}; export the network as it is",
            )
    double = [error for error, variant in errors if variant.dtype == torch.float64]
    single = [error for error, variant in errors if variant.dtype == torch.float32]
    return Proof(
        float64_error=max(double, default=None),
        float32_error=max(single),
        input_count=len(variants[0].inputs),
    )


def swap_and_measure(rewritten: nn.Module, gate: str, inputs: Sequence[Tensor]) -> GateSwap:
    """Exchange the gates in place."""
    before = run_all(rewritten, inputs)
    paths = swap_sigmoids(rewritten)
    difference = largest_error(before, run_all(rewritten, inputs), to_spread=False)
    return GateSwap(gate=gate, paths=paths, output_difference=difference)


def check_arguments(model: object, example: object) -> None:
    """Raises: UsageError."""
    if not isinstance(model, nn.Module):
        raise UsageError(f"model is of type {type(model).__name__}", "expected a torch.nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise UsageError("model is compiled by TorchScript", "give the torch.nn.Module that it was made from")
    if any(is_lazy(parameter) or parameter.is_meta for parameter in model.parameters()):
        raise UsageError("model has layers without weights (lazy, or on the meta device)", "give it weights first")
    if not isinstance(example, Tensor):
        raise UsageError(f"example_input is of type {type(example).__name__}", "expected one tensor (N, C, H, W)")
    if example.dtype != torch.float32 or example.device.type != "cpu":
        raise UsageError(
            f"example_input holds {example.dtype} on {example.device}".replace("torch.", ""), "expected float32 on cpu"
        )


def copy_network(model: nn.Module) -> nn.Module:
    """Raises: ModelFault when the network can't be copied."""
    attributes = [value for module in model.modules() for value in vars(module).values()]
    # torch copies no computed tensor; torch.nn.utils.weight_norm keeps one as an attribute
    computed = [value for value in attributes if isinstance(value, Tensor) and not value.is_leaf]
    try:
        return copy.deepcopy(model, {id(value): value.detach().clone() for value in computed}).eval()
    except Exception as error:  # a user's attribute may be anything
        raise ModelFault(
            f"the network can't be copied: {type(error).__name__}: {error}",
            "keep what can't be copied, such as open files, out of its attributes",
        ) from error


def check_repeatable(model: nn.Module, example: Tensor) -> None:
    """Raises: ModelFault when two runs differ: then no comparison can prove anything."""
    first, second = run_all(model, [example]), run_all(model, [example])
    check_outputs(first)
    if largest_error(first, second, to_spread=False) > tolerance_of(torch.float32):
        raise ModelFault(
            "the network gives another output when it runs again on the same input",
            "switch off what it draws at random or remembers in evaluation mode",
        )
