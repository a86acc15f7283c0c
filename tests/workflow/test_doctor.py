import json
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.workflow import doctor
from pocketbench.workflow.doctor_packages import examine_package, parse_pins, parse_requirements, read_requirements

REPOSITORY = Path(__file__).parents[2]


def install(site, name, version, metadata="", version_file=None):
    """A distribution by hand: its metadata, and a package whose version.py may say more."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}")
    (site / name).mkdir()
    (site / name / "__init__.py").write_text("raise SystemExit('doctor must not import this')\n")
    if version_file is not None:
        (site / name / "version.py").write_text(f"__version__ = '{version_file}'\n")


def examine_torchvision_in(site):
    """The finding in a fresh process that sees `site` alone; None for none."""
    code = (
        f"import sys, json; sys.path.insert(0, {str(site)!r})\n"
        "from pocketbench.core.jsonio import to_plain\n"
        "from pocketbench.workflow.doctor_packages import examine_torchvision\n"
        "print(json.dumps(to_plain(examine_torchvision())))\n"
    )
    command = [sys.executable, "-S", "-c", code]
    environment = {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_requirements_are_those_of_the_project_file():
    found = read_requirements(REPOSITORY)
    assert {"torch", "onnx", "coremltools", "SQLAlchemy"} <= set(found.required)
    assert found.optional == {"timm": "timm", "psycopg": "postgresql"}


def test_requirements_are_read_from_metadata_lines():
    found = parse_requirements(
        ["torch", "SQLAlchemy>=2", 'psycopg[binary] ; extra == "postgresql"', "timm; extra=='timm'"]
    )
    assert found.required == ("torch", "SQLAlchemy")
    assert found.optional == {"psycopg": "postgresql", "timm": "timm"}


def test_pins_are_read_without_comments_and_markers():
    lines = ["# a comment", "SQLAlchemy==2.1.9", "vl_convert.python==1.9  # why", "torch==2.13.0 ; sys_platform == 'x'"]
    text = "\n".join([*lines, "click>=8", "", ""])
    assert parse_pins(text) == {"sqlalchemy": "2.1.9", "vl-convert-python": "1.9", "torch": "2.13.0"}


def test_a_version_that_was_not_tried_is_a_warning():
    from importlib.metadata import version

    here = version("click")
    assert examine_package("click", here, "").state == "ok"
    assert examine_package("click", f"{here}+cpu", "").state == "ok"
    finding = examine_package("click", "7.0", "")
    assert (finding.state, finding.detail) == ("warning", f"{here}; tried with 7.0")
    assert "click==7.0" in finding.cure


def test_a_missing_package_is_missing_or_absent():
    assert examine_package("no-such-thing", "1", "get it").state == "missing"
    assert examine_package("no-such-thing", "1", "get it", needed=False).state == "absent"
    assert examine_package("no-such-thing", None, "get it").cure == "get it"


def test_a_torchvision_for_cuda_beside_a_torch_for_the_processor_is_named_with_its_cure(tmp_path):
    install(tmp_path, "torch", "2.13.0+cpu", version_file="2.13.0+cpu")
    install(tmp_path, "torchvision", "0.28.0", "Requires-Dist: torch (==2.13.0)\n", version_file="0.28.0+cu130")
    finding = examine_torchvision_in(tmp_path)
    assert finding["state"] == "warning"
    assert "operator torchvision::nms does not exist" in finding["detail"]
    assert finding["cure"].endswith("--index-url https://download.pytorch.org/whl/cpu torchvision==0.28.0")


@pytest.mark.parametrize("requirement", ["torch (==2.13.0)", "torch==2.13.0"])
def test_a_torchvision_for_another_torch_is_named(tmp_path, requirement):
    install(tmp_path, "torch", "2.12.0", version_file="2.12.0+cu128")
    install(tmp_path, "torchvision", "0.28.0", f"Requires-Dist: {requirement}\n", version_file="0.28.0+cu128")
    finding = examine_torchvision_in(tmp_path)
    assert finding["state"] == "warning"
    assert "built for torch 2.13.0" in finding["detail"]


@pytest.mark.parametrize(("ours", "theirs"), [("+cpu", "+cpu"), ("+cu130", "+cu130"), ("", ""), ("+cu130", "+cpu")])
def test_builds_that_go_together_are_ok(tmp_path, ours, theirs):
    install(tmp_path, "torch", "2.13.0", version_file=f"2.13.0{ours}")
    install(tmp_path, "torchvision", "0.28.0", "Requires-Dist: torch==2.13.0\n", version_file=f"0.28.0{theirs}")
    assert examine_torchvision_in(tmp_path)["state"] == "ok"


def test_without_torchvision_there_is_nothing_to_say(tmp_path):
    install(tmp_path, "torch", "2.13.0+cpu", version_file="2.13.0+cpu")
    assert examine_torchvision_in(tmp_path) is None


def test_an_old_python_is_refused():
    assert doctor.examine_python((3, 10, 12)).state == "missing"
    assert doctor.examine_python((3, 11, 0)).state == "ok"


def test_the_environment_of_tflite_runtime(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", raising=False)
    finding = doctor.examine_tflite_runtime()
    assert (finding.state, "make setup-tflite-runtime" in finding.cure) == ("absent", True)
    python = tmp_path / ".venv-tflite-runtime" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert doctor.examine_tflite_runtime().state == "warning"
    (tmp_path / ".venv-tflite-runtime/lib/python3.11/site-packages/tflite_runtime-2.14.0.dist-info").mkdir(parents=True)
    finding = doctor.examine_tflite_runtime()
    assert (finding.state, finding.detail) == ("ok", f"2.14.0, {python}")
    monkeypatch.setenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", str(tmp_path / "no python"))
    assert doctor.examine_tflite_runtime().state == "warning"


def test_the_adb_that_a_run_would_use_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_ADB", sys.executable)
    assert (doctor.examine_adb().state, doctor.examine_adb().detail) == ("ok", sys.executable)
    monkeypatch.setenv("POCKETBENCH_ADB", str(tmp_path))
    assert doctor.examine_adb().state == "warning"


def test_programs_are_looked_for_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in ("POCKETBENCH_ADB", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    assert doctor.examine_adb().state == "absent"
    assert doctor.examine_program("adb", "reaches phones", "get it").state == "absent"
    assert doctor.examine_browser().state == "absent"
    for name in ("adb", "google-chrome"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert doctor.examine_program("adb", "reaches phones", "get it").detail == str(tmp_path / "adb")
    assert doctor.examine_adb().detail == str(tmp_path / "adb")
    assert doctor.examine_browser().state == "ok"


def test_a_nearly_full_disk_is_a_warning(tmp_path, monkeypatch):
    free = doctor.shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", free * 2)
    assert doctor.examine_disk(tmp_path).state == "warning"
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 0)
    assert doctor.examine_disk(tmp_path).state == "ok"


@pytest.mark.parametrize(
    ("place", "writable"), [("new/deep/results.sqlite", True), ("results.sqlite", True), ("file/results.sqlite", False)]
)
def test_where_results_can_be_written(tmp_path, place, writable):
    (tmp_path / "file").write_text("")
    assert doctor.is_writable(tmp_path / place) is writable


def test_the_database_is_counted_by_runs(tmp_path, monkeypatch):
    from pocketbench.core.store import Store
    from tests.core.samples import RESULT, make_result

    path = tmp_path / "r.sqlite"
    monkeypatch.setenv("POCKETBENCH_DATABASE", str(path))
    assert doctor.examine_database().detail == f"{path}: 0 runs"
    Store().append(RESULT, RESULT, make_result(run_id="second"))
    assert doctor.examine_database().detail == f"{path}: 2 runs"
    monkeypatch.setenv("POCKETBENCH_DATABASE", "mysql://a/b")
    assert doctor.examine_database().state == "missing"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.sqlite"]
