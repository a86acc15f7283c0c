from __future__ import annotations

from pathlib import Path

from pocketbench.workflow.gate.nowhere import list_models_that_ran_nowhere
from pocketbench.workflow.gate.request import GateRequest
from tests.workflow.gate.requests import LITERT, make_file, make_request


def list_missing(request: GateRequest) -> dict[str, str]:
    cells = list_models_that_ran_nowhere(request, "host-1")
    assert all(cell.verdict == "missing" for cell in cells)
    return {cell.key.model: cell.reason for cell in cells}


def test_a_changed_or_new_model_that_no_engine_takes_is_missing() -> None:
    base = [make_file("changed.mlpackage", "1"), make_file("same.mlpackage", "2")]
    head = [make_file("changed.mlpackage", "3"), make_file("same.mlpackage", "2"), make_file("new.mlpackage", "4")]
    assert list_missing(make_request(base, head)) == {
        "changed": "it ran nowhere: of the engines (litert, onnxruntime) none takes coreml",
        "new": "it ran nowhere: of the engines (litert, onnxruntime) none takes coreml",
    }


def test_one_format_that_runs_is_enough() -> None:
    names = ["net.mlpackage", "net.onnx"]
    base, head = ([make_file(name, content) for name in names] for content in "12")
    assert list_missing(make_request(base, head)) == {}
    assert list(list_missing(make_request(base, head, plans=(LITERT,)))) == ["net"]


def test_formats_of_a_model_are_told_together() -> None:
    base, head = ([make_file(name, content) for name in ("net.mlpackage", "net.onnx")] for content in "12")
    assert list_missing(make_request(base, head, plans=())) == {
        "net": "it ran nowhere: no engine that is installed here takes coreml, onnx"
    }


def test_an_equal_file_ran_nowhere_only_when_environments_were_to_be_compared() -> None:
    files = [make_file("net.mlpackage")]
    assert list_missing(make_request(files, files)) == {}
    assert list(list_missing(make_request(files, files, base_python=Path("python")))) == ["net"]


def test_a_model_that_base_did_not_export_must_still_run() -> None:
    failures = {"net.mlpackage": "no such block"}
    assert list(list_missing(make_request([], [make_file("net.mlpackage")], base_failures=failures))) == ["net"]


def test_what_failed_or_is_missing_was_told_already() -> None:
    base = [make_file("gone.mlpackage"), make_file("broken.mlpackage")]
    assert list_missing(make_request(base, [], head_failures={"broken.mlpackage": "refused"})) == {}
