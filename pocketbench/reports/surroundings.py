"""The machines, the schedules and the versions behind a table, each said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pocketbench.core.records import Artifact, Conditions, Device, RunResult
from pocketbench.core.store import IMPORTED
from pocketbench.reports.records import MachineSummary, Schedule


def summarise_machines(results: Iterable[RunResult]) -> tuple[MachineSummary, ...]:
    """One summary a device, in order of appearance; devices that are known from imports alone come last."""
    devices: dict[str, Device] = {}
    names: dict[str, dict[str, None]] = {}
    states: dict[str, dict[int, Conditions]] = {}  # each object once: the cells of a session share theirs
    for result in results:
        device = result.device
        known = states.get(device.device_id)
        if known is None:
            devices[device.device_id] = device
            known = states[device.device_id] = {}
        if device.name is not None:
            names.setdefault(device.device_id, {})[device.name] = None
        known[id(result.conditions_before)] = result.conditions_before
        known[id(result.conditions_after)] = result.conditions_after
    ordered = sorted(devices, key=lambda device_id: device_id.startswith(IMPORTED))
    return tuple(
        _summarise_machine(devices[device_id], list(names.get(device_id, ())), list(states[device_id].values()))
        for device_id in ordered
    )


def collect_schedules(results: Iterable[RunResult]) -> tuple[Schedule, ...]:
    """The distinct schedules of the plans, in order of appearance; of what was imported none is known."""
    names: dict[Schedule, dict[str, None]] = {}
    distinct: dict[tuple[int, int], RunResult] = {}
    for result in results:
        if result.origin is None:
            distinct.setdefault((id(result.plan), id(result.device)), result)
    for result in distinct.values():
        plan = result.plan
        schedule = Schedule(
            session_count=plan.session_count,
            round_count=plan.round_count,
            burst_count=plan.burst_count,
            settle_count=plan.settle_count,
            warmup_count=plan.warmup_count,
            cooldown_s=plan.cooldown_s,
        )
        names.setdefault(schedule, {})[result.device.name or result.device.device_id] = None
    return tuple(replace(schedule, device_names=tuple(found)) for schedule, found in names.items())


def collect_tools(artifacts: Iterable[Artifact], results: Iterable[RunResult]) -> tuple[str, ...]:
    """ "name version" of every tool that made or ran a file, by name; two versions of a tool are two entries."""
    pairs = {pair for artifact in artifacts for pair in artifact.tools.items()}
    distinct = {id(result.tools): result.tools for result in results}
    pairs.update(pair for tools in distinct.values() for pair in tools.items())
    return tuple(f"{name} {version}" for name, version in sorted(pairs))


def collect_commits(results: Iterable[RunResult]) -> tuple[str, ...]:
    """The git commits that measured, in order of appearance."""
    return tuple(dict.fromkeys(result.git_commit for result in results if result.git_commit is not None))


def _summarise_machine(device: Device, names: Sequence[str], states: Sequence[Conditions]) -> MachineSummary:
    """`names` are those that devices.toml has for it: its big and its little cores may be two entries."""
    loads = [state.load_average for state in states if state.load_average is not None]
    frequencies = [state.frequency_khz for state in states if state.frequency_khz is not None]
    temperatures = [state.temperature_celsius for state in states if state.temperature_celsius is not None]
    batteries = [state.battery_celsius for state in states if state.battery_celsius is not None]
    return MachineSummary(
        device_id=device.device_id,
        transport=device.transport,
        model=device.model,
        soc=device.soc,
        os_version=device.os_version,
        abi=device.abi,
        core_count=device.core_count,
        memory_bytes=device.memory_bytes,
        cpu_models=tuple(dict.fromkeys(state.cpu_model for state in states if state.cpu_model is not None)),
        governors=tuple(dict.fromkeys(state.governor for state in states if state.governor is not None)),
        first_at=min(state.taken_at for state in states),
        last_at=max(state.taken_at for state in states),
        load_low=min(loads, default=None),
        load_high=max(loads, default=None),
        khz_low=min(frequencies, default=None),
        khz_high=max(frequencies, default=None),
        celsius_low=min(temperatures, default=None),
        celsius_high=max(temperatures, default=None),
        name=" and ".join(names) or None,
        clusters=device.clusters,
        battery_low=min(batteries, default=None),
        battery_high=max(batteries, default=None),
        thermal_statuses=tuple(sorted({state.thermal_status for state in states if state.thermal_status is not None})),
        power_sources=tuple(dict.fromkeys(state.power_source for state in states if state.power_source is not None)),
        screens=tuple(dict.fromkeys(state.screen_on for state in states if state.screen_on is not None)),
    )
