from __future__ import annotations

import pytest

from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.folder import FOLDER, PROCESS_PATTERN
from pocketbench.profile.adb.invocation import explain_exit, find_last_words, kill_leftovers, run_benchmark
from pocketbench.profile.adb.process import Ran
from pocketbench.profile.adb.remote_line import RemoteRun
from pocketbench.profile.worker import WorkerFault
from tests.profile.adb.fake_phone import LOST, FakePhone

COMMAND = ["b", "--graph=/data/local/tmp/m.tflite", "--num_runs=50"]
SILENT = Ran(status=None, output=b"", errors=b"")


def fail(phone: FakePhone) -> WorkerFault:
    with pytest.raises(WorkerFault) as caught:
        run_benchmark(phone.client(), COMMAND, 10)
    return caught.value


@pytest.mark.parametrize(
    ("status", "text", "took_s", "kind", "words"),
    [
        (1, "ERROR: Failed to load model /data/m.tflite", 1, "load", "exit status 1"),
        (1, "ERROR: Benchmarking failed.", 1, "run", "Benchmarking failed"),
        (139, "INFO: STARTING!", 1, "crash", "SIGSEGV; it last said: INFO: STARTING!"),
        (137, "", 1, "crash", "SIGKILL (often: out of memory)"),
        (137, "", 10, "timeout", "within 10 s"),
        (124, "", 10.2, "timeout", "within 10 s"),
        (126, "sh: not executable: 64-bit ELF file", 0, "device", "64-bit ELF"),
        (127, "sh: /x: not found", 0, "device", "/x: not found"),
        (128 + 99, "", 0, "crash", "signal 99"),
    ],
)
def test_ends_of_a_program(status: int, text: str, took_s: float, kind: str, words: str) -> None:
    failure = explain_exit(RemoteRun(status=status, text=text), took_s=took_s, limit_s=10).failure
    assert failure.kind == kind
    assert words in failure.message


def test_last_words_are_short_and_printable() -> None:
    words = find_last_words("first\n" + "\x1b[2J\0\r\n" * 3 + "x" * 10_000 + "\nlast\n\n")
    assert words.endswith("| last")
    assert len(words) < 300
    assert words.isprintable()
    assert find_last_words("") == ""


@pytest.mark.parametrize("text", ["", "garbage\n", "count=50 first=12% curr=12% min=1% max=1% avg=12.5% std=1%\n"])
def test_what_is_not_understood_is_a_failure_and_no_number(text: str) -> None:
    phone = FakePhone()
    phone.before_run = lambda _: text
    assert fail(phone).failure.kind == "output"


def test_a_status_that_is_not_0_is_a_failure_whatever_was_printed() -> None:
    phone = FakePhone()
    good = phone._run_benchmark(COMMAND)
    assert isinstance(good, tuple)
    phone.before_run = lambda _: (1, good[1])
    assert fail(phone).failure.kind == "run"


def test_a_program_that_hangs_where_there_is_no_timeout() -> None:
    phone = FakePhone()
    phone.processes = [17, 18]
    phone.before_run = lambda _: SILENT
    failure = fail(phone).failure
    assert (failure.kind, failure.message) == ("timeout", "benchmark_model was not done within 10 s")
    assert phone.processes == []


def test_a_program_that_prints_without_end() -> None:
    phone = FakePhone()
    phone.processes = [17]
    phone.before_run = lambda _: Ran(status=None, output=b"", errors=b"", is_cut=True)
    assert fail(phone).failure.kind == "output"
    assert phone.processes == []


def test_a_phone_that_is_gone_is_no_failure_of_the_model() -> None:
    phone = FakePhone()
    phone.before_run = lambda _: LOST
    with pytest.raises(ConnectionFault):
        run_benchmark(phone.client(), COMMAND, 10)

    def go(_: list[str]) -> Ran:
        phone.states.clear()
        return SILENT

    phone.before_run = go
    with pytest.raises(ConnectionFault):
        run_benchmark(phone.client(), COMMAND, 10)


def test_an_interrupt_leaves_nothing_running() -> None:
    phone = FakePhone()
    phone.processes = [17]

    def interrupt(_: list[str]) -> None:
        raise KeyboardInterrupt

    phone.before_run = interrupt
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(phone.client(), COMMAND, 10)
    assert phone.processes == []


def test_only_numbers_of_processes_are_killed() -> None:
    phone = FakePhone()
    kill_leftovers(phone.client())
    assert [words[0] for words in phone.lines] == ["sh"]
    # the pattern finds our folder, and not the command that looks for it
    assert f"{FOLDER}/" != PROCESS_PATTERN
    assert PROCESS_PATTERN.replace("[p]", "p") == f"{FOLDER}/"
