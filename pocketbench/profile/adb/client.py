"""The adb client of one phone: its serial in every command, a limit on every wait, every exit status checked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from pocketbench.core.errors import DeviceFault, one_line
from pocketbench.profile.adb.clock import Clock
from pocketbench.profile.adb.connection import (
    AnswerTimeout,
    ConnectionFault,
    describe_attached,
    explain_failure,
    explain_state,
    parse_attached,
)
from pocketbench.profile.adb.process import Ran, RunProgram, run_program
from pocketbench.profile.adb.remote_line import RemoteRun, join_words, parse_answer, wrap_line

SHELL_TIMEOUT_S = 20.0
STATE_TIMEOUT_S = 15.0  # the first command starts adb's server
OUTPUT_BYTES = 4 << 20
# A server that has just started, or a phone that was just plugged in, needs a moment.
ATTACH_WAIT_S = 4.0
RECONNECT_WAIT_S = 120.0
POLL_S = 1.0
NETWORK_SERIAL = re.compile(r"(?!emulator-)(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):\d{1,5}")


class FloodFault(DeviceFault):
    """A program printed more than is read."""


class AdbClient:
    """
    Args:
        program: the adb to run.
        serial: the phone's.
        name: what devices.toml calls it, for messages.
    """

    def __init__(
        self, program: str, serial: str, name: str, run: RunProgram = run_program, clock: Clock | None = None
    ) -> None:
        self.program = program
        self.serial = serial
        self.name = name
        self.clock = clock or Clock()
        self._run_program = run

    def shell(
        self, words: Sequence[str] | str, timeout_s: float = SHELL_TIMEOUT_S, output_limit: int = OUTPUT_BYTES
    ) -> RemoteRun:
        """Run a command on the phone.

        Args:
            words: the command and its arguments; a text is a line that `remote_line.join_script` made.

        Raises:
            ConnectionFault: when no whole answer came.
            FloodFault: when it printed more than `output_limit` bytes.
        """
        line = words if isinstance(words, str) else join_words(words)
        token = f"pocketbench-{secrets.token_hex(8)}"
        ran = self._run(["shell", wrap_line(line, token)], timeout_s, output_limit)
        if ran.is_cut:
            raise FloodFault(f"a program on {self.name} printed more than {output_limit} bytes", "look at: " + line)
        answer = parse_answer(ran.output.decode(errors="replace"), token)
        if answer is not None:
            return answer
        if ran.status is None:
            raise AnswerTimeout(
                f"{self.name} ({self.serial}) did not answer within {timeout_s:g} s", "see whether the phone hangs"
            )
        raise self._explain(ran)

    def read(self, words: Sequence[str] | str) -> str | None:
        """What a command on the phone prints; None when it fails there. Raises: ConnectionFault, FloodFault."""
        answer = self.shell(words)
        return answer.text if answer.status == 0 else None

    def push(self, source: Path, target: str, timeout_s: float) -> str | None:
        """Copy a file to the phone; what went wrong on the phone, or None. Raises: ConnectionFault."""
        ran = self._run(["push", str(source.absolute()), target], timeout_s, OUTPUT_BYTES)
        if ran.status == 0:
            return None
        if ran.status is None:
            raise AnswerTimeout(
                f"{source.name} was not copied to {self.name} within {timeout_s:g} s", "check the cable or the network"
            )
        text = one_line((ran.errors + b"\n" + ran.output).decode(errors="replace"), 240)
        if re.search(r"remote|No space|Permission denied|Read-only", text):
            return text
        raise self._explain(ran)

    def read_state(self) -> str | None:
        """adb's word for the phone: "device" when it can be used; None when it is not attached.

        Raises: ServerFault.
        """
        return self.list_attached().get(self.serial)

    def list_attached(self) -> dict[str, str]:
        """All that adb sees: states by serial. Raises: ServerFault, ConnectionFault."""
        return list_attached(self.program, self._run_program)

    def attach(self, wait_s: float = ATTACH_WAIT_S) -> None:
        """Return when the phone can be used; one with a network address is connected to.

        Raises: ConnectionFault, with the cause, when it can't be used after `wait_s`; ServerFault.
        """
        deadline = self.clock.now() + wait_s
        while True:
            attached = self.list_attached()
            state = attached.get(self.serial)
            if state == "device":
                return
            if state in (None, "offline") and NETWORK_SERIAL.fullmatch(self.serial):
                self._connect(state)
                state = self.read_state()
                if state == "device":
                    return
            if self.clock.now() >= deadline:
                if state is not None:
                    raise explain_state(self.name, self.serial, state)
                raise ConnectionFault(
                    f"{self.name} ({self.serial}) is not attached; {describe_attached(attached)}",
                    "plug it in with USB debugging on, or correct its serial in devices.toml"
                    if not NETWORK_SERIAL.fullmatch(self.serial)
                    else f"see that the phone is on and in this network, then: adb connect {self.serial}",
                )
            self.clock.sleep(POLL_S)

    def _connect(self, state: str | None) -> None:
        """A phone on the network: adb's server forgets it when it is restarted, and keeps a dead connection."""
        if state == "offline":
            self._run_program([self.program, "disconnect", self.serial], STATE_TIMEOUT_S, OUTPUT_BYTES)
        self._run_program([self.program, "connect", self.serial], STATE_TIMEOUT_S, OUTPUT_BYTES)

    def _run(self, arguments: Sequence[str], timeout_s: float, output_limit: int) -> Ran:
        return _start(self._run_program, [self.program, "-s", self.serial, *arguments], timeout_s, output_limit)

    def _explain(self, ran: Ran) -> DeviceFault:
        # what the phone printed is not looked at: it may hold any words
        return explain_failure(self.name, self.serial, one_line(ran.errors.decode(errors="replace"), 240))


def list_attached(program: str, run: RunProgram = run_program) -> dict[str, str]:
    """The states by serial of all that adb sees. Raises: ServerFault."""
    ran = _start(run, [program, "devices"], STATE_TIMEOUT_S, OUTPUT_BYTES)
    text = ran.output.decode(errors="replace")
    if ran.status != 0 or "List of devices attached" not in text:
        words = one_line(ran.errors.decode(errors="replace") or text, 240)
        raise explain_failure("the phone", "any", f"adb server: {words or 'it does not answer'}")
    return parse_attached(text)


def _start(run: RunProgram, command: Sequence[str], timeout_s: float, output_limit: int) -> Ran:
    try:
        return run(command, timeout_s, output_limit)
    except OSError as error:
        raise DeviceFault(
            f"can't run {command[0]}: {error.strerror or error}", "install adb, or set POCKETBENCH_ADB"
        ) from error
