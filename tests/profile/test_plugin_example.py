"""`tests/plugin_example` installed by pip into an environment of its own, and used through the command line."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.profile.onnx_files import write_relu

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[1] / "plugin_example"
BROKEN = """
[pocketbench.engines]
raises_on_import = bench_broken.raises:Engine
exits_on_import = bench_broken.exits:Engine
is_not_there = bench_broken.absent:Engine
says_nothing = bench_broken:Engine
[pocketbench.runners]
broken_transport = bench_broken.raises:Runner
"""
QUICK = ("--sessions", "1", "--rounds", "1")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that sees this environment's packages, with the example installed, and a broken plug-in."""
    folder = tmp_path_factory.mktemp("plugin")
    venv.create(folder / "venv", with_pip=False)
    interpreter = folder / "venv" / "bin" / "python"
    packages = Path(
        sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")})
    )
    own = [path for path in site.getsitepackages() if Path(path).is_dir()]
    lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in own)
    (packages / "this_environment.pth").write_text(lines)
    project = folder / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(interpreter), "--disable-pip-version-check"),
            *("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", str(project)),
        ],
        check=True,
        capture_output=True,
    )
    assert (packages / "bench_example-1.0.dist-info" / "entry_points.txt").is_file()
    broken = packages / "bench_broken"
    broken.mkdir()
    (broken / "__init__.py").write_text("class Engine: pass\n")
    (broken / "raises.py").write_text("raise RuntimeError('written for another release')\n")
    (broken / "exits.py").write_text("raise SystemExit(9)\n")
    info = packages / "bench_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(BROKEN)
    return interpreter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_relu(tmp_path / "relu.onnx")
    return tmp_path


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("POCKETBENCH_")}
    environment |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    return subprocess.run(
        [str(python), "-m", "pocketbench", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_its_engine_is_listed_beside_ours(python: Path, folder: Path) -> None:
    done = run(python, folder, "list", "engines")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "onnx_reference plug-in of bench-example" in lines
    assert "raises_on_import plug-in of bench-broken" in lines
    assert any(line.startswith("onnxruntime ") for line in lines)


def test_its_engine_measures(python: Path, folder: Path) -> None:
    done = run(python, folder, "profile", "relu.onnx", "--engine", "onnx_reference,onnxruntime", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    results = {result["plan"]["engine"]: result for result in json.loads(done.stdout)}
    assert set(results) == {"onnx_reference", "onnxruntime"}
    assert "onnx" in results["onnx_reference"]["tools"]
    assert all(len(result["measurement"]["wall_ns"]) == 10 for result in results.values())


def test_operators_of_a_runtime_without_a_profiler_cost_a_caveat(python: Path, folder: Path) -> None:
    done = run(python, folder, "profile", "relu.onnx", "--engine", "onnx_reference", *QUICK, "--operators", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["operator_times"] is None
    (text,) = [caveat["text"] for caveat in result["caveats"] if caveat["code"] == "no_operator_times"]
    assert text.startswith("operator times were asked for: operator times are not known for onnx ")


def test_its_runner_is_a_transport_of_devices(python: Path, folder: Path) -> None:
    (folder / "devices.toml").write_text('format = 1\n[[device]]\nname = "slow"\ntransport = "niced"\n')
    listed = run(python, folder, "devices")
    assert listed.returncode == 0, listed.stderr
    assert "slow" in listed.stdout
    checked = run(python, folder, "devices", "check", "slow")
    assert checked.returncode == 0, checked.stderr
    assert "onnx_reference" in checked.stdout
    done = run(python, folder, "profile", "relu.onnx", "--on", "slow,host", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    results = {result["device"]["name"]: result for result in json.loads(done.stdout)}
    assert set(results) == {"slow", "host"}
    assert results["slow"]["device"]["transport"] == "niced"
    assert results["slow"]["plan"]["engine"] == "onnxruntime"
    assert "niced" in [caveat["code"] for caveat in results["slow"]["caveats"]]
    assert "niced" not in [caveat["code"] for caveat in results["host"]["caveats"]]
    both = run(python, folder, "profile", "relu.onnx", "--on", "slow", "--engine", "onnx_reference", *QUICK)
    assert both.returncode == 0, both.stderr


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("raises_on_import", "can't be loaded: RuntimeError: written for another release"),
        ("exits_on_import", "can't be loaded: SystemExit: 9"),
        ("is_not_there", "can't be loaded: ModuleNotFoundError"),
        ("says_nothing", "has no suffixes"),
    ],
)
def test_a_broken_engine_is_named_when_it_is_asked_for(python: Path, folder: Path, engine: str, reason: str) -> None:
    done = run(python, folder, "profile", "relu.onnx", "--engine", engine, *QUICK)
    assert done.returncode == 3
    assert f"engine '{engine}' (plug-in of bench-broken) {reason}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_stops_nobody_else(python: Path, folder: Path) -> None:
    for arguments in (("list",), ("devices",), ("profile", "relu.onnx", *QUICK)):
        done = run(python, folder, *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    assert "Traceback" not in run(python, folder, "doctor").stderr  # what else it says is this environment's
    (folder / "devices.toml").write_text('format = 1\n[[device]]\nname = "odd"\ntransport = "broken_transport"\n')
    done = run(python, folder, "profile", "relu.onnx", "--on", "odd", *QUICK)
    assert done.returncode == 3
    assert "transport 'broken_transport' (plug-in of bench-broken) can't be loaded" in done.stderr
