from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import MeasurementFault, MissingPackageError, UnknownNameError
from pocketbench.profile.probe import probe_artifact
from tests.profile import onnx_files, tflite_files


def test_facts_of_a_tflite_file(tmp_path: Path) -> None:
    facts = probe_artifact(tflite_files.write_split_by_cumsum(tmp_path / "cut.tflite", 2), "litert")
    assert (facts["partition_count"], facts["outside_delegate_count"]) == (3, 2)
    assert facts["operator_counts"] == {"ADD": 1, "CUMSUM": 2, "MUL": 2}
    assert facts["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 8]}]
    assert [output["shape"] for output in facts["outputs"]] == [[1, 8]]
    assert set(facts["tools"]) == {"python", "numpy", "ai-edge-litert"}


def test_facts_of_an_onnx_file_with_open_sizes(tmp_path: Path) -> None:
    path = onnx_files.write_relu(tmp_path / "relu.onnx", (None, 3, "h", "w"))
    facts = probe_artifact(path, "onnxruntime", shapes={"x": (1, 3, 4, 4)})
    assert facts["inputs"] == [{"name": "x", "dtype": "float32", "shape": [None, 3, None, None]}]
    assert (facts["partition_count"], facts["outside_delegate_count"], facts["operator_counts"]) == (None, None, None)
    with pytest.raises(MeasurementFault, match=r"can't load relu.onnx: input 'x'.*--shape x=1,3,224,224"):
        probe_artifact(path, "onnxruntime")


def test_errors_have_their_class(tmp_path: Path) -> None:
    with pytest.raises(MeasurementFault, match="there is no such file"):
        probe_artifact(tmp_path / "absent.onnx", "onnxruntime")
    with pytest.raises(UnknownNameError):
        probe_artifact(tmp_path / "absent.onnx", "onnx")


@pytest.mark.usefixtures("plugin")
def test_what_a_plug_in_misses_is_named(fake_model: Path) -> None:
    before = set(fake_model.parent.iterdir())
    with pytest.raises(MissingPackageError, match="a_runtime_that_nobody_installed"):
        probe_artifact(fake_model, "missing_package")
    assert set(fake_model.parent.iterdir()) == before
