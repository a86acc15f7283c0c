from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import MeasurementFault
from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import RunPlan
from pocketbench.profile.operators.comparison import compare_operator_times
from pocketbench.profile.operators.times import UnknownOperatorTimes, read_operator_times
from tests.profile.operator_files import write_convolutions, write_tflite_convolutions
from tests.profile.tflite_files import write_accumulator, write_add, write_split_by_cumsum

WRITERS = {"onnxruntime": (write_convolutions, ".onnx"), "litert": (write_tflite_convolutions, ".tflite")}


def write_model(engine: str, folder: Path, name: str, sizes: list[int]) -> Path:
    write, suffix = WRITERS[engine]
    return write(folder / (name + suffix), sizes)


@pytest.mark.parametrize("engine", sorted(WRITERS))
def test_operators_stand_in_their_places(engine: str, tmp_path: Path) -> None:
    times = read_operator_times(write_model(engine, tmp_path, "model", [3, 7, 5]), RunPlan(engine=engine))
    convolutions = [item for item in times if item.operator.startswith("Conv")]
    assert [item.block for item in convolutions] == ["features.0", "features.1", "features.2"]
    assert {item.block for item in times} <= {"", "features.0", "features.1", "features.2"}
    # 9, 49 and 25 multiplications for each pixel
    assert sorted(convolutions, key=lambda item: item.time_ns) == [convolutions[index] for index in (0, 2, 1)]
    assert times[-1].operator == BETWEEN
    assert {item.call_count for item in times} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("engine", sorted(WRITERS))
def test_a_larger_layer_is_found_by_type_and_by_place(engine: str, tmp_path: Path) -> None:
    base = write_model(engine, tmp_path, "base", [3, 3, 3])
    head = write_model(engine, tmp_path, "head", [3, 3, 9])
    parts = compare_operator_times(base, head, RunPlan(engine=engine), run_count=10)
    for kind, name in (("operator", "Conv"), ("block", "features.2")):
        mine = [part for part in parts if part.kind == kind]
        assert mine[0].name.startswith(name)
        assert mine[0].head_ns > 2 * mine[0].base_ns


def test_delegated_and_other_operators_are_told_apart(tmp_path: Path) -> None:
    times = read_operator_times(
        write_split_by_cumsum(tmp_path / "cut.tflite", 2), RunPlan(engine="litert"), run_count=3
    )
    assert [(item.name, item.operator) for item in times] == [
        ("XNNPACK 0:0", "Add (ND)"),
        ("TFLITE 1", "CUMSUM"),
        ("XNNPACK 1:0", "Multiply (ND)"),
        ("TFLITE 3", "CUMSUM"),
        ("XNNPACK 2:0", "Multiply (ND)"),
        ("", BETWEEN),
    ]
    assert {item.block for item in times} == {None}


def test_a_model_with_state_is_compared_with_the_interpreter_in_the_same_state(tmp_path: Path) -> None:
    times = read_operator_times(
        write_accumulator(tmp_path / "accumulator.tflite"), RunPlan(engine="litert"), run_count=3
    )
    assert [item.operator for item in times[:-1]] == ["CALL_ONCE", "Add (ND)", "Copy (NC, X32)"]


def test_what_the_profiler_can_not_do_is_an_answer(tmp_path: Path) -> None:
    path = write_add(tmp_path / "open.tflite", 2, signature=(-1, -1))
    with pytest.raises(
        UnknownOperatorTimes, match=r"operator times are not known for ai-edge-litert .*larger or smaller"
    ):
        read_operator_times(path, RunPlan(engine="litert", shapes={"x0": (3, 5), "x1": (3, 5)}))


def test_faults_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(MeasurementFault, match=r"onnxruntime can't profile bad\.onnx") as caught:
        read_operator_times(tmp_path / "bad.onnx", RunPlan(engine="onnxruntime"))
    assert not isinstance(caught.value, UnknownOperatorTimes)
    with pytest.raises(MeasurementFault, match="no such file"):
        read_operator_times(tmp_path / "absent.onnx", RunPlan(engine="onnxruntime"))


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_convolutions(tmp_path / "model.onnx", [3])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.chdir(scratch)
    read_operator_times(path, RunPlan(engine="onnxruntime"), run_count=2)
    assert list(scratch.iterdir()) == []
