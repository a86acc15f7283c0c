from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.profile.archive import list_agent_files, write_agent_archive
from tests.profile.agent.test_agent import LOAD
from tests.profile.onnx_files import write_relu


def test_equal_sources_give_the_same_file(tmp_path: Path) -> None:
    first = write_agent_archive(tmp_path)
    (tmp_path / "other").mkdir()
    second = write_agent_archive(tmp_path / "other")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    assert zipfile.ZipFile(first).namelist() == ["__main__.py", *(f"pocketbench/{name}" for name in list_agent_files())]


def test_it_runs_isolated_and_imports_the_project_from_itself_alone(tmp_path: Path) -> None:
    """With -I there is neither a current folder nor PYTHONPATH: what is imported comes from the file."""
    archive = write_agent_archive(tmp_path)
    model = write_relu(tmp_path / "relu.onnx")
    done = subprocess.run(
        [sys.executable, "-I", "-v", str(archive)],
        input=json.dumps({**LOAD, "path": str(model)}) + "\n",
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert "load_ns" in json.loads(done.stdout)["data"]
    imported = [line for line in done.stderr.splitlines() if line.startswith("import 'pocketbench")]
    assert len(imported) >= 8
    assert not [
        line
        for line in done.stderr.splitlines()
        if "pocketbench.core" in line or ("/pocketbench/" in line and ".pyz" not in line)
    ]


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match=r"can't write .*absent"):
        write_agent_archive(tmp_path / "absent")
