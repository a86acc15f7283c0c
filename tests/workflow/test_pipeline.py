"""The whole way with real converters and runtimes: from a suite to its report, by the command."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pocketbench.core.store import Store
from pocketbench.core.targets import parse_format_target
from pocketbench.workflow.export_models import export_models
from pocketbench.workflow.model_specs import make_spec

pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pocketbench", *arguments], cwd=folder, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == code, done.stderr
    return done


def test_from_a_suite_to_its_report(tmp_path: Path) -> None:
    first = run(tmp_path, "export", "--suite", "smoke", "--json")
    artifacts = json.loads(first.stdout)
    assert [item["format"] for item in artifacts] == ["onnx", "tflite", "coreml"] * 2
    assert all(item["parity"]["relative_error"] < item["parity"]["relative_tolerance"] for item in artifacts)
    # each format counts on its own graph what torch counts on the network
    assert all(item["graph_facts"]["mac_count"] == item["model_facts"]["mac_count"] for item in artifacts)

    again = run(tmp_path, "export", "--suite", "smoke")
    assert "all 6 files are up to date: nothing to do" in again.stderr

    measured = run(tmp_path, "profile", "--suite", "smoke")
    assert measured.stdout.count("x1.00") == 2  # the baseline on both runtimes
    results = Store(str(tmp_path / "out/results.sqlite")).read_results()
    assert len(results) == 2 * 2 * 2  # models, engines, sessions
    assert all(result.measurement and len(result.measurement.wall_ns) == 3 * 4 for result in results)

    listed = list(csv.DictReader(run(tmp_path, "results", "--csv").stdout.splitlines()))
    assert len(listed) == 8

    run(tmp_path, "report", "--suite", "smoke", "--out", "report")
    names = {path.name for path in (tmp_path / "report").iterdir()}
    figures = ("report-litert-1-thread-tflite-fp32", "report-onnxruntime-1-thread-onnx-fp32")
    assert names == {
        *(f"report.{suffix}" for suffix in ("csv", "html", "json", "md", "tex")),
        *(f"{name}.{suffix}" for name in figures for suffix in ("png", "svg")),
    }
    markdown = (tmp_path / "report/report.md").read_text()
    for text in ("baseline", "+ se (r 24)", "litert", "onnxruntime", "How it was measured", "could be confirmed"):
        assert text in markdown


def test_files_of_anybody_are_profiled_together_and_a_broken_one_costs_its_row(tmp_path: Path) -> None:
    export = ("export", "--model", "mobilenet_v2", "--width", "0.35", "--input-size", "32", "--classes", "10")
    run(tmp_path, *export, "--format", "onnx", "--out", ".")
    (good,) = tmp_path.glob("*.onnx")
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:5000])
    done = run(tmp_path, "profile", good.name, "cut.onnx", "--sessions", "1", "--rounds", "2", code=3)
    assert good.stem.partition("_1")[0].split("_")[0] in done.stdout
    assert "cut.onnx on onnxruntime: load" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert "Traceback" not in done.stderr
    (failed,) = [result for result in Store(str(tmp_path / "out/results.sqlite")).read_results() if result.failure]
    assert failed.artifact.file_name == "cut.onnx"


def test_every_lowered_block_is_one_partition_of_the_delegate_with_nothing_outside(tmp_path: Path) -> None:
    blocks = ["se", "eca", "cbam", "ca"]
    specs = [make_spec("mobilenet_v2", width=0.35, attention=block, input_size="64", classes=10) for block in blocks]
    outcome = export_models([(spec, parse_format_target("tflite")) for spec in specs], tmp_path)
    assert outcome.failures == []
    facts = {artifact.spec.block: artifact.graph_facts for artifact in outcome.artifacts if artifact.spec is not None}
    assert {name: (item and (item.partition_count, item.outside_delegate_count)) for name, item in facts.items()} == {
        name: (1, 0) for name in blocks
    }
    # the transpose of the input alone
    assert {name: item and item.layout_operator_count for name, item in facts.items() if name in ("se", "ca")} == {
        "se": 1,
        "ca": 1,
    }


def test_a_timm_model_goes_to_all_formats(tmp_path: Path) -> None:
    spec = make_spec("timm:mobilenetv3_small_100", input_size="64")
    outcome = export_models([(spec, parse_format_target(name)) for name in ("onnx", "tflite", "coreml")], tmp_path)
    assert outcome.failures == []
    assert [artifact.format for artifact in outcome.artifacts] == ["onnx", "tflite", "coreml"]
