"""Starts the namespaces of a phone, and ends all that is in them when its standard input is closed.

It is a process of its own, so that nothing stays behind when the tests are killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path


def find_members(namespace: str) -> list[int]:
    """The processes whose network namespace is this one ("net:[4026532281]")."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "ns/net").readlink().name == namespace:
                    found.append(int(entry.name))
            except OSError:  # it has ended, or is another user's
                continue
    return found


def main(arguments: list[str]) -> int:
    """Run `phone_root.py` with the arguments as the first process of new namespaces, and print its number here.

    Its folder (the first argument) goes with it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    root = Path(__file__).with_name("phone_root.py")
    outer = subprocess.Popen(
        [*command, sys.executable, "-I", str(root), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    if outer.stdout is None or outer.stdout.readline() != b"ready\n":
        outer.kill()
        shutil.rmtree(arguments[0])
        return 1
    (first,) = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    namespace = Path(f"/proc/{first}/ns/net").readlink().name
    print(first, flush=True)
    sys.stdin.buffer.read()
    outer.kill()
    outer.wait()
    # the server of adb runs in the phone's network, outside its process namespace
    deadline = time.monotonic() + 10
    while (members := find_members(namespace)) and time.monotonic() < deadline:
        for member in members:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)
    shutil.rmtree(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
