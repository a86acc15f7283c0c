import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

from tests.cli.command import REPOSITORY, run_command


@pytest.fixture
def folder(tmp_path):
    """A folder with the script for bash, and a program `pocketbench` that completes, and else says how it was run."""
    path = tmp_path / "pocketbench"
    path.write_text(
        f'#!/bin/sh\n[ -n "$_POCKETBENCH_COMPLETE" ] || {{ echo "ran <$*>"; exit; }}\n'
        f'PYTHONPATH={REPOSITORY} exec {sys.executable} -m pocketbench "$@"\n'
    )
    path.chmod(0o755)
    (tmp_path / "completion.bash").write_text(run_command("completion", "bash", cwd=tmp_path).out)
    return tmp_path


def press_tab_in_bash(folder, line):
    """How `pocketbench` is run when a person types `line`, Tab and Enter in an interactive bash."""
    bash = shutil.which("bash")
    assert bash, "bash is not installed: sudo apt-get install bash"
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        [bash, "--norc", "--noprofile", "-i"],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(folder)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, b"source completion.bash\n" + line.encode() + b"\t\n")
        text, deadline = "", time.monotonic() + 60
        while "ran <" not in text or ">" not in text.partition("ran <")[2]:
            assert time.monotonic() < deadline, text
            if select.select([ours], [], [], 1)[0]:
                text += os.read(ours, 4096).decode(errors="replace")
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
    return text.partition("ran <")[2].partition(">")[0]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("pocketbench resul", "results"),
        ("pocketbench results --fai", "results --failed"),
        ("pocketbench list su", "list suites"),
        ("pocketbench ga", "gate"),
        ("pocketbench gate --base-r", "gate --base-ref"),
        ("pocketbench compa", "compare"),
        ("pocketbench completion z", "completion zsh"),
        ("pocketbench nothing-like-it", "nothing-like-it"),
    ],
)
def test_tab_completes_in_a_real_bash(folder, line, completed):
    assert press_tab_in_bash(folder, line) == completed


@pytest.mark.parametrize(
    ("shell", "mark"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef pocketbench"), ("fish", "complete --no-files")],
)
def test_each_shell_has_a_script_that_calls_the_program(tmp_path, shell, mark):
    done = run_command("completion", shell, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert mark in done.out
    assert f"_POCKETBENCH_COMPLETE={shell}_complete" in done.out


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]])
def test_usage_errors(tmp_path, arguments):
    done = run_command("completion", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
