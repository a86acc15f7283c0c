from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.profile import tflite_files
from tests.profile.conftest import make_cell, run_cells

CONSTRAINTS = Path(__file__).parents[2] / "constraints-tflite-runtime.txt"


@pytest.mark.slow
def test_the_pinned_environment_runs_a_file_beside_litert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is made as `make setup-tflite-runtime` makes it; a PYTHONPATH to our numpy must not leak in."""
    environment = tmp_path / ".venv-tflite-runtime"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", CONSTRAINTS, "tflite-runtime"], check=True, capture_output=True)
    monkeypatch.delenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", raising=False)
    monkeypatch.chdir(tmp_path)
    import numpy

    monkeypatch.setenv("PYTHONPATH", str(Path(numpy.__file__).parents[1]))
    files = [
        tflite_files.write_add(tmp_path / "add.tflite", 2, signature=(-1, 4)),
        tflite_files.write_cast(tmp_path / "cast.tflite", tflite_files.Type.UINT8),
        tflite_files.write_accumulator(tmp_path / "accumulator.tflite"),
        tflite_files.write_split_by_cumsum(tmp_path / "cut.tflite", 2),
    ]
    cells = [make_cell(path, engine) for path in files for engine in ("tflite_runtime", "litert")]
    for result in run_cells(*cells):
        assert result.failure is None, result
        assert result.measurement is not None
        if result.plan.engine == "tflite_runtime":
            assert result.tools["tflite-runtime"] == "2.14.0"
            assert result.tools["numpy"].startswith("1.")
        else:
            assert result.tools["numpy"].startswith("2.")
