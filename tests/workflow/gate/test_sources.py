"""What a user names becomes pairs, paths and ways to run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pocketbench.core.errors import ConversionError, EnvironmentFault, FileFault, UnknownNameError, UsageError
from pocketbench.core.records import Artifact
from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.workflow import engine_choice
from pocketbench.workflow.gate import plans, sources
from pocketbench.workflow.gate.base_ref import BaseFailure, BaseFiles
from pocketbench.workflow.gate.limits import GateTable, Limits
from pocketbench.workflow.gate.plans import find_engines, list_plans
from pocketbench.workflow.gate.request import GateRequest
from pocketbench.workflow.gate.sources import (
    compare_environments,
    compare_files,
    compare_folders,
    compare_with_commit,
)
from tests.profile.onnx_files import write_conv, write_relu
from tests.workflow.gate.artifacts import make_facts, make_parity
from tests.workflow.gate.requests import make_file

TABLE = GateTable(limits=Limits(latency_ratio=1.1))
SUITE = SimpleNamespace(engines=("onnxruntime",), thread_counts=(1, 2), gate=TABLE)


def states(request: GateRequest) -> dict[str, tuple[str, str | None]]:
    return {pair.file_name: (pair.state, pair.reason) for pair in request.pairs}


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not read: their facts come from their first bytes. "damaged" has none."""

    def complete(path: Path) -> Artifact:
        content = path.read_text()
        if content == "damaged":
            raise FileFault(f"{path} is damaged", "make it anew")
        return replace(make_file(path.name), sha256=content * 64, graph_facts=make_facts())

    monkeypatch.setattr(sources, "complete_artifact", complete)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "read_trained_suite", lambda _name: SUITE)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for side in ("base", "head"):
        (tmp_path / side).mkdir()
    return tmp_path / "base", tmp_path / "head"


def compare(folders: tuple[Path, Path], **options: Any) -> GateRequest:
    return compare_folders(
        *folders, **{"suite": None, "engines": None, "threads": None, "base_python": None, **options}
    )


