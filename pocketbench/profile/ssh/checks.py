"""All that measuring on a board needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.units import describe_mask
from pocketbench.profile.conditions import make_conditions
from pocketbench.profile.core_choice import choose_core_mask
from pocketbench.profile.device import make_device
from pocketbench.profile.device_entry import DeviceCheck, DeviceEntry
from pocketbench.profile.ssh.survey import BoardSurvey, describe_install
from pocketbench.profile.state_caveats import STEADY_GOVERNOR
from pocketbench.profile.throttling import describe_throttling

GOVERNOR_CURE = (
    f"for steady numbers: echo {STEADY_GOVERNOR} | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
)


def check_board(entry: DeviceEntry, read_survey: Callable[[], BoardSurvey]) -> list[DeviceCheck]:
    """Ends with the first check that makes the others pointless."""
    try:
        survey = read_survey()
    except PocketbenchError as error:
        return [DeviceCheck(subject="connection", found=error.what, cure=error.cure)]
    facts = survey.facts
    return [
        DeviceCheck(subject="connection", found=f"{facts['model'] or 'a board'}, {facts['os_version']}"),
        DeviceCheck(subject="python", found=f"{facts['python']} ({facts['executable']})"),
        *_check_engines(entry, survey),
        *_check_cores(entry, survey),
        *_check_state(entry, survey),
    ]


def _check_engines(entry: DeviceEntry, survey: BoardSurvey) -> Iterator[DeviceCheck]:
    for engine, versions in survey.engines.items():
        yield DeviceCheck(subject=f"engine {engine}", found=", ".join(" ".join(item) for item in versions.items()))
    for engine, problem in survey.problems.items():
        # what is not for such a machine is not missing there
        if problem.kind == "missing_package":
            cure = describe_install(entry, engine)
            yield DeviceCheck(subject=f"engine {engine}", found=problem.message, cure=cure, needed=False)
    if not survey.engines:
        yield DeviceCheck(subject="engines", found="none of them runs", cure=describe_install(entry, "litert"))


def _check_cores(entry: DeviceEntry, survey: BoardSurvey) -> Iterator[DeviceCheck]:
    if entry.cores is None:
        return
    try:
        mask = choose_core_mask(make_device(survey.facts, "ssh").clusters, entry.cores, 1)
    except PocketbenchError as error:
        yield DeviceCheck(subject="cores", found=error.what, cure=error.cure)
    else:
        yield DeviceCheck(subject="cores", found=f"{describe_mask(mask)} (mask {mask:x})")


def _check_state(entry: DeviceEntry, survey: BoardSurvey) -> Iterator[DeviceCheck]:
    conditions = make_conditions(survey.state)
    celsius = conditions.temperature_celsius
    if entry.max_celsius is not None and celsius is None:
        yield DeviceCheck(
            subject="temperature", found="the board does not tell it", cure="leave max_celsius out of devices.toml"
        )
    elif celsius is not None:
        is_warm = entry.max_celsius is not None and celsius > entry.max_celsius
        yield DeviceCheck(
            subject="temperature",
            found=f"{celsius:.1f} °C" + (f" (limit {entry.max_celsius:g} °C)" if is_warm else ""),
            cure="let it cool; a run waits for it, too" if is_warm else None,
            needed=not is_warm,
        )
    if conditions.governor is not None:
        steady = conditions.governor == STEADY_GOVERNOR
        yield DeviceCheck(
            subject="governor", found=conditions.governor, cure=None if steady else GOVERNOR_CURE, needed=False
        )
    throttling = describe_throttling(conditions.throttle_flags or 0)
    if throttling:
        yield DeviceCheck(
            subject="power", found=throttling, cure="use the board's own power supply, and cool it", needed=False
        )
