"""How files are run: the engines and threads that a user names, a suite has, or this machine offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pocketbench.core.errors import UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact
from pocketbench.profile.catalog import ENGINES, engine_suffixes, host_refusal
from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.workflow.engine_choice import find_host_engine
from pocketbench.workflow.gate.base_python import check_python
from pocketbench.workflow.profile_request import parse_thread_counts
from pocketbench.workflow.suites import Suite


def check_choices(engines: str | None, threads: str | None, base_python: Path | None) -> None:
    """What can be refused before long work starts. Raises: UsageError, FileFault."""
    for name in engines.split(",") if engines else ():
        ENGINES.entry(name)
    if threads:
        parse_thread_counts(threads)
    if base_python is not None:
        check_python(base_python)


def list_plans(
    artifacts: Sequence[Artifact], suite: Suite | None, engines: str | None, threads: str | None
) -> tuple[DuelPlan, ...]:
    """How files are run: by what the user says, else by the suite, else by the first engine that is installed for each
    format.

    Raises: UsageError for an engine that does not exist or runs none of the files.
    """
    names = (
        engines.split(",") if engines else list_host_engines(suite) if suite is not None else find_engines(artifacts)
    )
    counts = parse_thread_counts(threads) if threads else list(suite.thread_counts) if suite is not None else [1]
    suffixes = {SUFFIXES[artifact.format] for artifact in artifacts}
    for name in names:
        runs = engine_suffixes(name)
        if engines and suffixes and not suffixes.intersection(runs):
            raise UsageError(f"{name} runs {', '.join(runs)} files, and there is none", "choose another --engine")
    return tuple(DuelPlan(engine=name, thread_count=count) for name in dict.fromkeys(names) for count in counts)


def list_host_engines(suite: Suite) -> list[str]:
    """The engines of a suite that run on this machine: a gate measures nowhere else."""
    return [name for name in suite.engines if host_refusal(name) is None]


def find_engines(artifacts: Sequence[Artifact]) -> list[str]:
    """The first engine that is installed for each format; none for a format that nothing here runs."""
    found = (find_host_engine(SUFFIXES[artifact.format]) for artifact in artifacts)
    return list(dict.fromkeys(name for name in found if name is not None))
