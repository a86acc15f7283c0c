"""What of a plug-in travels to a board; and that it runs there without being installed."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.profile import plugin_sources
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import ENGINES, engine_suffixes
from pocketbench.profile.plugin_sources import read_plugin_sources
from tests.profile.agent.test_agent import LOAD
from tests.profile.onnx_files import write_relu

EXAMPLE = Path(__file__).parents[1] / "plugin_example"

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes a plug-in with these files and this engine, as if pip had installed it."""

    def write(files: dict[str, str | bytes], target: str) -> Path:
        info = tmp_path / "bench_thing-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-thing\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pocketbench.engines]\nthing = {target}\n")
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        monkeypatch.syspath_prepend(str(tmp_path))
        return tmp_path

    return write


def test_without_plugins_nothing_travels() -> None:
    assert all(entry.target.startswith("pocketbench.") for entry in ENGINES.entries().values())
    assert read_plugin_sources() == {}


def test_a_module_travels_without_being_imported(install: Install) -> None:
    install({"bench_thing.py": "raise SystemExit('imported')"}, "bench_thing:Thing")
    assert read_plugin_sources() == {"bench_thing.py": b"raise SystemExit('imported')"}
    assert "bench_thing" not in sys.modules


def test_a_package_travels_whole(install: Install) -> None:
    files = {"bench_thing/__init__.py": "", "bench_thing/deep/engine.py": "x = 1", "bench_thing/weights.bin": "no"}
    install(files, "bench_thing.deep.engine:Thing")
    assert read_plugin_sources() == {"bench_thing/__init__.py": b"", "bench_thing/deep/engine.py": b"x = 1"}


@pytest.mark.parametrize("target", ["absent_package:Thing", ":Thing", "bench thing:Thing"])
def test_what_is_not_there_is_left_out(install: Install, target: str) -> None:
    install({}, target)
    assert read_plugin_sources() == {}


def test_what_is_too_large_is_left_out(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install({"bench_thing/__init__.py": "", "bench_thing/data.py": "#" * 200}, "bench_thing:Thing")
    assert len(read_plugin_sources()) == 2
    monkeypatch.setattr(plugin_sources, "MAX_BYTES", 199)
    assert read_plugin_sources() == {}
    monkeypatch.setattr(plugin_sources, "MAX_BYTES", 200)
    monkeypatch.setattr(plugin_sources, "MAX_FILES", 1)
    assert read_plugin_sources() == {}


def test_suffixes_must_be_texts(install: Install) -> None:
    from pocketbench.core.errors import EnvironmentFault

    install({"bench_thing.py": "class Thing:\n    suffixes = ('.onnx', 3)\n"}, "bench_thing:Thing")
    with pytest.raises(EnvironmentFault, match=r"engine 'thing' \(plug-in of bench-thing\) has no suffixes"):
        engine_suffixes("thing")


def test_the_example_runs_from_the_archive_alone(tmp_path: Path) -> None:
    package = EXAMPLE / "bench_example"
    sources = {f"bench_example/{path.name}": path.read_bytes() for path in package.glob("*.py")}
    archive = write_agent_archive(tmp_path, sources)
    assert set(sources) < set(zipfile.ZipFile(archive).namelist())
    request = {**LOAD, "engine": "bench_example.engine:OnnxReference", "path": str(write_relu(tmp_path / "relu.onnx"))}
    done = subprocess.run(
        [sys.executable, "-I", str(archive)],
        input=json.dumps(request) + "\n" + json.dumps({"do": "burst", "count": 2}) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, burst = map(json.loads, done.stdout.splitlines())
    assert "onnx" in loaded["data"]["tools"]
    assert len(burst["data"]["wall_ns"]) == 2
