"""All sessions of a run on a phone: prepared, repeated when the phone was lost, and reported as results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import Caveat, Device, Failure, Measurement, RunResult
from pocketbench.profile.adb.benchmark_program import ENGINE, BenchmarkProgram, find_program, place_program
from pocketbench.profile.adb.client import POLL_S, RECONNECT_WAIT_S, AdbClient
from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.facts import read_phone_device
from pocketbench.profile.adb.folder import model_path
from pocketbench.profile.adb.program import read_version
from pocketbench.profile.adb.push import make_folder
from pocketbench.profile.adb.quiet import keep_quiet
from pocketbench.profile.adb.remote_line import join_script
from pocketbench.profile.adb.session import Outcome, Phone, PhoneSession
from pocketbench.profile.caveats import find_caveats
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.progress import Progress, Steps
from pocketbench.profile.session import read_git_commit

# Each loss costs a session. A phone that goes away every time has a bad cable, or a model that it does not survive.
MAX_LOSSES = 2
_LIST_TOOLS = 'for tool; do command -v "$tool" >/dev/null 2>&1 && echo "$tool"; done; true'


class PhoneSessions:
    """The sessions of one run, on a phone that is attached and held.

    Args:
        client: of the phone.
        on_result, on_progress, done: as in `runner.Runner.profile`.
    """

    def __init__(
        self,
        client: AdbClient,
        entry: DeviceEntry,
        device: Device,
        cells: Sequence[Cell],
        *,
        run_id: str,
        on_result: Callable[[RunResult], None],
        on_progress: Callable[[Progress], None] | None,
        done: Collection[tuple[int, int]],
        with_operators: bool,
    ) -> None:
        self._client = client
        self._entry = entry
        self._device = device
        self._cells = cells
        self._run_id = run_id
        self._on_result = on_result
        self._done = done
        self._with_operators = with_operators
        self._steps = Steps(cells, done, on_progress)
        self._results: list[RunResult] = []
        self._failed: set[int] = set()
        self._git_commit = read_git_commit()
        self._adb_version = read_version(client.program)

    def run(self) -> list[RunResult]:
        """Measure, and leave the phone as it was. Raises: DeviceFault, FileFault."""
        client = self._client
        program, tools = self._prepare()
        with keep_quiet(client, _find_cores(self._cells)) as quiet:
            phone = Phone(
                client=client, entry=self._entry, device=self._device, program=program, tools=tools, quiet=quiet
            )
            for session_index in range(max((cell.plan.session_count for cell in self._cells), default=0)):
                due = self._find_due(session_index)
                if not due:
                    continue
                if self._results:
                    client.clock.sleep(max(cell.plan.cooldown_s for cell in due.values()))
                self._run_surely(phone, due, session_index)
        return self._results

    def _prepare(self) -> tuple[BenchmarkProgram, frozenset[str]]:
        """The phone with the program on it and nothing of earlier runs that this one does not need, and its tools."""
        for _ in range(MAX_LOSSES):
            try:
                return self._place_program()
            except ConnectionFault as fault:
                self._await_return(fault)
        return self._place_program()

    def _place_program(self) -> tuple[BenchmarkProgram, frozenset[str]]:
        client = self._client
        _check_same_phone(client, self._device)
        program = find_program(client, self._entry)
        make_folder(client, {program.path, *(model_path(cell.artifact.sha256) for cell in self._cells)})
        place_program(client, program)
        tools = client.read(join_script(_LIST_TOOLS, "taskset", "timeout")) or ""
        return program, frozenset(tools.split())

    def _find_due(self, session_index: int) -> dict[int, Cell]:
        return {
            index: cell
            for index, cell in enumerate(self._cells)
            if session_index < cell.plan.session_count
            and (index, session_index) not in self._done
            and index not in self._failed
        }

    def _run_surely(self, phone: Phone, due: dict[int, Cell], session_index: int) -> None:
        """Run a session, anew when the phone was lost in it; a model in which it is lost each time is given up."""
        last = {index for index, cell in due.items() if session_index + 1 == cell.plan.session_count}
        losses: Counter[int | None] = Counter()
        while due:
            session = PhoneSession(phone, due, session_index, self._steps, last if self._with_operators else ())
            try:
                for outcome in session.run():
                    self._report(outcome, phone, session_index)
            except ConnectionFault as fault:
                losses[session.running] += 1
                self._await_return(fault)
                if losses[session.running] > MAX_LOSSES:
                    text = f"{fault.what}, {losses[session.running]} times in session {session_index + 1}"
                    if session.running is None:
                        raise DeviceFault(text, fault.cure) from fault
                    failure = Failure(kind="connection", message=f"{text}, each time while this model ran")
                    self._report(session.fail_running(failure), phone, session_index)
                for index in due:
                    self._steps.restart(index, session_index)
            else:
                return

    def _await_return(self, fault: ConnectionFault) -> None:
        """Raises: DeviceFault when the phone does not come back."""
        clock = self._client.clock
        self._steps.begin(f"{fault.what}; waiting for {self._entry.name} to come back")
        deadline = clock.now() + RECONNECT_WAIT_S
        while True:
            try:
                self._client.attach(max(0.0, deadline - clock.now()))
                _check_same_phone(self._client, self._device)
            except ConnectionFault as gone:
                if clock.now() >= deadline:
                    raise DeviceFault(
                        f"{self._entry.name} was lost and did not come back within {RECONNECT_WAIT_S:g} s: {gone.what}",
                        f"{gone.cure}. The next run, or: pocketbench devices check {self._entry.name}, puts back what "
                        "was changed on it",
                    ) from fault
                clock.sleep(POLL_S)
            else:
                return

    def _report(self, outcome: Outcome, phone: Phone, session_index: int) -> None:
        if isinstance(outcome.found, Failure):
            self._failed.add(outcome.index)
            self._steps.give_up(outcome.index)
        result = self._make_result(outcome, phone, session_index)
        self._results.append(result)
        self._on_result(result)

    def _make_result(self, outcome: Outcome, phone: Phone, session_index: int) -> RunResult:
        cell = self._cells[outcome.index]
        measurement = outcome.found if isinstance(outcome.found, Measurement) else None
        caveats: tuple[Caveat, ...] = ()
        if measurement is not None:
            caveats = find_caveats(
                measurement,
                outcome.before,
                outcome.after,
                cell.plan,
                core_count=self._device.core_count,
                is_virtual=None,
                own_load=0,
                assumed_batch=_find_open_batch(cell),
            )
        return RunResult(
            run_id=self._run_id,
            session_index=session_index,
            artifact=cell.artifact,
            device=self._device,
            plan=cell.plan,
            measurement=measurement,
            failure=outcome.found if isinstance(outcome.found, Failure) else None,
            conditions_before=outcome.before,
            conditions_after=outcome.after,
            caveats=(*caveats, *outcome.notes),
            tools=self._describe_tools(phone, outcome),
            git_commit=self._git_commit,
            operator_times=outcome.phone_cell.operators if measurement is not None else None,
            coverage=outcome.phone_cell.coverage,
        )

    def _describe_tools(self, phone: Phone, outcome: Outcome) -> dict[str, str]:
        parts = [f"sha256 {phone.program.sha256}" if phone.program.sha256 else phone.program.path]
        if outcome.phone_cell.dialect is not None:
            parts.append(f"{outcome.phone_cell.dialect} build")
        tools = {ENGINE: ", ".join(parts)}
        return tools if self._adb_version is None else {**tools, "adb": self._adb_version}


def _check_same_phone(client: AdbClient, device: Device) -> None:
    """Raises: DeviceFault when another phone has come to the address."""
    found = read_phone_device(client, client.name)
    if found.device_id != device.device_id:
        raise DeviceFault(
            f"{client.serial} is another phone by now ({found.model or found.device_id})",
            "attach the first one again; give each phone an entry of its own in devices.toml",
        )


def _find_cores(cells: Sequence[Cell]) -> set[int] | None:
    """The cores that the cells run on; None for all."""
    masks = [cell.plan.core_mask for cell in cells]
    if None in masks:
        return None
    return {core for mask in masks if mask is not None for core in range(mask.bit_length()) if mask >> core & 1}


def _find_open_batch(cell: Cell) -> list[str]:
    """The inputs whose batch is open in the file: benchmark_model takes it as 1."""
    facts = cell.artifact.graph_facts
    return [] if facts is None else [item.name for item in facts.inputs if item.shape and item.shape[0] is None]
