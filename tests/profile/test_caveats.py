from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocketbench.core.records import Conditions, Measurement, RunPlan
from pocketbench.profile.caveats import find_caveats

STEADY = Conditions(
    taken_at="2026-01-02T03:04:05+00:00",
    cpu_model="a processor",
    load_average=0.1,
    governor="performance",
    frequency_khz=2_000_000,
    temperature_celsius=40.0,
    memory_available_bytes=1 << 30,
)
PLAN = RunPlan(engine="litert")


def make_measurement(wall: list[int], cpu: list[int] | None = None, **changes: Any) -> Measurement:
    """Bursts of 5 of which 1 is not summarised; that one is always an outlier."""
    wall_ns = tuple(value for sample in wall for value in (9 * sample, *[sample] * 4))
    cpu_ns = tuple(value for sample in cpu or wall for value in (9 * sample, *[sample] * 4))
    measurement = Measurement(
        wall_ns=wall_ns,
        cpu_ns=cpu_ns,
        cpu_clock="thread",
        burst_count=5,
        settle_count=1,
        warmup_wall_ns=(),
        load_ns=1,
        first_ns=1,
        peak_rss_bytes=None,
        idle_rss_bytes=None,
        clock_resolution_ns=50,
    )
    return dataclasses.replace(measurement, **changes)


GOOD = make_measurement([1_000_000] * 20)


def find_codes(measurement: Measurement = GOOD, plan: RunPlan = PLAN, **changes: Any) -> set[str]:
    facts: dict[str, Any] = {
        "before": STEADY,
        "after": STEADY,
        "core_count": 8,
        "is_virtual": False,
        "own_load": 0,
        "assumed_batch": [],
    }
    facts.update(changes)
    before, after = facts.pop("before"), facts.pop("after")
    caveats = find_caveats(measurement, before, after, plan, **facts)
    assert all(caveat.text for caveat in caveats)
    return {caveat.code for caveat in caveats}


def at(**changes: Any) -> Conditions:
    return dataclasses.replace(STEADY, **changes)


def test_a_quiet_machine_has_none() -> None:
    assert find_codes() == set()


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"before": at(load_average=2.0)}, set()),
        ({"before": at(load_average=2.1)}, {"busy_machine"}),
        ({"before": at(load_average=2.1), "own_load": 1}, set()),
        ({"before": at(load_average=0.6), "core_count": 2}, {"busy_machine"}),
        ({"before": at(load_average=None)}, set()),
        ({"before": at(governor=None)}, {"unknown_governor"}),
        ({"before": at(governor="schedutil")}, {"frequency_scaling"}),
        ({"before": at(governor="performance,powersave")}, {"frequency_scaling"}),
        ({"after": at(frequency_khz=1_720_000)}, set()),
        ({"after": at(frequency_khz=1_680_000)}, {"frequency_drop"}),
        ({"after": at(frequency_khz=None)}, set()),
        ({"is_virtual": True}, {"virtual_machine"}),
        ({"is_virtual": None}, set()),
        ({"assumed_batch": ["x"]}, {"assumed_batch_1"}),
        ({"plan": dataclasses.replace(PLAN, thread_count=8)}, set()),
        ({"plan": dataclasses.replace(PLAN, thread_count=9)}, {"oversubscribed"}),
        ({"plan": dataclasses.replace(PLAN, thread_count=3, core_mask=0x30)}, {"oversubscribed"}),
        ({"plan": dataclasses.replace(PLAN, thread_count=99), "core_count": None}, set()),
    ],
)
def test_conditions(changes: dict[str, Any], codes: set[str]) -> None:
    assert find_codes(**changes) == codes


def test_few_samples_are_those_that_are_summarised() -> None:
    assert find_codes(make_measurement([1_000_000] * 12)) == {"few_samples"}  # 60 samples, 48 of them summarised
    assert find_codes(make_measurement([1_000_000] * 13)) == set()


def test_waiting_shows_in_wall_against_cpu_time_of_one_thread_only() -> None:
    waited = make_measurement([1_120_000] * 20, [1_000_000] * 20)
    assert find_codes(waited) == {"preempted"}
    assert find_codes(make_measurement([1_080_000] * 20, [1_000_000] * 20)) == set()
    assert find_codes(dataclasses.replace(waited, cpu_clock="process")) == set()
    assert find_codes(make_measurement([1_000_000] * 20, [0] * 20)) == {"preempted"}


def test_a_clock_too_coarse_for_the_model() -> None:
    assert find_codes(make_measurement([1_000_000] * 20, clock_resolution_ns=10_000)) == set()
    assert find_codes(make_measurement([1_000_000] * 20, clock_resolution_ns=11_000)) == {"coarse_clock"}


def test_drift_is_seen_in_cpu_time_of_one_thread_and_wall_time_of_several() -> None:
    rising = [1_000_000 + 3_000 * index for index in range(21)]
    steady = [1_000_000] * 21
    assert find_codes(make_measurement(steady, rising)) == {"drift"}
    assert find_codes(make_measurement(rising, steady)) == set()
    assert find_codes(make_measurement(rising, steady, cpu_clock="process")) == {"drift"}
    assert find_codes(make_measurement(rising[::-1], rising[::-1])) == {"drift"}
    assert find_codes(make_measurement([1_000_000 + 1_000 * index for index in range(21)])) == set()


def test_drift_needs_several_bursts_a_third() -> None:
    assert "drift" not in find_codes(make_measurement([1_000_000, 1_000_000, 2_000_000]))


def test_order_is_fixed_and_several_are_kept() -> None:
    assert find_codes(before=at(load_average=9.0, governor=None), is_virtual=True) == {
        "busy_machine",
        "unknown_governor",
        "virtual_machine",
    }
