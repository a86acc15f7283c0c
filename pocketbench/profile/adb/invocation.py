"""One run of benchmark_model on the phone, and what went wrong when it did not come to its end."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator, Sequence

from pocketbench.profile.adb.client import AdbClient, FloodFault
from pocketbench.profile.adb.connection import AnswerTimeout, ConnectionFault
from pocketbench.profile.adb.folder import PROCESS_PATTERN
from pocketbench.profile.adb.remote_line import RemoteRun, join_script
from pocketbench.profile.parsers.benchmark_model import BenchmarkModelRun, parse_benchmark_model
from pocketbench.profile.parsers.output_fault import OutputFault
from pocketbench.profile.worker import WorkerFault

# The phone's own limit ends a run first, where it has one.
SPARE_S = 15.0
TIMEOUT_STATUSES = (124, 128 + signal.SIGKILL)
CANT_START_STATUSES = (126, 127)
LAST_LINES = 4
LAST_WORDS_LENGTH = 240
LOAD_WORDS = re.compile(r"failed to (?:load|mmap|open|build|construct|compile)|could not open", re.IGNORECASE)
_FIND_PROCESSES = 'grep -ls "$1" /proc/[0-9]*/cmdline; true'


def run_benchmark(client: AdbClient, command: Sequence[str], limit_s: float) -> BenchmarkModelRun:
    """Run a command of `command.build_command` and read what it prints. Nothing of it runs on when this returns.

    Args:
        limit_s: how long it may take on the phone.

    Raises:
        ConnectionFault: when the phone is gone.
        WorkerFault: when the program crashes, hangs, refuses, or prints what is not understood.
    """
    begin = client.clock.now()
    with end_what_runs(client, limit_s):
        answer = client.shell(command, timeout_s=limit_s + SPARE_S)
    if answer.status != 0:
        raise explain_exit(answer, took_s=client.clock.now() - begin, limit_s=limit_s)
    try:
        return parse_benchmark_model(answer.text)
    except OutputFault as fault:
        raise WorkerFault("output", fault.what) from fault


@contextlib.contextmanager
def end_what_runs(client: AdbClient, limit_s: float) -> Iterator[None]:
    """Run the block; when it does not come to its end, nothing of what it started stays on the phone.

    Raises: WorkerFault in place of a program that hangs or floods.
    """
    try:
        yield
    except AnswerTimeout as error:
        kill_leftovers(client)  # a phone that is gone says so here
        raise WorkerFault("timeout", f"benchmark_model was not done within {limit_s:g} s") from error
    except FloodFault as error:
        kill_leftovers(client)
        raise WorkerFault("output", error.what) from error
    except ConnectionFault:
        raise
    except BaseException:
        with contextlib.suppress(ConnectionFault):  # the first reason is the one to tell
            kill_leftovers(client)
        raise


def explain_exit(answer: RemoteRun, *, took_s: float, limit_s: float) -> WorkerFault:
    """The failure behind an exit status."""
    words = find_last_words(answer.text)
    said = f"; it last said: {words}" if words else ""
    if answer.status in TIMEOUT_STATUSES and took_s >= limit_s:
        return WorkerFault("timeout", f"benchmark_model was not done within {limit_s:g} s{said}")
    if answer.status in CANT_START_STATUSES:
        return WorkerFault("device", f"benchmark_model can't be started (exit status {answer.status}){said}")
    if answer.status > 128:
        return WorkerFault("crash", f"benchmark_model died of {_name_signal(answer.status - 128)}{said}")
    kind = "load" if LOAD_WORDS.search(answer.text) else "run"
    return WorkerFault(kind, f"benchmark_model ended with exit status {answer.status}{said}")


def find_last_words(text: str) -> str:
    """The last lines of an output, on one line."""
    lines = [line.strip() for line in text[-20_000:].splitlines() if line.strip()]
    words = " | ".join(lines[-LAST_LINES:])
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return words if len(words) <= LAST_WORDS_LENGTH else f"...{words[-LAST_WORDS_LENGTH:]}"


def kill_leftovers(client: AdbClient) -> None:
    """End all that runs on the phone from our folder: a run whose connection was lost goes on.

    Raises: ConnectionFault.
    """
    text = client.read(join_script(_FIND_PROCESSES, PROCESS_PATTERN)) or ""
    numbers = re.findall(r"^/proc/(\d{1,10})/cmdline$", text, re.MULTILINE)
    if numbers:
        client.shell(["kill", "-9", *numbers])


def _name_signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return name + (" (often: out of memory)" if number == signal.SIGKILL else "")
