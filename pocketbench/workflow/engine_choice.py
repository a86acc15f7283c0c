"""Which engine runs a file when nobody said."""

from __future__ import annotations

import contextlib
import dataclasses

from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.core.records import Device, RunPlan
from pocketbench.profile.catalog import ENGINES, engine_suffixes, host_refusal
from pocketbench.profile.runner import Runner


def list_fitting_engines(suffix: str) -> list[str]:
    """The engines that run such files; not a plug-in that can't be loaded, which must not stop the others."""
    fitting = []
    for name in ENGINES.names():
        with contextlib.suppress(EnvironmentFault):
            if suffix in engine_suffixes(name):
                fitting.append(name)
    return fitting


def find_host_engine(suffix: str) -> str | None:
    """The first engine of this machine that is installed for a kind of file."""
    return next(
        (
            name
            for name in list_fitting_engines(suffix)
            if not ENGINES.entry(name).missing() and host_refusal(name) is None
        ),
        None,
    )


def fit_first_engine(plan: RunPlan, suffix: str, runner: Runner, device: Device) -> RunPlan:
    """The plan with the first engine that the device has for such files.

    Raises: UsageError when it has none; says why the first that came near did not fit.
    """
    if device.transport == "host":
        name = find_host_engine(suffix)
        candidates = [] if name is None else [name]
    else:
        candidates = list_fitting_engines(suffix)
        if device.transport == "ssh":
            # a board is a machine like this one: the engines of phones are none of its, nor their refusals
            candidates.sort(key=lambda engine: host_refusal(engine) is not None)
    refusal: UsageError | None = None
    for engine in candidates:
        try:
            return runner.fit_plan(_with_engine(plan, engine), suffix, device)
        except UsageError as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    fitting = list_fitting_engines(suffix)
    raise UsageError(f"no engine of this machine runs {suffix} files", _explain(fitting))


def _with_engine(plan: RunPlan, engine: str) -> RunPlan:
    return dataclasses.replace(plan, engine=engine)


def _explain(fitting: list[str]) -> str:
    for name in fitting:
        refusal = host_refusal(name)
        if refusal is None:
            return ENGINES.entry(name).install or f"check engine {name}"
    return (host_refusal(fitting[0]) if fitting else None) or "pocketbench list engines"
