from __future__ import annotations

from typing import Any

import pytest

from pocketbench.core.errors import UnknownNameError, UsageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.plans import check_plan


@pytest.mark.parametrize(
    "plan",
    [
        {"thread_count": 0},
        {"thread_count": None},
        {"session_count": 0},
        {"round_count": 0},
        {"burst_count": 0},
        {"warmup_count": -1},
        {"settle_count": -1},
        {"cooldown_s": -1.0},
        {"burst_count": 3, "settle_count": 3},
        {"timeout_s": 0.0},
        {"timeout_s": float("nan")},
        {"core_mask": 0},
        {"delegate": "gpu"},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_name(plan: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(plan))):
        check_plan(RunPlan(engine="onnxruntime", **plan))


def test_an_unknown_engine_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'onnxruntime'"):
        check_plan(RunPlan(engine="onnxruntim"))


def test_the_default_plan_is_fine() -> None:
    check_plan(RunPlan(engine="litert", warmup_count=0, settle_count=0, core_mask=1))
