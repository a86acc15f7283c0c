from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.profile.conftest import PLUGIN
from tests.profile.test_worker import wait_until_gone

ROOT = Path(__file__).parents[2]
SCRIPT = """
import signal, sys
from pathlib import Path
from pocketbench.core.jsonio import dump_record
from tests.profile.conftest import make_cell, run_cells

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start background jobs with it ignored
folder = Path(sys.argv[1])
model = folder / "model.fake"

def store(result):
    with (folder / "results").open("a") as stream:
        stream.write(dump_record(result) + "\\n")
    (folder / "hang").touch()  # from now on the engine hangs

run_cells(make_cell(model, "no_operation", session_count=2), make_cell(model, "hang_when_told", session_count=2),
          on_result=store)
"""


def test_an_interrupt_keeps_finished_sessions_and_leaves_no_process(fake_model: Path) -> None:
    folder = fake_model.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(PLUGIN)])}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(3000):
            if (folder / "hanging").exists() and (folder / "hanging").read_text():
                break
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        children = [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        assert len(children) == 2
        assert int((folder / "hanging").read_text()) in children
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert all(wait_until_gone(child) for child in children)
    results = [json.loads(line)["data"] for line in (folder / "results").read_text().splitlines()]
    assert [(result["plan"]["engine"], result["session_index"]) for result in results] == [
        ("no_operation", 0),
        ("hang_when_told", 0),
    ]
    assert all(len(result["measurement"]["wall_ns"]) == 6 for result in results)
