"""Reasons to read a latency with care that lie in the state of the machine: clock, load, heat, battery, screen."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.records import Caveat, Conditions, CoreState, RunPlan
from pocketbench.core.units import format_celsius, format_frequency
from pocketbench.profile.device_entry import MAX_BATTERY_CELSIUS

# Above a quarter of the cores, another program is likely to be on the core that runs the model some of the time.
BUSY_LOAD_FRACTION = 0.25
# Steps between neighbouring clock settings of phones and laptops are about 10 %: this is more than one step.
FREQUENCY_DROP_FRACTION = 0.15
STEADY_GOVERNOR = "performance"


def find_state_caveats(
    before: Conditions, after: Conditions, plan: RunPlan, *, core_count: int | None, own_load: float
) -> list[Caveat]:
    """Every such reason, in a fixed order.

    Args:
        core_count: cores that the model could use.
        own_load: how much of the load average before the session may be our own earlier session.
    """
    cores, cores_after = (_choose_cores(conditions, plan.core_mask) for conditions in (before, after))
    found = [
        _check_load(before, core_count, own_load),
        _check_clock_setting(before, cores),
        _check_frequency(_find_clock(before, cores), _find_clock(after, cores_after)),
        _check_limit(cores, cores_after),
        _check_thermal_status(before, after),
        _check_battery(before, after),
        _check_power(before, after),
        _check_screen(before, after),
    ]
    return [caveat for caveat in found if caveat is not None]


def _choose_cores(conditions: Conditions, mask: int | None) -> Sequence[CoreState]:
    """The states of the cores that the model could use."""
    return [core for core in conditions.cores if mask is None or mask >> core.core & 1]


def _check_load(before: Conditions, core_count: int | None, own_load: float) -> Caveat | None:
    if before.load_average is None or core_count is None:
        return None
    if before.load_average - own_load <= BUSY_LOAD_FRACTION * core_count:
        return None
    return Caveat(
        code="busy_machine",
        text=f"the load average was {before.load_average:.2f} on {core_count} cores before the session",
    )


def _check_clock_setting(before: Conditions, cores: Sequence[CoreState]) -> Caveat | None:
    """A governor that follows the load moves the clock; limits that leave it one step do not let it."""
    governors = {core.governor for core in cores if core.governor} or set((before.governor or "").split(",")) - {""}
    if not governors:
        return Caveat(code="unknown_governor", text="the system does not say how it sets the processor's clock")
    if governors == {STEADY_GOVERNOR}:
        return None
    fixed = {core.max_khz for core in cores if core.max_khz is not None and core.max_khz == core.min_khz}
    if cores and all(core.max_khz is not None and core.max_khz == core.min_khz for core in cores):
        steps = ", ".join(format_frequency(khz) for khz in sorted(fixed, reverse=True) if khz is not None)
        return Caveat(
            code="fixed_frequency", text=f"the clock was fixed at {steps}: steady, and slower than the highest"
        )
    return Caveat(
        code="frequency_scaling",
        text=f"the governor is {','.join(sorted(governors))!r}: the clock follows the load "
        f"({STEADY_GOVERNOR!r} is steady)",
    )


def _find_clock(conditions: Conditions, cores: Sequence[CoreState]) -> int | None:
    """The clock of the fastest core that the model could use: the one that works."""
    clocks = [core.current_khz for core in cores if core.current_khz is not None]
    return max(clocks, default=conditions.frequency_khz)


def _check_frequency(before_khz: int | None, after_khz: int | None) -> Caveat | None:
    if before_khz is None or after_khz is None:
        return None
    drop = 1 - after_khz / before_khz
    if drop <= FREQUENCY_DROP_FRACTION:
        return None
    return Caveat(
        code="frequency_drop",
        text=f"the clock fell by {drop:.0%} during the session, from {format_frequency(before_khz)}",
    )


def _check_limit(before: Sequence[CoreState], after: Sequence[CoreState]) -> Caveat | None:
    """Systems that protect themselves from heat lower the highest clock that a core may have."""
    limits = {core.core: core.max_khz for core in after}
    for core in before:
        limit = limits.get(core.core)
        if core.max_khz is None or limit is None or limit >= core.max_khz:
            continue
        text = f"the highest clock allowed to core {core.core} fell from {format_frequency(core.max_khz)}"
        return Caveat(code="frequency_limited", text=f"{text} to {format_frequency(limit)} during the session")
    return None


def _check_thermal_status(before: Conditions, after: Conditions) -> Caveat | None:
    status = max((item.thermal_status or 0 for item in (before, after)), default=0)
    if not status:
        return None
    return Caveat(code="thermal_status", text=f"the thermal status was up to {status} of 6: heat slows the device down")


def _check_battery(before: Conditions, after: Conditions) -> Caveat | None:
    temperatures = [item.battery_celsius for item in (before, after) if item.battery_celsius is not None]
    highest = max(temperatures, default=None)
    if highest is None or highest <= MAX_BATTERY_CELSIUS:
        return None
    return Caveat(
        code="warm_battery",
        text=f"the battery was at {format_celsius(highest)}, above {format_celsius(MAX_BATTERY_CELSIUS)}",
    )


def _check_power(before: Conditions, after: Conditions) -> Caveat | None:
    sources = sorted({item.power_source for item in (before, after) if item.power_source not in (None, "battery")})
    if not sources:
        return None
    return Caveat(
        code="charging", text=f"the device was on external power ({', '.join(map(str, sources))}), which warms it"
    )


def _check_screen(before: Conditions, after: Conditions) -> Caveat | None:
    if before.screen_on is not False and after.screen_on is not False:
        return None
    return Caveat(code="screen_off", text="the screen was off: phones slow down what runs behind it")
