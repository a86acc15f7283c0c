"""Workers that misbehave. They are Python scripts: the worker's protocol is lines of JSON, whoever speaks it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from pocketbench.profile.agent.worker_process import describe_exit
from pocketbench.profile.worker import Worker, WorkerFault

HELLO = "import sys, json, os, time, subprocess\nline = sys.stdin.readline()\n"


def start(script: str) -> Worker:
    return Worker([sys.executable, "-c", HELLO + script])


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(process_id: int) -> bool:
    """Whether the process ends; a killed grandchild needs a moment to be reaped by init."""
    for _ in range(500):
        if not is_running(process_id):
            return True
        time.sleep(0.01)
    return False


def fail(worker: Worker, timeout_s: float = 30.0) -> WorkerFault:
    with pytest.raises(WorkerFault) as caught:
        worker.request({"do": "burst"}, timeout_s)
    assert not is_running(worker.process_id)
    return caught.value


def test_data_comes_back_and_the_worker_ends_by_itself() -> None:
    worker = start("print(json.dumps({'data': json.loads(line)}), flush=True)\nsys.stdin.read()")
    assert worker.request({"do": "x", "text": "é\n"}, 30.0) == {"do": "x", "text": "é\n"}
    worker.close()
    assert not is_running(worker.process_id)
    worker.close()
    worker.kill()


def test_a_reply_may_be_long_and_come_in_pieces() -> None:
    worker = start(
        "text = json.dumps({'data': {'wall_ns': [10 ** 9] * 100_000}})\n"
        "for start in range(0, len(text), 50_000):\n"
        "    sys.stdout.write(text[start:start + 50_000]); sys.stdout.flush()\n"
        "print(flush=True); sys.stdin.read()"
    )
    assert worker.request({"do": "burst"}, 30.0) == {"wall_ns": [10**9] * 100_000}
    worker.close()


def test_a_refusal_keeps_the_worker() -> None:
    worker = start(
        "print(json.dumps({'error': {'kind': 'load', 'message': 'no such\\nfile'}}), flush=True)\n"
        "sys.stdin.readline(); print(json.dumps({'data': {}}), flush=True)"
    )
    with pytest.raises(WorkerFault) as caught:
        worker.request({"do": "load"}, 30.0)
    assert (caught.value.failure.kind, caught.value.failure.message) == ("load", "no such file")
    assert worker.request({"do": "finish"}, 30.0) == {}
    worker.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("os.abort()", "died of SIGABRT"),
        ("os.kill(os.getpid(), 11)", "died of SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "died of SIGKILL (often: out of memory)"),
        ("sys.exit(3)", "exit status 3"),
        ("sys.stderr.write('one\\n\\ntwo\\n'); sys.stderr.flush(); os.abort()", "it last said: one | two"),
    ],
)
def test_a_death_is_named_with_its_last_words(script: str, message: str) -> None:
    failure = fail(start(script)).failure
    assert failure.kind == "crash"
    assert message in failure.message


def test_a_worker_that_is_dead_already_is_a_crash() -> None:
    worker = Worker([sys.executable, "-c", "import sys; sys.exit(4)"])
    assert wait_until_gone(worker.process_id)
    assert "exit status 4" in fail(worker).failure.message


def test_last_words_are_the_last() -> None:
    failure = fail(start("sys.stderr.write('x' * 10**6 + '\\nthe cause\\n'); sys.stderr.flush(); os.abort()")).failure
    assert failure.message.endswith("the cause")
    assert len(failure.message) <= 400


def test_a_hang_is_ended_with_all_that_the_worker_started() -> None:
    worker = start(
        "child = subprocess.Popen(['sleep', '600'])\n"
        "print(json.dumps({'data': {'child': child.pid}}), flush=True)\ntime.sleep(600)"
    )
    child = worker.request({"do": "load"}, 30.0)["child"]
    assert is_running(child)
    failure = fail(worker, timeout_s=0.1).failure
    assert failure.kind == "timeout"
    assert "'burst' within 0.1 s" in failure.message
    assert wait_until_gone(child)


def test_half_a_line_is_no_answer() -> None:
    failure = fail(start("sys.stdout.write('{\"data\"'); sys.stdout.flush(); time.sleep(600)"), timeout_s=0.5).failure
    assert failure.kind == "timeout"


def test_closing_the_streams_and_living_on_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketbench.profile.agent.worker_process.EXIT_WAIT_S", 0.2)
    failure = fail(start("os.close(1); time.sleep(600)")).failure
    assert (failure.kind, failure.message) == ("crash", "the worker stopped answering")


def test_closing_ends_a_worker_that_does_not_care(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketbench.profile.agent.worker_process.EXIT_WAIT_S", 0.2)
    worker = start("print(json.dumps({'data': {}}), flush=True); time.sleep(600)")
    worker.request({"do": "load"}, 30.0)
    worker.close()
    assert not is_running(worker.process_id)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(WorkerFault, match="can't run /nowhere/python: No such file") as caught:
        Worker(["/nowhere/python"])
    assert caught.value.failure.kind == "missing_package"


def test_no_descriptor_is_left_open() -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    worker = start("print(json.dumps({'data': {}}), flush=True); sys.stdin.read()")
    before = count()
    worker.request({"do": "load"}, 30.0)
    worker.close()
    for _ in range(3):
        fail(start("os.abort()"))
    assert count() < before


def test_unknown_signals_have_a_number() -> None:
    assert describe_exit(-77) == "the worker died of signal 77"
    assert json.dumps(describe_exit(0))
