"""A cell on a phone: its file there, and what its runs have given so far in a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from pocketbench.core.errors import DeviceFault, FileFault, UsageError
from pocketbench.core.records import DelegateCoverage, Measurement, OperatorTime, RunPlan, Summary
from pocketbench.profile.adb.benchmark_program import BenchmarkProgram
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.command import build_command, load_flags, memory_flags, operator_flags, timing_flags
from pocketbench.profile.adb.conditions import read_loaded_clocks
from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.folder import model_path
from pocketbench.profile.adb.invocation import SPARE_S, end_what_runs, run_benchmark
from pocketbench.profile.adb.push import hash_file, push_file
from pocketbench.profile.cell import Cell
from pocketbench.profile.operators.phone_places import place_operators
from pocketbench.profile.parsers.benchmark_model import BenchmarkModelRun
from pocketbench.profile.worker import WorkerFault


class PhoneCell:
    """One cell in one session. Each run of it is a process of its own on the phone, and gives one sample.

    Args:
        tools: the programs that the phone has, of taskset and timeout.
    """

    def __init__(self, cell: Cell, client: AdbClient, program: BenchmarkProgram, tools: Collection[str]) -> None:
        self.cell = cell
        self.peak_bytes: int | None = None
        self.operators: tuple[OperatorTime, ...] | None = None
        self.coverage: DelegateCoverage | None = None
        self.dialect: str | None = None
        self._client = client
        self._program = program
        self._tools = tools
        self._model = model_path(cell.artifact.sha256)
        self._runs: list[BenchmarkModelRun] = []

    def place(self) -> None:
        """Have the file on the phone. Raises: ConnectionFault, WorkerFault."""
        artifact = self.cell.artifact
        try:
            if hash_file(self.cell.path) != artifact.sha256:
                raise WorkerFault("load", f"{artifact.file_name} was changed since it was chosen")
            push_file(self._client, self.cell.path, artifact.sha256, self._model)
        except ConnectionFault:
            raise
        except (DeviceFault, FileFault) as fault:
            raise WorkerFault("device" if isinstance(fault, DeviceFault) else "load", str(fault)) from fault

    def read_clocks(self) -> dict[int, int]:
        """The frequencies of the cores while the model runs. Raises: ConnectionFault, WorkerFault."""
        limit_s = self.cell.plan.timeout_s
        with end_what_runs(self._client, limit_s):
            return read_loaded_clocks(self._client, self._build(load_flags()), limit_s + SPARE_S)

    def run_once(self) -> None:
        """Take a sample. Raises: ConnectionFault, WorkerFault."""
        run = self._run(timing_flags(self.cell.plan))
        if self._runs and run.statistic != self._runs[0].statistic:
            raise WorkerFault(
                "output", f"benchmark_model printed a {self._runs[0].statistic} and now a {run.statistic}"
            )
        self._runs.append(run)
        self.dialect = run.dialect
        self.coverage = run.coverage

    def measure_memory(self) -> None:
        """Raises: ConnectionFault, WorkerFault."""
        self.peak_bytes = self._run(memory_flags()).peak_bytes

    def measure_operators(self) -> None:
        """Raises: ConnectionFault; WorkerFault, also when no times are printed."""
        run = self._run(operator_flags(self.cell.plan))
        if not run.operators:
            raise WorkerFault("output", "benchmark_model printed no operator times")
        self.operators = place_operators(run.operators, run.coverage, self.cell.path)
        if self.coverage is not None and run.coverage is not None:
            self.coverage = dataclasses.replace(self.coverage, time_fraction=run.coverage.time_fraction)

    def finish(self) -> Measurement:
        """All samples of the session."""
        first = self._runs[0]
        return Measurement(
            wall_ns=tuple(_read_sample(run.summary, run.statistic) for run in self._runs),
            cpu_ns=(),
            cpu_clock=None,
            burst_count=1,
            settle_count=0,
            warmup_wall_ns=(),
            load_ns=first.summary.load_ns,
            first_ns=first.summary.first_ns,
            peak_rss_bytes=self.peak_bytes,
            idle_rss_bytes=None,
            clock_resolution_ns=max(run.resolution_ns for run in self._runs),
            sample_statistic=first.statistic,
            summaries=tuple(run.summary for run in self._runs),
        )

    def _run(self, flags: list[str]) -> BenchmarkModelRun:
        plan = self.cell.plan
        run = run_benchmark(self._client, self._build(flags), plan.timeout_s)
        _check_echo(run, self._model, plan)
        return run

    def _build(self, flags: list[str]) -> list[str]:
        try:
            return build_command(self._program.path, self._model, self.cell.plan, flags, self._tools)
        except UsageError as error:
            raise WorkerFault("device", str(error)) from error


def _check_echo(run: BenchmarkModelRun, model: str, plan: RunPlan) -> None:
    """A program that did not take the options measured something else. Raises: WorkerFault."""
    if run.graph is not None and run.graph != model:
        raise WorkerFault("output", f"benchmark_model ran {run.graph!r}, not {model}")
    if run.thread_count is not None and run.thread_count != plan.thread_count:
        raise WorkerFault("output", f"benchmark_model ran {run.thread_count} threads, not {plan.thread_count}")


def _read_sample(summary: Summary, statistic: str) -> int:
    sample = summary.median_ns if statistic == "median" else summary.mean_ns
    assert sample is not None  # the parser says which one there is
    return sample
