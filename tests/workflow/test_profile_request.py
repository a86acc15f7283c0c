"""What a user asked to measure: shapes, threads, which engine runs which file."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import HOST_ENTRY
from pocketbench.workflow.device_cells import check_every_file_is_measured, plan_devices
from pocketbench.workflow.profile_request import parse_shapes, parse_thread_counts, request_files


def list_cells(paths: list[Path], **options: str) -> list[Cell]:
    """What `pocketbench profile PATHS` measures on this machine."""
    request = request_files(paths, **options)
    planned = plan_devices([HOST_ENTRY], request.artifacts, request.plans)
    check_every_file_is_measured(planned)
    return list(planned[0].cells)


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value], [result])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "relu.onnx")
    return tmp_path / "relu.onnx"


def test_shapes() -> None:
    assert parse_shapes([]) is None
    assert parse_shapes(["image=1,3,224,224", "a=b=7"]) == {"image": (1, 3, 224, 224), "a=b": (7,)}


@pytest.mark.parametrize("text", ["image", "=1,2", "image=", "image=1,,2", "image=1x3", "image=0,3", "image=-1,3"])
def test_shapes_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is no shape"):
        parse_shapes([text])


def test_thread_counts() -> None:
    assert parse_thread_counts("1,4, 4") == [1, 4]


@pytest.mark.parametrize("text", ["", "0", "two", "1,", "-1", "99999"])
def test_thread_counts_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="no thread counts"):
        parse_thread_counts(text)


def test_the_engine_follows_from_the_format(onnx_file: Path) -> None:
    (cell,) = list_cells([onnx_file, onnx_file], threads="1")
    assert cell.plan.engine == "onnxruntime"
    assert [cell.plan.thread_count for cell in list_cells([onnx_file], threads="1,2")] == [1, 2]


def test_files_and_engines_that_do_not_fit(onnx_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"litert runs \.tflite files, and none was given"):
        list_cells([onnx_file], engines="litert")
    with pytest.raises(UsageError, match="no engine 'onxruntime'"):
        list_cells([onnx_file], engines="onxruntime")
    with pytest.raises(FileFault, match="does not exist"):
        list_cells([tmp_path / "absent.onnx"])
    with pytest.raises(UsageError, match="no model file"):
        list_cells([tmp_path / "notes.txt"])
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(FileFault, match="is a folder"):
        list_cells([tmp_path / "folder.onnx"])
    (tmp_path / "net.mlpackage").mkdir()
    with pytest.raises(UsageError, match=r"no engine of this machine runs \.mlpackage"):
        list_cells([tmp_path / "net.mlpackage"])


def test_a_file_that_nothing_here_runs_is_not_left_out_silently(onnx_file: Path, tmp_path: Path) -> None:
    (tmp_path / "net.mlpackage").mkdir()
    with pytest.raises(UsageError, match=r"net\.mlpackage: no engine of this machine"):
        list_cells([onnx_file, tmp_path / "net.mlpackage"])


def test_an_engine_with_a_delegate(onnx_file: Path, tmp_path: Path) -> None:
    (tmp_path / "net.mlpackage").mkdir()
    (tmp_path / "net.mlpackage/Manifest.json").write_text("{}")
    request = request_files([tmp_path / "net.mlpackage"], engines="coreml:cpu_only,coreml:all,coreml")
    assert [(plan.engine, plan.delegate) for plan in request.plans] == [
        ("coreml", "cpu_only"),
        ("coreml", "all"),
        ("coreml", None),
    ]
    with pytest.raises(UsageError, match="there is no delegate of onnxruntime 'cuda'"):
        request_files([onnx_file], engines="onnxruntime:cuda")
