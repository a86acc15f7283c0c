"""Lines are run by a real shell, as the phone's would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pocketbench.profile.adb.remote_line import RemoteRun, join_script, join_words, parse_answer, wrap_line

TOKEN = "pocketbench-0123456789abcdef"
NASTY = ["a b", "it's", '"', "; rm -rf /", "$(touch x)", "`touch x`", "\\", "*", "", "-n", "é\nü"]


def run(line: str, folder: Path) -> RemoteRun | None:
    done = subprocess.run(["sh", "-c", wrap_line(line, TOKEN)], capture_output=True, text=True, cwd=folder, check=False)
    assert done.stderr == ""
    return parse_answer(done.stdout, TOKEN)


def test_words_and_arguments_of_scripts_are_only_text(tmp_path: Path) -> None:
    expected = RemoteRun(status=0, text="".join(f"<{word}>" for word in NASTY))
    assert run(join_words(["printf", "<%s>", *NASTY]), tmp_path) == expected
    assert run(join_script("printf '<%s>' \"$@\"", *NASTY), tmp_path) == expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [0, 1, 7, 126, 137, 255])
def test_the_status_comes_back_whatever_is_printed(tmp_path: Path, status: int) -> None:
    script = 'echo out; echo err >&2; printf "no end"; exit $1'
    assert run(join_script(script, str(status)), tmp_path) == RemoteRun(status=status, text="out\nerr\nno end")


def test_a_program_finds_no_input(tmp_path: Path) -> None:
    assert run("cat", tmp_path) == RemoteRun(status=0, text="")


def test_an_answer_through_a_terminal() -> None:
    assert parse_answer(f"a\r\nb\r\n\r\n{TOKEN} 3\r\n", TOKEN) == RemoteRun(status=3, text="a\nb\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        f"a\n{TOKEN}",
        f"a\n{TOKEN} ",
        f"a{TOKEN} 0\n",
        f"\n{TOKEN} 1000\n",
        f"\n{TOKEN} 0\nmore\n",
        f"\n{TOKEN} -1\n",
    ],
)
def test_an_answer_that_was_cut_is_none(text: str) -> None:
    assert parse_answer(text, TOKEN) is None


def test_a_program_can_not_forge_a_status() -> None:
    text = f"\npocketbench-ffffffffffffffff 0\n\n{TOKEN} 5\n"
    assert parse_answer(text, TOKEN) == RemoteRun(status=5, text="\npocketbench-ffffffffffffffff 0\n")
