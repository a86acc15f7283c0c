"""That the tests' own way of running the command is that of a user."""

import os

import pytest

from tests.cli import command


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["results"], 0), (["results", "--limit", "x"], 2), (["report", "--suite", "absent.toml"], 3)],
)
def test_a_python_that_stands_ready_does_as_a_new_one(tmp_path, arguments, code):
    environment = {**os.environ, "PYTHONPATH": str(command.REPOSITORY)}
    cold, warm = (run(arguments, str(tmp_path), environment) for run in (command._run_cold, command._run_warm))
    assert warm == cold
    assert warm.code == code
    assert cold.out or cold.err


def test_a_crash_is_a_traceback_and_code_1(tmp_path):
    (tmp_path / "pocketbench.py").write_text("raise RuntimeError('no pocketbench')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = command._run_warm([], str(tmp_path), environment)
    assert found.code == 1
    assert found.err.splitlines()[0] == "Traceback (most recent call last):"
    assert found.err.endswith("RuntimeError: no pocketbench\n")
