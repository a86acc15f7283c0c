"""The command as a user runs it: in a process of its own."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Outcome:
    code: int
    out: str
    err: str


def run_command(*arguments, cwd, **environment):
    """Run `pocketbench` in a folder; environment variables as keywords, None takes one away.

    A Python that stands ready forks for it (`warm_python`), unless a variable is one that Python reads at its start.
    """
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    known = {name: str(value) for name, value in variables.items() if value is not None}
    is_cold = any(name.startswith(("PYTHON", "LANG", "LC_", "OMP_")) for name in environment)
    done = (_run_cold if is_cold else _run_warm)(list(map(str, arguments)), str(cwd), known)
    assert "Traceback" not in done.err, done.err
    return done


def _run_cold(arguments, cwd, environment):
    done = subprocess.run(
        [sys.executable, "-m", "pocketbench", *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _run_warm(arguments, cwd, environment):
    server = _start_server()
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        out.touch()
        err.touch()
        request = {"arguments": arguments, "cwd": cwd, "environment": environment}
        print(json.dumps(request | {"streams": [os.devnull, str(out), str(err)]}), file=server.stdin, flush=True)
        return Outcome(int(server.stdout.readline()), out.read_text(), err.read_text())


@functools.cache
def _start_server():
    """It ends with its standard input, that is with the process of the tests."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("warm_python.py"))],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
