from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pocketbench.core.errors import EnvironmentFault, FileFault, MissingPackageError, UnknownNameError
from pocketbench.profile.catalog import ENGINES, engine_suffixes
from pocketbench.profile.runtimes import engine_python, worker_command

OWN = Path(sys.executable)


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for engine in ENGINES.names():
        monkeypatch.delenv(f"POCKETBENCH_{engine.upper()}_PYTHON", raising=False)


def make_python(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_this_python_runs_what_it_has() -> None:
    assert engine_python("onnxruntime") == engine_python("litert") == OWN


def test_the_order_of_what_names_an_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingPackageError, match="make setup-tflite-runtime") as caught:
        engine_python("tflite_runtime")
    assert "POCKETBENCH_TFLITE_RUNTIME_PYTHON" in caught.value.cure
    default = make_python(tmp_path / ".venv-tflite-runtime/bin/python")
    assert engine_python("tflite_runtime") == default
    named = make_python(tmp_path / "named")
    monkeypatch.setenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", str(named))
    assert engine_python("tflite_runtime") == named
    given = make_python(tmp_path / "given")
    assert engine_python("tflite_runtime", given) == given
    assert engine_python("tflite_runtime", Path("given")) == given
    assert engine_python("litert") == OWN


def test_a_link_to_an_interpreter_stays_a_link(tmp_path: Path) -> None:
    """An environment's python is a link to the base one; resolved, it would lose its packages."""
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert engine_python("litert", link) == link


@pytest.mark.parametrize("name", ["absent", "folder", "text"])
def test_an_interpreter_that_can_not_run_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no program")
    with pytest.raises(FileFault, match=name):
        engine_python("litert", Path(name))


def test_unknown_engines_have_neither() -> None:
    with pytest.raises(UnknownNameError):
        engine_python("litter")
    with pytest.raises(UnknownNameError, match="did you mean 'litert'"):
        engine_suffixes("litter")


def test_another_interpreter_runs_isolated() -> None:
    archive = Path("agent.pyz")
    assert worker_command(OWN, archive) == [sys.executable, "agent.pyz"]
    assert worker_command(Path("/other/python"), archive) == ["/other/python", "-I", "agent.pyz"]


def test_every_engine_of_ours_says_what_it_runs_and_how_to_install_it() -> None:
    suffixes = {name: engine_suffixes(name) for name in ENGINES.names()}
    assert suffixes == {
        "benchmark_model": (".tflite",),
        "coreml": (".mlpackage",),
        "litert": (".tflite",),
        "onnxruntime": (".onnx", ".ort"),
        "tflite_runtime": (".tflite",),
    }
    assert all(ENGINES.entry(name).install for name in suffixes)


def test_an_engine_says_what_it_runs_without_its_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("onnxruntime", "ai_edge_litert"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    assert engine_suffixes("onnxruntime") == (".onnx", ".ort")


@pytest.mark.usefixtures("plugin")
def test_a_plug_in_that_can_not_be_loaded_is_an_error_with_its_name() -> None:
    assert engine_suffixes("no_operation") == (".fake",)
    with pytest.raises(EnvironmentFault, match=r"'no_such_class' \(plug-in of bench-plugin\) can't be loaded"):
        engine_suffixes("no_such_class")
    with pytest.raises(EnvironmentFault, match=r"'no_suffixes' .* has no suffixes"):
        engine_suffixes("no_suffixes")
