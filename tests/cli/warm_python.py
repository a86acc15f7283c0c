"""A Python that has imported the packages that most verbs need, and forks for each command.

Importing pandas, SQLAlchemy and the like, and clearing them away at the end, took most of the time of these tests. A
command still has a process, a folder, variables and streams of its own, and imports all of pocketbench itself.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import sys

PACKAGES = ("click", "numpy", "pandas", "rich.console", "rich.table", "sqlalchemy.dialects.sqlite", "sqlalchemy.orm")


def serve() -> None:
    """Read requests, one a line: the arguments of `run` by name; answer each with its exit code."""
    for name in PACKAGES:
        importlib.import_module(name)
    gc.freeze()  # else the collector of each child writes to, and so copies, all that it shares with this process
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return run(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def run(arguments: list[str], cwd: str, environment: dict[str, str], streams: list[str]) -> None:
    """`python -m pocketbench` with standard input, output and error from and to files; does not return.

    What is not caught ends this process with a traceback, as it would end that one.
    """
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace", buffering=1)  # noqa: SIM115
    sys.path[:1] = [cwd, *environment["PYTHONPATH"].split(os.pathsep)]
    importlib.invalidate_caches()
    sys.argv[1:] = arguments
    try:
        runpy.run_module("pocketbench", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ending:
        code = ending.code or 0
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
