"""For all tests: torch on one thread, since the tests themselves run side by side on all cores; and signals as a
terminal leaves them. nohup and background jobs of a shell ignore some, and so would what tests interrupt. What a user's
cache would keep goes into a folder that is removed.

The collector of cycles looks seldom, and not at what was imported: torch and the converters hold a million objects
that it would go through again and again (coremltools asks for it in each conversion), a fifth of the time of all
tests."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile

CACHE = "POCKETBENCH_TEST_CACHE"
if CACHE not in os.environ:  # the first process; the workers of the tests are given its environment
    os.environ["XDG_CACHE_HOME"] = os.environ[CACHE] = tempfile.mkdtemp(prefix="pocketbench-tests-")
OWNER = "PYTEST_XDIST_WORKER" not in os.environ

os.environ.setdefault("OMP_NUM_THREADS", "1")
gc.set_threshold(50_000, 20, 100)
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_unconfigure() -> None:
    if OWNER:
        shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True)
