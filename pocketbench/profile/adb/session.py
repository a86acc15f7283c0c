"""A session on a phone: rounds of short runs, each model in turn, on a phone that is cool and awake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from pocketbench.core.records import Caveat, Conditions, Device, Failure, Measurement
from pocketbench.profile.adb.benchmark_program import BenchmarkProgram
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.conditions import read_phone_conditions, set_clocks
from pocketbench.profile.adb.cooling import HeatFault, await_cool
from pocketbench.profile.adb.invocation import kill_leftovers
from pocketbench.profile.adb.phone_cell import PhoneCell
from pocketbench.profile.adb.quiet import Quiet
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.progress import Steps
from pocketbench.profile.rotation import order_round
from pocketbench.profile.worker import WorkerFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phone that is ready to measure on. `tools` are the programs that it has, of taskset and timeout."""

    client: AdbClient
    entry: DeviceEntry
    device: Device
    program: BenchmarkProgram
    tools: frozenset[str]
    quiet: Quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one cell in one session. `notes` are caveats of the passes that gave nothing."""

    index: int
    found: Measurement | Failure
    before: Conditions
    after: Conditions
    phone_cell: PhoneCell
    notes: tuple[Caveat, ...] = ()


class PhoneSession:
    """One session of the cells that are due.

    `running` is the cell that runs, or that ran when the phone was lost; None between cells.

    Args:
        due: the cells by index. A cell that fails leaves it, and is not in the repetition of a session.
        with_operators: the indices of the cells whose operators are timed, too.
    """

    def __init__(
        self, phone: Phone, due: dict[int, Cell], session_index: int, steps: Steps, with_operators: Collection[int]
    ) -> None:
        self._phone = phone
        self._due = due
        self._session_index = session_index
        self._steps = steps
        self._with_operators = with_operators
        self.running: int | None = None

    def run(self) -> Iterator[Outcome]:
        """Yield each failure when it happens, and the measurements at the end: a session that is interrupted has none.

        Raises:
            ConnectionFault: when the phone is gone; the session can be run again then.
            HeatFault: when it does not cool down before the session.
            DeviceFault: when the phone has no room for the program.
        """
        client = self._phone.client
        kill_leftovers(client)
        self._phone.quiet.apply()
        await_cool(client, self._phone.entry, lambda heat: self._tell(f"{self._phone.entry.name} rests: {heat}"))
        before = self._read_conditions()
        live = self._make_cells()
        yield from self._step(live, before, "sending", lambda cell: cell.place())
        before = self._read_loaded(live)
        for round_index in range(max((cell.plan.round_count for cell in self._due.values()), default=0)):
            active = {index: cell for index, cell in live.items() if round_index < cell.cell.plan.round_count}
            if active:
                yield from self._run_round(active, round_index, before)
                live = {index: cell for index, cell in live.items() if index in self._due}
        after = self._read_loaded(live)
        notes = self._run_passes(live)
        for index, phone_cell in live.items():
            found = phone_cell.finish()
            yield Outcome(
                index=index, found=found, before=before, after=after, phone_cell=phone_cell, notes=notes[index]
            )

    def _make_cells(self) -> dict[int, PhoneCell]:
        phone = self._phone
        return {index: PhoneCell(cell, phone.client, phone.program, phone.tools) for index, cell in self._due.items()}

    def _run_round(self, active: dict[int, PhoneCell], round_index: int, before: Conditions) -> Iterator[Outcome]:
        try:
            await_cool(
                self._phone.client,
                self._phone.entry,
                lambda heat: self._tell(f"{self._phone.entry.name} rests: {heat}"),
                with_battery=False,
            )
        except HeatFault as fault:
            for index, phone_cell in active.items():
                yield self._fail(index, phone_cell, WorkerFault("hot", str(fault)), before)
            return
        indices = list(active)
        order = [indices[position] for position in order_round(len(indices), round_index)]
        text = f"round {round_index + 1}"
        yield from self._step({index: active[index] for index in order}, before, text, lambda cell: cell.run_once())

    def _step(
        self, cells: dict[int, PhoneCell], before: Conditions, text: str, do: Callable[[PhoneCell], None]
    ) -> Iterator[Outcome]:
        """Do one thing for every cell; those that fail leave `cells`."""
        for index, phone_cell in list(cells.items()):
            self._tell(f"{text}: {phone_cell.cell.artifact.file_name}")
            self.running = index
            try:
                do(phone_cell)
            except WorkerFault as fault:
                del cells[index]
                yield self._fail(index, phone_cell, fault, before)
            else:
                self._steps.finish(index, self._session_index)
            self.running = None

    def fail_running(self, failure: Failure) -> Outcome:
        """The outcome of the cell that ran when the phone was lost, once too often. Raises: ConnectionFault."""
        assert self.running is not None
        now = self._read_conditions()
        phone_cell = self._make_cells()[self.running]
        del self._due[self.running]
        return Outcome(index=self.running, found=failure, before=now, after=now, phone_cell=phone_cell)

    def _fail(self, index: int, phone_cell: PhoneCell, fault: WorkerFault, before: Conditions) -> Outcome:
        after = self._read_conditions()
        del self._due[index]
        return Outcome(index=index, found=fault.failure, before=before, after=after, phone_cell=phone_cell)

    def _run_passes(self, live: Mapping[int, PhoneCell]) -> dict[int, tuple[Caveat, ...]]:
        """What disturbs a latency comes after it. A pass that fails leaves a caveat."""
        notes: dict[int, tuple[Caveat, ...]] = {index: () for index in live}
        for index, phone_cell in live.items():
            self._tell(f"memory: {phone_cell.cell.artifact.file_name}")
            try:
                phone_cell.measure_memory()
            except WorkerFault as fault:
                notes[index] += (Caveat(code="no_peak_memory", text=f"no peak memory: {fault.failure.message}"),)
        for index in self._with_operators:
            if index not in live:
                continue
            self._tell(f"operator times: {live[index].cell.artifact.file_name}")
            try:
                live[index].measure_operators()
            except WorkerFault as fault:
                text = f"operator times were asked for: {fault.failure.message}"
                notes[index] += (Caveat(code="no_operator_times", text=text),)
        return notes

    def _read_conditions(self) -> Conditions:
        return read_phone_conditions(self._phone.client, self._phone.device.soc)

    def _read_loaded(self, live: Mapping[int, PhoneCell]) -> Conditions:
        """The conditions with the clocks that the first of the models finds."""
        first = next(iter(live.values()), None)
        if first is None:
            return self._read_conditions()
        self._tell(f"clocks: {first.cell.artifact.file_name}")
        try:
            clocks = first.read_clocks()
        except WorkerFault:  # a round will tell what is wrong with the model
            clocks = {}
        return set_clocks(self._read_conditions(), clocks)

    def _tell(self, text: str) -> None:
        self._steps.begin(f"session {self._session_index + 1}, {text}")
