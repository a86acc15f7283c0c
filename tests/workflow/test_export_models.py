"""Export of many models: jobs, what is current, what fails, and that nothing broken is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.core.records import ModelSpec
from pocketbench.core.targets import parse_format_target
from pocketbench.workflow.export_models import Variant, export_models, plan_jobs
from pocketbench.workflow.model_specs import make_spec
from pocketbench.workflow.profile_request import request_files

ONNX, TFLITE, COREML = (parse_format_target(name) for name in ("onnx", "tflite", "coreml"))


def make_variant(function: str, target: str = "onnx") -> Variant:
    return make_spec(f"tests.workflow.nets:{function}", input_size="32"), parse_format_target(target)


def list_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestJobs:
    SPECS = tuple(ModelSpec(backbone="mobilenet_v2", width_ratio=width) for width in (0.35, 0.5, 0.75, 1.0))

    def test_with_many_models_each_is_built_once(self) -> None:
        jobs = plan_jobs([(spec, target) for spec in self.SPECS for target in (ONNX, TFLITE, COREML)], worker_count=2)
        assert [job.spec for job in jobs] == list(self.SPECS)
        assert all(job.targets == (ONNX, TFLITE, COREML) for job in jobs)

    def test_with_few_models_the_slow_format_goes_to_a_worker_of_its_own(self) -> None:
        jobs = plan_jobs([(self.SPECS[0], target) for target in (ONNX, TFLITE, COREML)], worker_count=2)
        assert [job.targets for job in jobs] == [(TFLITE,), (ONNX, COREML)]


@pytest.mark.slow
class TestExport:
    def test_a_users_function_is_exported_once_and_again_when_its_weights_change(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        variant = make_variant("from_environment")
        monkeypatch.setenv("POCKETBENCH_TEST_SEED", "1")
        first = export_models([variant], tmp_path)
        assert (first.exported_count, first.failures) == (1, [])
        again = export_models([variant], tmp_path)
        assert again.exported_count == 0
        assert again.artifacts == first.artifacts
        monkeypatch.setenv("POCKETBENCH_TEST_SEED", "2")
        other = export_models([variant], tmp_path)
        assert other.exported_count == 1
        assert other.artifacts[0].sha256 != first.artifacts[0].sha256

    def test_a_failure_costs_only_itself(self, tmp_path: Path) -> None:
        names = ["raising", "crashing", "number", "untrained", "two_inputs", "not_callable", "absent", "small"]
        outcome = export_models([make_variant(name) for name in names], tmp_path)
        assert [artifact.spec and artifact.spec.backbone for artifact in outcome.artifacts] == [
            "tests.workflow.nets:small"
        ]
        messages = {spec.backbone.partition(":")[2]: error for (spec, _), error in outcome.failures}
        assert list(messages) == names[:-1]
        assert "the weights are on another disk" in messages["raising"].what
        assert "SIGABRT" in messages["crashing"].what
        assert "int" in messages["number"].what
        assert "--weights random" in messages["untrained"].cure
        assert "forward" in messages["two_inputs"].what + messages["two_inputs"].cure
        assert all(error.exit_code in (2, 3) for error in messages.values())
        kept = outcome.artifacts[0].file_name
        assert list_files(tmp_path) == [kept, f"{kept}.json"]

    def test_an_untrained_model_is_exported_with_random_weights(self, tmp_path: Path) -> None:
        spec, target = make_variant("untrained")
        outcome = export_models([(replace(spec, weights="random"), target)], tmp_path)
        assert outcome.failures == []
        parity = outcome.artifacts[0].parity
        assert parity is not None
        assert parity.output_spread_ratio > 0.005

    def test_a_damaged_or_replaced_file_is_exported_anew(self, tmp_path: Path) -> None:
        variant = (make_spec("mobilenet_v2", width=0.35, classes=10, input_size="32"), ONNX)
        (artifact,) = export_models([variant], tmp_path).artifacts
        path = tmp_path / artifact.file_name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b"\0")
        assert export_models([variant], tmp_path).exported_count == 1
        assert path.read_bytes() == whole
        path.unlink()
        assert export_models([variant], tmp_path).exported_count == 1
        (tmp_path / f"{artifact.file_name}.json").write_text("{}")
        assert export_models([variant], tmp_path).exported_count == 1
        assert export_models([variant], tmp_path).exported_count == 0

    def test_two_exports_of_a_model_are_the_same_files(self, tmp_path: Path) -> None:
        variants = [make_variant("small", target) for target in ("onnx", "tflite", "coreml")]
        first, second = (export_models(variants, tmp_path / name).artifacts for name in ("a", "b"))
        assert [artifact.sha256 for artifact in first] == [artifact.sha256 for artifact in second]

    def test_an_exported_file_is_profiled_with_its_record(self, tmp_path: Path) -> None:
        (artifact,) = export_models([make_variant("small")], tmp_path).artifacts
        request = request_files([tmp_path / artifact.file_name])
        assert request.artifacts == [(artifact, tmp_path / artifact.file_name)]


def test_a_folder_that_cannot_be_written_is_said_before_work_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFault, match="can't write into"):
        export_models([make_variant("small")], tmp_path / "file" / "out")


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """A file-size limit fails a write half-way, as a full disk does."""
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from pocketbench.cli.main import main\n"
        "main()\n"
    )
    for target in ("onnx", "tflite", "coreml"):
        command = ["export", "--model", "mobilenet_v2", "--width", "0.35", "--classes", "10", "--input-size", "32"]
        done = subprocess.run(
            [sys.executable, "-c", code, *command, "--format", target, "--out", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 2, done.stderr
        assert list_files(tmp_path) == []


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_finished_and_stops_every_process(tmp_path: Path) -> None:
    arguments = ["--model", "mobilenet_v2", "--width", "0.35", "--input-size", "64", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pocketbench", "export", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # a job that a shell started in the background ignores Ctrl-C, and so do its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*.onnx.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    finished = [path for path in tmp_path.iterdir() if path.suffix == ".json"]
    assert finished
    for record in finished:
        assert json.loads(record.read_text())["data"]["parity"] is not None
        assert record.with_suffix("").exists()
    assert not list(tmp_path.glob(".scratch-*"))
