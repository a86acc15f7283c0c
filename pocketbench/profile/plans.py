"""Whether a plan can be carried out on this machine."""

from __future__ import annotations

from pocketbench.core.errors import UsageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.catalog import ENGINES, chooses_threads, engine_delegates


def check_plan(plan: RunPlan) -> None:
    """Raises: UsageError for an engine that does not exist, or for numbers that make no sense whatever the model."""
    ENGINES.entry(plan.engine)
    delegates = engine_delegates(plan.engine)
    if plan.delegate is not None and plan.delegate not in delegates:
        raise UsageError(
            f"engine {plan.engine!r} has no delegate {plan.delegate!r} to choose",
            f"choose {', '.join(delegates)}, or leave the delegate out" if delegates else "leave the delegate out",
        )
    numbers = ["session_count", "round_count", "burst_count"]
    if plan.thread_count is not None or not chooses_threads(plan.engine):
        numbers.append("thread_count")
    for name in numbers:
        if (getattr(plan, name) or 0) < 1:
            raise UsageError(f"{name} is {getattr(plan, name)}", "it is 1 or more")
    for name in ("warmup_count", "settle_count", "cooldown_s"):
        if getattr(plan, name) < 0:
            raise UsageError(f"{name} is {getattr(plan, name)}", "it is 0 or more")
    if plan.settle_count >= plan.burst_count:
        raise UsageError(
            f"settle_count is {plan.settle_count} and burst_count {plan.burst_count}: no sample would be summarised",
            "make the bursts longer than what is dropped of them",
        )
    if not plan.timeout_s > 0:
        raise UsageError(f"timeout_s is {plan.timeout_s}", "it is above 0")
    if plan.core_mask is not None and plan.core_mask < 1:
        raise UsageError(f"core_mask is {plan.core_mask}", "it has a bit for each core to run on: 3 for the first two")
