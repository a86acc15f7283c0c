"""The command as a user runs it: in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Outcome:
    code: int
    out: str
    err: str


def run_command(*arguments, cwd, python=(sys.executable,), **environment):
    """Run `pocketbench` in a folder; environment variables as keywords, None takes one away."""
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    done = subprocess.run(
        [*python, "-m", "pocketbench", *map(str, arguments)],
        cwd=cwd,
        env={name: str(value) for name, value in variables.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)
