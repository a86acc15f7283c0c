import importlib.metadata
import json
import subprocess
import sys

import pytest

from tests.cli.command import REPOSITORY, run_command


@pytest.fixture
def bare_python(tmp_path):
    """Arguments for a Python that has click and nothing else of what is installed here."""
    import click

    site = tmp_path / "bare site"
    site.mkdir()
    (site / "click").symlink_to(click.__path__[0])
    start = f"import sys; sys.path.insert(0, {str(site)!r}); from pocketbench.cli.main import main; main()"
    return [sys.executable, "-S", "-c", start], site


def run_bare(bare_python, cwd, *arguments):
    done = subprocess.run(
        [*bare_python[0], "doctor", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_it_says_what_is_installed_here(tmp_path):
    done = run_command("doctor", "--json", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    report = json.loads(done.out)
    found = {finding["name"]: finding for finding in report["findings"]}
    assert (done.code, report["ok"]) == (0, True)
    for name in ("torch", "onnxruntime", "coremltools", "SQLAlchemy"):
        assert found[name]["detail"].startswith(importlib.metadata.version(name))
    assert found["Python"]["detail"].startswith(sys.version.split()[0])
    assert found["results"]["detail"] == "out/results.sqlite: 0 runs"
    assert list(tmp_path.iterdir()) == []


def test_people_get_a_line_each_and_the_cure_below(tmp_path):
    done = run_command("doctor", cwd=tmp_path, PATH=tmp_path, POCKETBENCH_DATABASE=None)
    lines = done.out.splitlines()
    place = next(index for index, line in enumerate(lines) if line.split()[:2] == ["absent", "make"])
    assert lines[place].endswith("not installed; it runs the targets of the Makefile")
    assert lines[place + 1].strip() == "try: sudo apt-get install make"
    assert (done.code, done.err) == (0, "")


def test_what_is_required_and_missing_is_exit_code_3_and_the_line_that_installs_it(tmp_path, bare_python):
    done = run_bare(bare_python, tmp_path)
    assert done.returncode == 3
    assert "MISSING  torch" in done.stdout
    what, cure = done.stderr.splitlines()
    assert "torch" in what
    assert cure == "  try: make setup"


def test_json_is_complete_when_something_is_missing(tmp_path, bare_python):
    done = run_bare(bare_python, tmp_path, "--json")
    report = json.loads(done.stdout)
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert report["ok"] is False
    assert (states["torch"], states["timm"], states["Python"]) == ("missing", "absent", "ok")


def test_a_broken_database_is_named(tmp_path):
    (tmp_path / "broken.sqlite").write_text("no database, but a text of some length " * 10)
    done = run_command("doctor", cwd=tmp_path, POCKETBENCH_DATABASE="broken.sqlite")
    assert done.code == 3
    assert "results" in done.err
    assert "broken.sqlite is not a results database" in done.out


def test_it_imports_nothing_heavy(tmp_path):
    heavy = "torch", "numpy", "pandas", "onnx", "onnxruntime", "timm", "torchvision", "coremltools", "ai_edge_litert"
    code = (
        "import sys\nfrom pocketbench.workflow.doctor import examine\nexamine()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
