from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.records import Artifact, Device, RunPlan, RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.session import profile_cells

PLUGIN = Path(__file__).parent / "plugin"
QUICK = {
    "session_count": 1,
    "round_count": 2,
    "burst_count": 3,
    "settle_count": 1,
    "warmup_count": 1,
    "timeout_s": 60.0,
}
DEVICE = Device(
    device_id="host-test",
    transport="host",
    model=None,
    soc=None,
    os_version=None,
    abi=None,
    core_count=2,
    memory_bytes=None,
)


def make_cell(path: Path, engine: str, **plan: Any) -> Cell:
    """A cell with a plan of few samples."""
    content = path.read_bytes() if path.is_file() else b""
    artifact = Artifact(
        spec=None,
        format=path.suffix[1:],
        precision=None,
        file_name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )
    return Cell(artifact=artifact, path=path, plan=RunPlan(engine=engine, **{**QUICK, **plan}))


def run_cells(*cells: Cell, **options: Any) -> list[RunResult]:
    return profile_cells(cells, run_id="run", device=DEVICE, **{"on_result": lambda _: None, **options})


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines of `plugin/bench_plugin.py`, found here and in workers by their entry points."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))


@pytest.fixture
def fake_model(tmp_path: Path) -> Path:
    """A file that the plug-in's engines take."""
    path = tmp_path / "model.fake"
    path.write_text("a model")
    return path
