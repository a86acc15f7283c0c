"""The agent on an ARM processor, for what it computes and says; nothing here is a latency."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.core.records import CoreCluster
from pocketbench.profile.agent.board import GREETING
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.cell import CellSession
from pocketbench.profile.device import make_device
from pocketbench.profile.worker import Worker
from tests.devices.aarch64 import CORE_COUNT, MAX_KHZ, MODEL, ArmMachine, set_up_machine
from tests.profile.conftest import make_cell
from tests.profile.operator_files import write_convolutions, write_tflite_convolutions

pytestmark = pytest.mark.slow

# Loads a model with the agent's own code, on whatever runs this, and prints what it computes.
COMPUTE = """
import json, platform, sys
archive, engine, path = sys.argv[1:]
sys.path.insert(0, archive)
from pocketbench.profile.agent import agent
request = {"engine": engine, "thread_count": 1, "shapes": None, "seed": 0}
engine = agent._make_engine(request)
model = agent.open_model(engine, path, request)
model.invoke()
if hasattr(engine, "read_outputs"):
    outputs = engine.read_outputs()
else:
    from pocketbench.profile.agent.inputs import make_inputs
    outputs = engine._session.run(None, make_inputs(model.inputs, model.shapes.sizes, 0, None))
print(json.dumps({"abi": platform.machine(), "outputs": [output.tolist() for output in outputs]}))
"""


@pytest.fixture(scope="module")
def arm() -> ArmMachine:
    return set_up_machine()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_agent_archive(tmp_path_factory.mktemp("agent"))


def compute(python: Sequence[str], archive: Path, engine: str, path: Path, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [*python, "-c", COMPUTE, str(archive), ENGINES.entry(engine).target, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("engine", "write"), [("onnxruntime", write_convolutions), ("litert", write_tflite_convolutions)]
)
def test_it_computes_what_the_host_computes(
    arm: ArmMachine, archive: Path, tmp_path: Path, engine: str, write: Any
) -> None:
    path = write(tmp_path / f"net{'.onnx' if engine == 'onnxruntime' else '.tflite'}", [3, 5])
    there = compute(arm.python, archive, engine, path, **arm.environment)
    here = compute([sys.executable], archive, engine, path)
    assert (there["abi"], here["abi"]) == ("aarch64", os.uname().machine)
    assert len(there["outputs"]) == len(here["outputs"]) == 1
    for found, expected in zip(there["outputs"], here["outputs"], strict=True):
        assert np.std(expected) > 0.01, "a constant output would prove nothing"
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_a_session_is_measured_by_its_worker(arm: ArmMachine, archive: Path, tmp_path: Path) -> None:
    cell = make_cell(write_convolutions(tmp_path / "net.onnx", [3]), "onnxruntime", timeout_s=300.0)
    running = CellSession(cell, Worker([*arm.python, str(archive)], arm.environment))
    try:
        running.prepare()
        running.run_burst()
        measurement = running.finish()
    finally:
        running.kill()
    assert running.facts["tools"]["python"].startswith("3.11.")
    assert len(measurement.wall_ns) == 3
    assert min(measurement.wall_ns) > 0
    assert measurement.peak_rss_bytes is not None


def test_the_board_says_what_it_is(arm: ArmMachine, archive: Path) -> None:
    requests = [{"do": "facts"}, {"do": "state"}]
    done = subprocess.run(
        [*arm.python, str(archive), "board"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        env={**os.environ, **arm.environment},
        timeout=300,
        check=False,
    )
    empty, greeting, *replies = done.stdout.splitlines()
    assert (empty, greeting) == ("", GREETING)
    facts, state = (json.loads(reply)["data"] for reply in replies)
    device = make_device(facts, "ssh")
    assert (device.abi, device.soc) == ("aarch64", MODEL)
    assert device.clusters == (CoreCluster(cores=tuple(range(CORE_COUNT)), max_khz=MAX_KHZ),)
    assert state["governor"] == "performance"
    assert state["frequency_khz"] == MAX_KHZ
