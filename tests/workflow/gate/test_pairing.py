"""Which file meets which, and what a folder holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.records import Artifact, ModelSpec
from pocketbench.workflow.gate.model_folder import read_base_folder, read_folder
from pocketbench.workflow.gate.pairing import pair_files
from tests.profile.onnx_files import write_conv, write_relu


def make_artifact(file_name: str, sha256: str = "a", spec: ModelSpec | None = None) -> Artifact:
    return Artifact(
        spec=spec,
        format="onnx",
        precision="fp32",
        file_name=file_name,
        sha256=sha256,
        size_bytes=1,
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )


class TestPairs:
    def test_each_file_name_stands_once_in_heads_order(self) -> None:
        base = [make_artifact("gone.onnx", "1"), make_artifact("b.onnx", "2"), make_artifact("a.onnx", "3")]
        head = [make_artifact("b.onnx", "2"), make_artifact("a.onnx", "4"), make_artifact("fresh.onnx", "5")]
        pairs = pair_files(base, head)
        assert [(pair.file_name, pair.state) for pair in pairs] == [
            ("b.onnx", "same"),
            ("a.onnx", "both"),
            ("fresh.onnx", "new"),
            ("gone.onnx", "missing"),
        ]
        assert [(pair.base, pair.head) for pair in pairs] == [
            (base[1], head[0]),
            (base[2], head[1]),
            (None, head[2]),
            (base[0], None),
        ]

    def test_a_renamed_file_is_missing_and_names_its_likely_successor(self) -> None:
        spec = ModelSpec(backbone="nets:small")
        base = [make_artifact("old.onnx", "1"), make_artifact("by_spec.onnx", "2", spec), make_artifact("x.onnx", "3")]
        head = [
            make_artifact("new.onnx", "1"),
            make_artifact("by_spec_2.onnx", "9", spec),
            make_artifact("x.onnx", "1"),
        ]
        renamed = {pair.file_name: pair.renamed_to for pair in pair_files(base, head) if pair.state == "missing"}
        assert renamed == {"old.onnx": "new.onnx", "by_spec.onnx": "by_spec_2.onnx"}

    def test_another_format_of_the_spec_is_no_successor(self) -> None:
        spec = ModelSpec(backbone="nets:small")
        head = replace(make_artifact("m.tflite", "2", spec), format="tflite")
        (fresh, gone) = pair_files([make_artifact("m.onnx", "1", spec)], [head])
        assert (fresh.state, gone.state, gone.renamed_to) == ("new", "missing", None)

    def test_files_without_spec_are_no_successors_of_each_other(self) -> None:
        (_, gone) = pair_files([make_artifact("a.onnx", "1")], [make_artifact("b.onnx", "2")])
        assert gone.renamed_to is None

    def test_what_head_can_not_export_failed_and_is_not_missing(self) -> None:
        base = [make_artifact("a.onnx"), make_artifact("b.onnx", "b")]
        pairs = pair_files(
            base, [make_artifact("b.onnx", "b")], head_failures={"a.onnx": "it raised", "fresh.onnx": "so did this"}
        )
        assert [(pair.file_name, pair.state, pair.base) for pair in pairs] == [
            ("b.onnx", "same", base[1]),
            ("a.onnx", "failed", base[0]),
            ("fresh.onnx", "failed", None),
        ]
        assert pairs[1].reason == "head does not export it: it raised"

    def test_what_base_can_not_export_is_told_apart_from_a_new_model(self) -> None:
        head = [make_artifact("a.onnx"), make_artifact("b.onnx")]
        broken, fresh = pair_files([], head, base_failures={"a.onnx": "no module x", "c.onnx": "unused"})
        assert (broken.state, broken.reason) == ("base_failed", "base does not export it: no module x")
        assert (fresh.state, fresh.reason) == ("new", "new: there is no base")

    def test_what_neither_exports_failed_and_says_so(self) -> None:
        (pair,) = pair_files([], [], base_failures={"a.onnx": "x"}, head_failures={"a.onnx": "y"})
        assert pair.state == "failed"
        assert pair.reason == "head does not export it: y; base does not export it either"

    def test_a_name_twice_on_a_side_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"head has two files that are called a\.onnx"):
            pair_files([], [make_artifact("a.onnx"), make_artifact("a.onnx")])


class TestFolders:
    def test_models_of_each_format_are_read_and_nothing_else(self, tmp_path: Path) -> None:
        write_relu(tmp_path / "b.onnx")
        (tmp_path / "C.TFLITE").write_bytes(b"tflite")
        (tmp_path / "a.mlpackage" / "Data").mkdir(parents=True)
        (tmp_path / "a.mlpackage" / "Data" / "weights.onnx").write_bytes(b"inside")
        (tmp_path / ".scratch-1-x").mkdir()
        write_relu(tmp_path / ".scratch-1-x" / "half.onnx")
        write_relu(tmp_path / ".hidden.onnx")
        (tmp_path / "notes.txt").write_text("")
        (tmp_path / "older").mkdir()
        write_relu(tmp_path / "older" / "d.onnx")
        found = read_folder(tmp_path)
        assert [(artifact.format, path.name) for artifact, path in found] == [
            ("tflite", "C.TFLITE"),
            ("coreml", "a.mlpackage"),
            ("onnx", "b.onnx"),
        ]
        assert all(artifact.sha256 == hash_model_file(path) for artifact, path in found)

    def test_a_record_counts_for_the_file_that_it_was_written_for(self, tmp_path: Path) -> None:
        spec = ModelSpec(backbone="nets:small")
        path = write_relu(tmp_path / "a.onnx")
        write_record(tmp_path / "a.onnx.json", make_artifact("a.onnx", hash_model_file(path), spec))
        assert read_folder(tmp_path)[0][0].spec == spec
        write_conv(path)
        assert read_folder(tmp_path)[0][0].spec is None

    def test_a_broken_record_names_itself(self, tmp_path: Path) -> None:
        write_relu(tmp_path / "a.onnx")
        (tmp_path / "a.onnx.json").write_text('{"format": 1')
        with pytest.raises(FileFault, match=r"a\.onnx\.json"):
            read_folder(tmp_path)

    def test_a_file_that_can_not_be_read_names_itself(self, tmp_path: Path) -> None:
        write_relu(tmp_path / "a.onnx")
        (tmp_path / "b.onnx").symlink_to(tmp_path / "absent.onnx")
        with pytest.raises(FileFault, match=r"b\.onnx does not exist"):
            read_folder(tmp_path)

    def test_an_empty_folder_is_an_error_and_names_the_one_below(self, tmp_path: Path) -> None:
        with pytest.raises(FileFault, match="holds no model file"):
            read_folder(tmp_path)
        (tmp_path / "deeper").mkdir()
        write_relu(tmp_path / "deeper" / "a.onnx")
        with pytest.raises(FileFault, match="holds no model file") as raised:
            read_folder(tmp_path)
        assert str(tmp_path / "deeper") in raised.value.cure

    def test_a_folder_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileFault, match="there is no folder"):
            read_folder(tmp_path / "absent")
        with pytest.raises(UsageError, match="is a file"):
            read_folder(write_relu(tmp_path / "a.onnx"))

    def test_a_model_that_is_gone_beside_its_record_is_told_of_base_only(self, tmp_path: Path) -> None:
        write_relu(tmp_path / "a.onnx")
        write_record(tmp_path / "b.mlpackage.json", make_artifact("b.mlpackage"))
        assert [path.name for _, path in read_folder(tmp_path)] == ["a.onnx"]
        with pytest.raises(FileFault, match=r"b\.mlpackage is gone"):
            read_base_folder(tmp_path)
        (tmp_path / "b.mlpackage.json").unlink()
        assert read_base_folder(tmp_path) == read_folder(tmp_path)
