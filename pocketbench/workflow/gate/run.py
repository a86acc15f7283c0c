"""The gate: every file's verdict, then every duel, then where the slower ones lose their time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pocketbench import __version__
from pocketbench.core.errors import PocketbenchError
from pocketbench.core.gate_records import CellVerdict, GateReport, PartTime, find_worst
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.conditions import read_conditions
from pocketbench.profile.device import read_host_device
from pocketbench.profile.operators.comparison import compare_operator_times
from pocketbench.workflow.gate.conclusion import conclude_run
from pocketbench.workflow.gate.file_verdicts import judge_file
from pocketbench.workflow.gate.inspection import inspect_cell
from pocketbench.workflow.gate.nowhere import list_models_that_ran_nowhere
from pocketbench.workflow.gate.request import DEVICE, GateRequest
from pocketbench.workflow.gate.run_cells import RunCell, list_run_cells
from pocketbench.workflow.gate.timing import time_cells
from pocketbench.workflow.gate.workers import Workers

EXIT_CODES = {"pass": 0, "improved": 0, "inconclusive": 5, "regressed": 4, "missing": 4, "failed": 4}

Progress = Callable[[int, int, str], None]
"""Called with how many steps are done, of how many, and what is being done now."""


def run_gate(request: GateRequest, *, inconclusive: str = "fail", on_progress: Progress | None = None) -> GateReport:
    """Compare base and head.

    Args:
        inconclusive: "fail" or "pass": what the exit code makes of it.

    Raises:
        FileFault: when an interpreter that was named can't be run, or there is no room for the workers' archive.
    """
    report = on_progress or _ignore_progress
    start, started_at, before = time.monotonic(), datetime.now(UTC), read_conditions()
    device = read_host_device()
    files = [_judge_file(request, index) for index in range(len(request.pairs))]
    with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
        workers = Workers(write_agent_archive(Path(folder)), request.base_python)
        runs = _run_cells(list_run_cells(request), request, workers, device.device_id, report)
    cells = [*files, *runs, *list_models_that_ran_nowhere(request, device.device_id)]
    verdict = find_worst([cell.verdict for cell in cells])
    allowed = verdict == "inconclusive" and inconclusive == "pass"
    return GateReport(
        base=request.base,
        head=request.head,
        verdict=verdict,
        exit_code=0 if allowed else EXIT_CODES[verdict],
        cells=tuple(cells),
        device=device,
        conditions_before=before,
        conditions_after=read_conditions(),
        base_commit=request.base_commit,
        head_commit=request.head_commit,
        pocketbench_version=__version__,
        started_at=started_at.isoformat(timespec="seconds"),
        duration_s=time.monotonic() - start,
    )


def _judge_file(request: GateRequest, index: int) -> CellVerdict:
    pair = request.pairs[index]
    artifact = pair.head or pair.base
    limits = request.limits.find(artifact.model_name, artifact.format, None, DEVICE) if artifact else None
    return judge_file(pair, limits or request.limits.limits, same_tools=request.same_tools)


def _run_cells(
    cells: Sequence[RunCell], request: GateRequest, workers: Workers, device_id: str, report: Progress
) -> list[CellVerdict]:
    """Look at each side, time what can be timed, and profile what came out slower."""
    total = 2 * len(cells)
    inspected = []
    for index, cell in enumerate(cells):
        report(index, total, f"{cell.name}: loads and runs")
        inspected.append(inspect_cell(cell, workers))
    timed = [index for index, found in enumerate(inspected) if found.obstacle is None and cells[index].fights]
    timings = dict(
        zip(
            timed,
            time_cells(
                [cells[index].make_timed_cell(workers) for index in timed],
                on_progress=lambda place, text: report(len(cells) + timed[place], total, text),
            ),
            strict=True,
        )
    )
    verdicts = []
    for index, (cell, found) in enumerate(zip(cells, inspected, strict=True)):
        verdict = conclude_run(cell, found, timings.get(index), device_id)
        if index in timings and timings[index].verdict == "regressed":
            report(total - 1, total, f"{cell.name}: finds where time went")
            parts, note = find_parts(cell, request)
            reason = f"{verdict.reason}; {note}" if note else verdict.reason
            verdict = replace(verdict, parts=parts, reason=reason, operator_changes=cell.operator_changes())
        verdicts.append(verdict)
    return verdicts


def find_parts(cell: RunCell, request: GateRequest) -> tuple[tuple[PartTime, ...], str | None]:
    """Where a slower cell lost its time, or why that is not known."""
    if request.base_python is not None:
        return (), "operators are not compared: two environments may name them as they like"
    assert cell.base_path is not None
    try:
        parts = compare_operator_times(cell.base_path, cell.head_path, cell.plan.run_plan)
    except PocketbenchError as error:  # the verdict stands without it
        return (), f"which operators is not known: {error.what}"
    return parts, None


def _ignore_progress(done: int, total: int, text: str) -> None:
    pass
