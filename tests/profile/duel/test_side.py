from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.profile.duel.side import inspect_side
from pocketbench.profile.worker import WorkerFault
from tests.profile.onnx_files import write_relu
from tests.profile.tflite_files import write_split_by_cumsum

AGENT = [sys.executable, "-m", "pocketbench.profile.agent.agent"]
PLAN = DuelPlan(engine="onnxruntime", timeout_s=60.0)

SCRIPTED = """
import json, sys
log = open(sys.argv[1], "w", buffering=1)
loads = 0
for line in sys.stdin:
    request = json.loads(line)
    log.write(request["do"] + " " + str(request.get("count", "")) + "\\n")
    data = {}
    if request["do"] == "load":
        loads += 1
        data = {
            "tools": {"python": "3.11"},
            "inputs": [{"name": "b", "dtype": "int64"}, {"name": "a", "dtype": "float32"}],
            "sizes": {"a": [1, 3], "b": []},
            "partition_count": 2,
            "outside_delegate_count": 1,
        }
    if request["do"] == "burst":
        # the first calls of a load are slow; the median of the others is 800 times the number of the load
        data = {"wall_ns": [9999] * 5 + [100 * loads * step for step in range(1, request["count"] - 4)], "cpu_ns": []}
    if request["do"] == "finish":
        data = {"peak_rss_bytes": 1000 + loads}
    print(json.dumps({"data": data}), flush=True)
"""


def test_what_a_side_is_by_what_its_worker_says(tmp_path: Path) -> None:
    log = tmp_path / "log"
    facts = inspect_side([sys.executable, "-S", "-c", SCRIPTED, str(log)], tmp_path / "net.onnx", PLAN, 3)
    assert facts.tools == {"python": "3.11"}
    assert facts.inputs == (("float32", (1, 3)), ("int64", ()))  # sorted: names and order may differ between sides
    assert (facts.partition_count, facts.outside_delegate_count) == (2, 1)
    assert facts.peak_rss_bytes == 1001  # of one load: later ones would add theirs
    assert facts.load_medians_ns == (1600, 2400, 3200)
    assert log.read_text().split("\n")[:3] == ["load ", "burst 5", "finish "]


def test_a_real_model_of_onnx_runtime(tmp_path: Path) -> None:
    facts = inspect_side(AGENT, write_relu(tmp_path / "relu.onnx", ("batch", 3, 8, 8)), PLAN, 2)
    assert set(facts.tools) == {"python", "numpy", "onnxruntime"}
    assert facts.inputs == (("float32", (1, 3, 8, 8)),)  # an open batch is run as 1
    assert facts.partition_count is None
    assert facts.peak_rss_bytes is not None
    assert facts.peak_rss_bytes > 1_000_000
    assert len(facts.load_medians_ns) == 2
    assert all(value > 0 for value in facts.load_medians_ns)


def test_a_real_model_of_litert_has_partitions(tmp_path: Path) -> None:
    path = write_split_by_cumsum(tmp_path / "net.tflite", 2)
    facts = inspect_side(AGENT, path, DuelPlan(engine="litert", timeout_s=60.0), 0)
    assert (facts.partition_count, facts.outside_delegate_count) == (3, 2)
    assert facts.load_medians_ns == ()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("import os; os.abort()", "crash"),
        ("import time; time.sleep(600)", "timeout"),
        (f"print({json.dumps({'error': {'kind': 'run', 'message': 'no kernel'}})!r}); input(); input()", "run"),
    ],
)
def test_a_side_that_does_not_run_is_a_fault_and_its_worker_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, kind: str
) -> None:
    from pocketbench.profile.duel import side as module

    started: list[Any] = []
    real = module.Worker
    monkeypatch.setattr(module, "Worker", lambda *args: started.append(real(*args)) or started[-1])
    plan = DuelPlan(engine="onnxruntime", timeout_s=1.0 if kind == "timeout" else 60.0)
    with pytest.raises(WorkerFault) as caught:
        inspect_side([sys.executable, "-S", "-u", "-c", script], tmp_path / "net.onnx", plan, 0)
    assert caught.value.failure.kind == kind
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].process_id, 0)
