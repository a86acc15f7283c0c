"""Duels of several cells, their confirmations and their ends, with arenas that follow a script."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from pocketbench.core.duel_rule import LOOKS, Decision, Rule
from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD, DuelPlan
from pocketbench.profile.duel.duel import DuelRecord
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate.timing import TimedCell, Timing, find_suspects, time_cells
from tests.profile.duel.fake_arena import FakeArena


class Script:
    """A cell whose arenas are made in turn from these settings; the last one serves for all that follow."""

    def __init__(self, *settings: dict[str, Any], threshold: float = 1.015, name: str = "a.onnx") -> None:
        self._settings = settings
        self.arenas: list[FakeArena] = []
        self.cell = TimedCell(
            name=name, plan=DuelPlan(engine="onnxruntime"), threshold=threshold, open_arena=self._open
        )

    def _open(self) -> FakeArena:
        index = min(len(self.arenas), len(self._settings) - 1)
        self.arenas.append(FakeArena(seed=len(self.arenas), **self._settings[index]))
        return self.arenas[-1]


def run(*scripts: Script, **options: Any) -> list[Timing]:
    return time_cells([script.cell for script in scripts], **options)


def test_a_slow_head_is_regressed_when_a_fresh_process_confirms_it() -> None:
    script = Script({"head": 1.05, "layout": 0.0001})

    (timing,) = run(script)

    assert timing.verdict == "regressed"
    assert timing.reason == "+5.0 % is beyond the +1.5 % that is allowed, in two processes"
    assert len(script.arenas) == 2
    assert all(arena.killed for arena in script.arenas)
    assert timing.duel is not None
    assert timing.duel.confirmation is not None
    assert timing.duel.confirmation.value == pytest.approx(1.05, rel=0.002)
    assert timing.duel.ratio.value == pytest.approx(1.05, rel=0.002)
    assert len(timing.duel.pair_ratios) == 32  # 16 in each process: enough for both
    assert timing.duel.base_ns == pytest.approx(1_000_000, rel=0.01)
    assert timing.duel.head_ns == pytest.approx(1_050_000, rel=0.01)
    assert timing.duel.self_test_passed


def test_equal_files_pass_in_one_process() -> None:
    script = Script({})

    (timing,) = run(script)

    assert timing.verdict == "pass"
    assert len(script.arenas) == 1
    assert script.arenas[0].killed
    assert timing.duel is not None
    assert timing.duel.confirmation is None
    # 16 pairs of base and head, 8 of base and base; two lives each, 24 calls a life
    assert timing.duel.call_count == (16 + 8) * 2 * 24
    assert script.arenas[0].lives.count((BASE, HEAD)) == script.arenas[0].lives.count((HEAD, BASE)) == 16
    assert script.arenas[0].lives.count((BASE, BASE_AGAIN)) == script.arenas[0].lives.count((BASE_AGAIN, BASE)) == 8


def test_a_faster_head_is_improved() -> None:
    (timing,) = run(Script({"head": 0.9, "layout": 0.0}))
    assert (timing.verdict, timing.reason) == ("improved", "-10.0 %")


def test_a_place_that_is_faster_makes_nobody_faster() -> None:
    (timing,) = run(Script({"second_place": 0.95}))
    assert timing.verdict == "pass"
    assert timing.duel is not None
    assert timing.duel.ratio.value == pytest.approx(1.0, abs=0.002)


def test_a_slowdown_that_a_fresh_process_does_not_find_again_passes_and_says_so() -> None:
    (timing,) = run(Script({"head": 1.03}, {"head": 1.0}))
    assert timing.verdict == "pass"
    assert "a fresh process did not confirm it" in timing.reason
    assert timing.duel is not None
    assert timing.duel.confirmation is not None
    assert timing.duel.confirmation.value == pytest.approx(1.0, abs=0.002)


def test_a_fresh_process_that_can_not_decide_leaves_it_open() -> None:
    (timing,) = run(Script({"head": 1.05}, {"head": 1.02, "layout": 0.1}))
    assert timing.verdict == "inconclusive"
    assert "a fresh process could not decide" in timing.reason


def test_a_base_that_differs_from_itself_decides_nothing() -> None:
    script = Script({"head": 1.05, "again": 1.05, "layout": 0.0})
    (timing,) = run(script)
    assert timing.verdict == "inconclusive"
    assert timing.reason == "base against itself came out at +5.0 %: the machine is too noisy to decide"
    assert timing.duel is not None
    assert not timing.duel.self_test_passed


def test_noise_is_no_verdict() -> None:
    (timing,) = run(Script({"head": 1.02, "layout": 0.1}))
    assert timing.verdict == "inconclusive"
    assert "too noisy to decide: this run would have found only +" in timing.reason


def test_a_cell_that_dies_costs_itself_alone() -> None:
    dying, slow, equal = Script({"dies_at": 5}), Script({"head": 1.1}), Script({})

    timings = run(dying, slow, equal)

    assert [timing.verdict for timing in timings] == ["failed", "regressed", "pass"]
    assert timings[0].reason == "crash: the worker died of SIGSEGV"
    assert timings[0].failure is not None
    assert timings[0].duel is None
    assert all(arena.killed for script in (dying, slow, equal) for arena in script.arenas)


def test_a_worker_that_dies_while_it_confirms_is_a_failure_with_the_first_record_kept() -> None:
    (timing,) = run(Script({"head": 1.1}, {"dies_at": 3}))
    assert timing.verdict == "failed"
    assert len(timing.records) == 1
    assert timing.records[0].decision is not None
    assert timing.records[0].decision.verdict == "regressed"


def test_a_worker_that_does_not_start_is_a_failure() -> None:
    def open_nothing() -> FakeArena:
        raise WorkerFault("missing_package", "can't run /no/python")

    cell = TimedCell(name="a", plan=DuelPlan(engine="onnxruntime"), threshold=1.015, open_arena=open_nothing)
    assert time_cells([cell])[0].reason == "missing_package: can't run /no/python"


def test_no_time_left_ends_after_the_first_look() -> None:
    noisy = Script({"head": 1.015})  # on the threshold: more looks would follow

    (timing,) = run(noisy, budget_s=0.0)

    assert timing.duel is not None
    assert len(timing.duel.pair_ratios) == LOOKS[0]
    assert timing.duel.ratio.low is not None
    assert timing.duel.detectable_ratio is not None
    assert len(timing.duel.self_pair_ratios) == LOOKS[0] // 2
    assert timing.duel.self_ratio.low is not None


def test_a_clock_that_sees_nothing_decides_nothing() -> None:
    class Stopped(FakeArena):
        def run_life(self, fighters: Any, order: Any, turn: int) -> tuple[list[int], list[int]]:
            wall_ns, cpu_ns = super().run_life(fighters, order, turn)
            return wall_ns, [0] * len(cpu_ns)

    arena = Stopped()
    cell = TimedCell(name="a", plan=DuelPlan(engine="x"), threshold=1.015, open_arena=lambda: arena)
    (timing,) = time_cells([cell])
    assert timing.verdict == "inconclusive"
    assert "the clock is too coarse" in timing.reason
    assert arena.killed
    assert len(arena.lives) == 1

    several = TimedCell(
        name="a", plan=DuelPlan(engine="x", thread_count=2), threshold=1.015, open_arena=lambda: Stopped()
    )
    assert time_cells([several])[0].verdict == "pass"  # decided by the clock on the wall


def test_an_interrupt_leaves_no_arena_behind() -> None:
    def interrupt(life: int) -> None:
        if life == 3:
            raise KeyboardInterrupt

    script = Script({"before_life": interrupt})
    with pytest.raises(KeyboardInterrupt):
        run(script)
    assert script.arenas[0].killed


def test_progress_names_the_cell_and_what_happens_to_it() -> None:
    told: list[tuple[int, str]] = []
    run(
        Script({}, name="a"),
        Script({"head": 1.1}, name="b"),
        on_progress=lambda index, text: told.append((index, text)),
    )
    assert (0, "a times base and head") in told
    assert (0, "a times base and head, pair 16") in told
    assert told[-1] == (1, "b confirms in a fresh process, pair 16")
    assert not any(index == 0 and "confirms" in text for index, text in told)


def test_nothing_to_time_is_nothing() -> None:
    assert time_cells([]) == []


@pytest.mark.parametrize(
    ("p_values", "suspects"),
    [
        # one cell: 0.5 %; four: 0.125 %, 0.1667 %, 0.25 %, 0.5 % in the order of the p-values
        ([0.005], {0}),
        ([0.0051], set()),
        ([0.00124, 0.9, 0.9, 0.9], {0}),
        ([0.00126, 0.9, 0.9, 0.9], set()),
        ([0.00124, 0.00166, 0.00249, 0.0049], {0, 1, 2, 3}),
        ([0.0049, 0.00168, 0.00249, 0.00124], {3}),
        ([0.00124, None, 0.00166, 0.9], {0, 2}),
        ([0.004, None], set()),
    ],
)
def test_suspects_are_holms_over_all_cells(p_values: list[float | None], suspects: set[int]) -> None:
    found = [
        Timing(verdict="failed", reason="", duel=None, failure=None, records=())
        if value is None
        else DuelRecord(decision=Decision(verdict="inconclusive", p_value=value))
        for value in p_values
    ]
    rules = [Rule(threshold=1.015, cell_count=len(found))] * len(found)
    assert find_suspects(found, rules) == suspects


@pytest.mark.parametrize("alone", ["pass", "inconclusive"])
def test_a_cell_that_only_holm_suspects_is_confirmed_too(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    """Beside a cell that is slower for sure, the next one meets a milder level than its own duel knew."""
    from pocketbench.workflow.gate import timing as module

    decisions = iter(
        [
            Decision(verdict="regressed", p_value=1e-5),
            Decision(verdict=alone, p_value=0.004),
            Decision(verdict="regressed", p_value=1e-5),
            Decision(verdict="regressed", p_value=0.004),
        ]
    )
    real: Callable[..., DuelRecord] = module.run_duel

    def decide_so(*arguments: Any) -> DuelRecord:
        record = real(*arguments)
        record.decision = next(decisions)
        return record

    monkeypatch.setattr(module, "run_duel", decide_so)
    scripts = Script({"head": 1.1}), Script({"head": 1.02})
    assert [timing.verdict for timing in run(*scripts)] == ["regressed", "regressed"]
    assert [len(script.arenas) for script in scripts] == [2, 2]


def test_the_confirmation_answers_for_its_own_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holm's correction is paid in the first process; the second tests one hypothesis."""
    from pocketbench.workflow.gate import timing as module

    counts: list[int] = []
    real: Callable[..., DuelRecord] = module.run_duel

    def spy(arena: Any, plan: Any, rule: Rule, *rest: Any) -> DuelRecord:
        counts.append(rule.cell_count)
        assert math.isclose(rule.threshold, 1.015)
        return real(arena, plan, rule, *rest)

    monkeypatch.setattr(module, "run_duel", spy)
    run(Script({"head": 1.1}), Script({}), Script({}))
    assert counts == [3, 3, 3, 1]
