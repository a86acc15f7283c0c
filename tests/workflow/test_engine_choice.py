"""Which engine a board gets for a file, and which refusal a user reads."""

from __future__ import annotations

from typing import Any

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.records import Device, RunPlan
from pocketbench.workflow.engine_choice import fit_first_engine

BOARD = Device(
    device_id="ssh-1",
    transport="ssh",
    model="Pi",
    soc=None,
    os_version=None,
    abi="aarch64",
    core_count=2,
    memory_bytes=None,
)


class Refusing:
    """A board that has LiteRT and too few cores; what it says of engines that it has not is as the real one's."""

    def fit_plan(self, plan: RunPlan, *_: object) -> RunPlan:
        if plan.engine == "litert":
            raise UsageError("3 threads are wanted, and pi has 2 cores", "ask for 2 or fewer")
        raise UsageError(f"pi has no {plan.engine}: it does not run on boards", "choose another --engine")


def test_a_boards_refusal_is_of_an_engine_of_boards() -> None:
    runner: Any = Refusing()
    with pytest.raises(UsageError, match=r"3 threads are wanted, and pi has 2 cores \(ask for 2 or fewer\)"):
        fit_first_engine(RunPlan(engine="", thread_count=3), ".tflite", runner, BOARD)
