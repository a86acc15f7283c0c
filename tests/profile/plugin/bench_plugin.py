"""Engines of a third party that behave badly. It is not installed: the tests put this folder on the path."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path


class NoOperation:
    suffixes = (".fake",)

    def versions(self):
        return {"bench-plugin": "1.0"}

    def open(self, path, _thread_count):
        self.path = path
        self.call_count = 0
        return []

    def prepare(self, _sizes):
        pass

    def bind(self, _arrays):
        return self.invoke

    def invoke(self):
        self.call_count += 1

    def outputs(self):
        return []

    def delegation(self):
        return None


class Abort(NoOperation):
    def invoke(self):
        print("heap is corrupt", file=sys.stderr, flush=True)
        os.abort()


class AbortInSecondRound(NoOperation):
    """1 first inference, 1 warm-up and one burst of 3 go well."""

    def invoke(self):
        super().invoke()
        if self.call_count > 5:
            os.abort()


class Exit(NoOperation):
    def invoke(self):
        os._exit(7)


class Hang(NoOperation):
    """Starts a process of its own, writes both numbers to the model file's folder, and hangs."""

    def invoke(self):
        child = subprocess.Popen(["sleep", "600"])
        Path(self.path).with_name("processes").write_text(f"{os.getpid()} {child.pid}")
        time.sleep(600)


class HangWhenTold(NoOperation):
    """Hangs as soon as there is a file "hang" beside the model."""

    def invoke(self):
        if Path(self.path).with_name("hang").exists():
            Path(self.path).with_name("hanging").write_text(str(os.getpid()))
            time.sleep(600)


class Chatty(NoOperation):
    """Writes to both of Python's streams and to the descriptors under them, and reads stdin."""

    def invoke(self):
        print('{"data": "not a reply"}')
        print("a warning", file=sys.stderr)
        os.write(1, b'{"data": "nor this"}\n')
        subprocess.run(["echo", "a child's words"], check=True)
        sys.stdin.read()


class MissingPackage(NoOperation):
    def __init__(self):
        import a_runtime_that_nobody_installed  # noqa: F401


class Raises(NoOperation):
    def invoke(self):
        raise RuntimeError("no kernel for this operator")
