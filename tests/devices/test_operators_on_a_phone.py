"""Operator times of a phone's benchmark_model get the places that the file names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.devices.phone import Phone
from tests.devices.phone_runs import NAME, run_command, use_phone, write_devices
from tests.profile.operator_files import write_tflite_convolutions

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dialect", ["interpreter", "interpreter-old", "litert"])
def test_operators_stand_in_their_places(
    phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: str
) -> None:
    model = write_tflite_convolutions(tmp_path / "model.tflite", [3, 7, 5])
    with use_phone(phone, monkeypatch):
        phone.set(dialect=dialect, prefix="info")
        write_devices(tmp_path, phone)
        request = ["profile", str(model), *f"--on {NAME} --sessions 1 --rounds 2 --operators --json".split()]
        done = run_command(phone, tmp_path, *request)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    convolutions = [item for item in result["operator_times"] if item["operator"].startswith("Convolution (")]
    assert [item["block"] for item in convolutions] == ["features.0", "features.1", "features.2"]
    assert [item["path"] for item in convolutions] == ["features.0.conv", "features.1.conv", "features.2.conv"]
    assert {item["graph_operator"] for item in convolutions} == {"CONV_2D"}
    assert {item["is_attention"] for item in result["operator_times"]} == {False}
    assert result["coverage"]["delegated_node_count"] == result["coverage"]["node_count"] == 3