@pytest.mark.usefixtures("facts")
class TestFolders:
    def test_files_meet_by_name(self, folders: tuple[Path, Path]) -> None:
        base, head = folders
        for name in ("same.onnx", "changed.onnx", "gone.onnx"):
            (base / name).write_text(name)
        (head / "same.onnx").write_text("same.onnx")
        (head / "changed.onnx").write_text("other")
        (head / "new.onnx").write_text("new")
        request = compare(folders)
        assert {name: state for name, (state, _) in states(request).items()} == {
            "same.onnx": "same",
            "changed.onnx": "both",
            "gone.onnx": "missing",
            "new.onnx": "new",
        }
        assert request.base_paths["changed.onnx"] == base / "changed.onnx"
        assert request.head_paths["changed.onnx"] == head / "changed.onnx"
        assert (request.base, request.head, request.same_tools) == (str(base), str(head), True)
        assert request.plans == (DuelPlan(engine="onnxruntime"),)
        assert request.limits == GateTable()

    def test_a_damaged_file_of_head_costs_its_own_cell(self, folders: tuple[Path, Path]) -> None:
        for side in folders:
            (side / "good.onnx").write_text("1")
            (side / "bad.onnx").write_text("1")
        (folders[1] / "bad.onnx").write_text("damaged")
        state, reason = states(compare(folders))["bad.onnx"]
        assert state == "failed"
        assert reason is not None
        assert "bad.onnx is damaged" in reason

    def test_a_damaged_file_of_base_is_an_error(self, folders: tuple[Path, Path]) -> None:
        (folders[0] / "bad.onnx").write_text("damaged")
        (folders[1] / "bad.onnx").write_text("1")
        with pytest.raises(FileFault, match="is damaged"):
            compare(folders)

    @pytest.mark.parametrize("side", [0, 1])
    def test_an_empty_folder_is_no_comparison(self, folders: tuple[Path, Path], side: int) -> None:
        (folders[1 - side] / "a.onnx").write_text("1")
        with pytest.raises(FileFault, match="nothing is compared"):
            compare(folders)

    @pytest.mark.usefixtures("suite")
    def test_a_suite_brings_limits_and_what_is_not_said(self, folders: tuple[Path, Path]) -> None:
        for side in folders:
            (side / "a.onnx").write_text(side.name)
        request = compare(folders, suite="paper")
        assert request.limits == TABLE
        assert [plan.thread_count for plan in request.plans] == [1, 2]
        assert [plan.thread_count for plan in compare(folders, suite="paper", threads="4").plans] == [4]

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"engines": "onxruntime"}, UnknownNameError, "onnxruntime"),
            ({"engines": "litert"}, UsageError, r"litert runs \.tflite files, and there is none"),
            ({"threads": "0"}, UsageError, "no thread counts"),
            ({"base_python": Path("/no/such/python")}, FileFault, "/no/such/python"),
        ],
    )
    def test_what_can_not_be_run_is_refused(
        self, folders: tuple[Path, Path], options: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        for side in folders:
            (side / "a.onnx").write_text(side.name)
        with pytest.raises(error, match=words):
            compare(folders, **options)


class TestFiles:
    @pytest.mark.usefixtures("facts")
    def test_names_may_differ(self, tmp_path: Path) -> None:
        base, head = tmp_path / "old.onnx", tmp_path / "new.onnx"
        base.write_text("1")
        head.write_text("2")
        request = compare_files(base, head, engines=None, threads=None)
        assert states(request) == {"new.onnx": ("both", None)}
        assert (request.base_paths, request.head_paths) == ({"new.onnx": base}, {"new.onnx": head})
        assert not request.same_tools
        head.write_text("1")
        assert states(compare_files(base, head, engines=None, threads=None)) == {"new.onnx": ("same", None)}

    def test_forms_and_proofs_of_two_converters_are_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def complete(path: Path) -> Artifact:
            return replace(
                make_file(path.name, path.stem),
                parity=make_parity(0.1),
                lowering=f"onnx-{path.stem}",
                graph_facts=make_facts(),
            )

        monkeypatch.setattr(sources, "complete_artifact", complete)
        paths = tmp_path / "a.onnx", tmp_path / "b.onnx"
        for path in paths:
            path.touch()
        (pair,) = compare_files(*paths, engines=None, threads=None).pairs
        assert pair.base is not None
        assert pair.head is not None
        assert (pair.base.lowering, pair.head.lowering, pair.base.parity, pair.head.parity) == (None,) * 4

    def test_two_formats_are_refused_with_what_to_do_instead(self, tmp_path: Path) -> None:
        paths = tmp_path / "a.onnx", tmp_path / "a.tflite"
        for path in paths:
            path.touch()
        with pytest.raises(UsageError) as caught:
            compare_files(*paths, engines=None, threads=None)
        assert "pocketbench profile" in caught.value.cure

    def test_real_files_show_what_they_hold(self, tmp_path: Path) -> None:
        base, head = write_relu(tmp_path / "relu.onnx"), write_conv(tmp_path / "conv.onnx", 3, 8)
        (pair,) = compare_files(base, head, engines=None, threads=None).pairs
        assert pair.base is not None
        assert pair.head is not None
        assert pair.base.graph_facts is not None
        assert pair.head.graph_facts is not None
        assert (pair.base.graph_facts.operator_counts, pair.head.graph_facts.operator_counts) == (
            {"Relu": 1},
            {"Conv": 1},
        )


class Exports:
    """Stands in for all that exports: what head and base hold."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.head: list[Artifact] = []
        self.head_failures: list[tuple[Any, Any]] = []
        self.base: dict[str, Any] = {"artifacts": (), "failures": (), "notes": (), "folder": Path("/cache/base")}
        self.notes: list[str] = []
        monkeypatch.setattr(sources, "list_suite_variants", lambda _suite: ["a variant"])
        monkeypatch.setattr(sources, "export_models", lambda *_: self)
        monkeypatch.setattr(sources, "export_base", lambda ref, *_: BaseFiles(ref=ref, commit="c" * 40, **self.base))
        monkeypatch.setattr(sources, "resolve_commit", lambda *_: None)
        monkeypatch.setattr(sources, "read_git_commit", lambda: "d" * 40)
        monkeypatch.setattr(sources, "name_artifact", lambda name: name)

    @property
    def artifacts(self) -> list[Artifact]:
        return self.head

    @property
    def failures(self) -> list[tuple[Any, Any]]:
        return self.head_failures

    def with_commit(self) -> GateRequest:
        return compare_with_commit(
            "origin/main",
            suite="paper",
            folder=Path("out"),
            cache=Path("cache"),
            watch=watch,
            on_step=lambda _: None,
            on_note=self.notes.append,
            engines=None,
            threads=None,
        )


@contextlib.contextmanager
def watch(_variants: Sequence[Any]) -> Iterator[Any]:
    yield lambda *_: None


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch, suite: None) -> Exports:  # noqa: ARG001 (the suite is one of its parts)
    return Exports(monkeypatch)


class TestCommit:
    def test_each_side_is_found_where_it_was_exported(self, exports: Exports) -> None:
        exports.base |= {"artifacts": (make_file("a.onnx", "1"), make_file("gone.onnx", "2")), "notes": ("a note",)}
        exports.head = [make_file("a.onnx", "3")]
        request = exports.with_commit()
        assert {name: state for name, (state, _) in states(request).items()} == {
            "a.onnx": "both",
            "gone.onnx": "missing",
        }
        assert request.base_paths["a.onnx"] == Path("/cache/base/a.onnx")
        assert request.head_paths["a.onnx"] == Path("out/a.onnx")
        assert (request.base, request.base_commit, request.head_commit) == ("origin/main", "c" * 40, "d" * 40)
        assert request.limits == TABLE
        assert exports.notes == ["a note"]

    def test_what_head_can_not_export_has_failed(self, exports: Exports) -> None:
        exports.base["artifacts"] = (make_file("a.onnx"),)
        exports.head_failures = [(("a.onnx",), ConversionError("the converter refused", "cure"))]
        state, reason = states(exports.with_commit())["a.onnx"]
        assert state == "failed"
        assert reason is not None
        assert "the converter refused" in reason

    def test_what_base_can_not_export_is_told_of_its_own_file(self, exports: Exports) -> None:
        exports.base["failures"] = (BaseFailure(file_name="a.onnx", reason="no such block"),)
        exports.head = [make_file("a.onnx"), make_file("b.onnx")]
        assert states(exports.with_commit()) == {
            "a.onnx": ("base_failed", "base does not export it: no such block"),
            "b.onnx": ("new", "new: there is no base"),
        }

    def test_a_failure_of_base_that_names_no_file_may_be_that_of_any_that_base_lacks(self, exports: Exports) -> None:
        exports.base |= {
            "artifacts": (make_file("a.onnx", "1"),),
            "failures": (BaseFailure(file_name=None, reason="x"), BaseFailure(file_name=None, reason="y")),
        }
        exports.head = [make_file("a.onnx", "2"), make_file("b.onnx")]
        assert states(exports.with_commit()) == {
            "a.onnx": ("both", None),
            "b.onnx": ("base_failed", "base does not export it: x or: y"),
        }
        assert exports.notes == ["x", "y"]

    def test_a_base_without_the_suite_has_no_folder(self, exports: Exports) -> None:
        exports.base["folder"] = None
        exports.head = [make_file("a.onnx")]
        assert states(exports.with_commit()) == {"a.onnx": ("new", "new: there is no base")}


def test_two_environments_run_the_same_files(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "check_python", lambda _python: None)
    exports.head = [make_file("a.onnx")]
    exports.head_failures = [(("b.onnx",), ConversionError("the converter refused", "cure"))]
    python = Path("/other/python")
    request = compare_environments(python, suite="paper", folder=Path("out"), watch=watch, engines=None, threads=None)
    assert {name: state for name, (state, _) in states(request).items()} == {"a.onnx": "same", "b.onnx": "failed"}
    assert request.base_python == python
    assert request.base_paths == request.head_paths == {"a.onnx": Path("out/a.onnx")}


class TestPlans:
    def test_engines_and_threads_multiply_and_stand_once(self) -> None:
        found = list_plans([make_file("a.onnx"), make_file("a.tflite")], None, "litert,onnxruntime,litert", "1,4")
        assert [(plan.engine, plan.thread_count) for plan in found] == [
            *(("litert", 1), ("litert", 4), ("onnxruntime", 1), ("onnxruntime", 4))
        ]

    def test_without_a_word_the_first_engine_that_is_installed_takes_each_format(self) -> None:
        files = [make_file("a.onnx"), make_file("b.tflite"), make_file("c.mlpackage"), make_file("d.onnx")]
        assert find_engines(files) == ["onnxruntime", "litert"]
        assert find_engines([make_file("c.mlpackage")]) == []

    def test_a_plug_in_that_does_not_load_stops_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = engine_choice.engine_suffixes

        def read(name: str) -> tuple[str, ...]:
            if name == "litert":
                raise EnvironmentFault("a plug-in is broken", "update it")
            return real(name)

        monkeypatch.setattr(engine_choice, "engine_suffixes", read)
        assert find_engines([make_file("a.onnx")]) == ["onnxruntime"]
