"""A disk that fills up while a command stores what it measured."""

import resource
import subprocess
import sys

import pytest

from pocketbench.core.store import Store
from tests.cli.command import run_command
from tests.core.samples import RESULT
from tests.profile.onnx_files import write_relu

FILLED = 400  # results: the database is larger than any other file that the command writes

LIMIT = """
import os, resource, sys
from pocketbench.cli.main import main
size = os.path.getsize("out/results.sqlite")
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
main()
"""


@pytest.mark.slow
def test_it_is_two_lines_and_what_was_stored_stays(tmp_path):
    """A process that may not make a file longer than the database is stands for the full disk."""
    store = Store(str(tmp_path / "out" / "results.sqlite"))
    store.append(*[RESULT] * FILLED)
    assert store.file.stat().st_size > resource.getpagesize() * 100
    write_relu(tmp_path / "model.onnx", (1, 3, 32, 32))
    done = subprocess.run(
        [sys.executable, "-c", LIMIT, "profile", "model.onnx", "--threads", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith("pocketbench: can't write out/results.sqlite")
    assert second.startswith("  try: free some space")
    assert store.read_results() == [RESULT] * FILLED
    listed = run_command("results", "--csv", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    assert listed.code == 0
    assert len(listed.out.splitlines()) == FILLED + 1
