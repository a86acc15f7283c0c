"""A command line for the phone's shell, and how its exit status comes back.

Old daemons always report 0 and mix the streams, so that the status is printed behind the output, for every daemon in
the same way. Then what adb itself writes to stderr is adb's own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRun:
    """What a command on the phone printed, to both streams, and its exit status."""

    status: int
    text: str


def join_script(script: str, *arguments: str) -> str:
    """The line that runs a script of ours with `arguments` as $1, $2...: their text is never read as commands."""
    return shlex.join(["sh", "-c", script, "sh", *arguments])


def wrap_line(line: str, token: str) -> str:
    """The line that runs `line` and then prints `token` with its status."""
    return f"( {line} ) 2>&1 </dev/null; s=$?; echo; echo {token} $s"


def parse_answer(text: str, token: str) -> RemoteRun | None:
    """What came before the token, and the status after it; None for an answer that was cut."""
    plain = text.replace("\r\n", "\n")  # daemons without shell_v2 answer through a terminal
    found = re.search(rf"\n{re.escape(token)} (\d{{1,3}})\n?\Z", plain)
    return None if found is None else RemoteRun(status=int(found[1]), text=plain[: found.start()])


def join_words(words: Sequence[str]) -> str:
    """A command and its arguments as one line."""
    return shlex.join(words)
