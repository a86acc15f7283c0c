"""What a commit's own pocketbench is asked to do, in a process in its own folder: list its suite, export it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, FileFault, PocketbenchError, one_line
from pocketbench.core.jsonio import from_plain
from pocketbench.core.records import Artifact
from pocketbench.workflow.gate.base_place import make_environment

STOP_S = 10.0
"""How long an export gets to stop its converters after Ctrl-C."""

LIST_SUITE = """
import importlib.util, json, sys
from pocketbench.export.naming import name_artifact
from pocketbench.workflow.cache_keys import make_static_key
from pocketbench.workflow.model_request import list_suite_variants
try:
    from pocketbench.workflow.trained_weights import read_trained_suite as read_suite
except ImportError:  # a commit before suites had trained weights
    from pocketbench.workflow.suites import read_suite
variants = list_suite_variants(read_suite(sys.argv[1]))
origins = {}
for name in ["pocketbench", *sys.argv[2:]]:
    found = importlib.util.find_spec(name)
    if found is not None:
        origins[name] = found.origin or next(iter(found.submodule_search_locations or ()), None)
print(json.dumps({
    "keys": {name_artifact(*variant): make_static_key(*variant) for variant in variants},
    "labels": {name_artifact(*variant): f"{variant[0].name} {variant[1]}" for variant in variants},
    "checkpoints": [spec.checkpoint for spec, _ in variants if spec.checkpoint is not None],
    "origins": {name: origin for name, origin in origins.items() if origin is not None},
}))
"""
"""Run by the commit's own code, which knows what its files are called and when they are current."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteListing:
    """What a commit's suite asks for, by file name. `keys` are as in an Artifact, None for a user's function.

    `labels` are what `export` calls a file in its messages; `origins` say where modules are imported from.
    """

    keys: dict[str, str | None]
    labels: dict[str, str]
    checkpoints: tuple[str, ...]
    origins: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An error that `export` told on stderr."""

    what: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReply:
    """What an export printed: the files (None when it did not come so far), and what it complained about."""

    artifacts: tuple[Artifact, ...] | None
    complaints: tuple[Complaint, ...]
    exit_code: int


def list_base_suite(
    suite: str, folder: Path, python_folders: Sequence[Path], packages: Sequence[str]
) -> SuiteListing | None:
    """The files of a suite; None when the commit's code can't say (another version, or a suite that it refuses).

    Args:
        folder: where to run: the user's folder, in the worktree.
        packages: modules whose origin is asked for.
    """
    command = [sys.executable, "-c", LIST_SUITE, suite, *packages]
    code, output, _ = run_in(folder, command, python_folders)
    if code != 0:
        return None
    try:
        found: SuiteListing = from_plain(json.loads(output.splitlines()[-1]), SuiteListing, "base's suite", "listing")
    except (ValueError, IndexError, FileFault):
        return None
    return found


def export_base_suite(suite: str, folder: Path, out: Path, python_folders: Sequence[Path]) -> ExportReply:
    """Run the commit's own `pocketbench export`.

    Raises: EnvironmentFault when it prints records that this version can't read.
    """
    command = [sys.executable, "-m", "pocketbench", "export", f"--suite={suite}", f"--out={out}", "--json"]
    code, output, errors = run_in(folder, command, python_folders)
    try:
        plain = json.loads(output)
    except ValueError:
        return ExportReply(artifacts=None, complaints=parse_complaints(errors), exit_code=code)
    try:
        artifacts = from_plain(plain, tuple[Artifact, ...], "base's export", "artifacts")
    except PocketbenchError as error:
        raise EnvironmentFault(
            f"the base commit's pocketbench writes other records than this one: {error.what}",
            "merge the base branch into yours, or install its version of pocketbench",
        ) from error
    return ExportReply(artifacts=artifacts, complaints=parse_complaints(errors), exit_code=code)


def parse_complaints(stderr: str) -> tuple[Complaint, ...]:
    """The errors on stderr, each of two lines; of a traceback its last line."""
    found = re.findall(r"^pocketbench: (.*)\n  try: (.*)$", stderr, re.MULTILINE)
    told = [Complaint(what=what, cure=cure) for what, cure in found if not _is_sum(what)]
    lines = stderr.strip().splitlines()
    if not told and lines:
        told.append(Complaint(what=one_line(lines[-1]), cure="run pocketbench export in a checkout of that commit"))
    return tuple(told)


def run_in(folder: Path, command: Sequence[str], python_folders: Sequence[Path]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process; should we be interrupted, it is stopped with all that it started."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=make_environment(python_folders),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C comes to us alone, and goes on once: a second one would cut the cleaning up
    )
    try:
        output, errors = process.communicate()
    except BaseException:
        _stop(process)
        raise
    return process.returncode, output, errors


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _is_sum(what: str) -> bool:
    return re.fullmatch(r"\d+ of \d+ files were not exported", what) is not None
