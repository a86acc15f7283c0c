"""Which files are judged, how their pictures are prepared, what is known already, and what a precision lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.paired_accuracies import pack_bits
from pocketbench.core.records import Accuracy, ModelSpec
from pocketbench.workflow.accuracy_framing import frame_for, parse_framing
from pocketbench.workflow.accuracy_losses import find_losses
from pocketbench.workflow.accuracy_models import find_known
from pocketbench.workflow.accuracy_request import AccuracyRequest, request_files
from tests.accuracy.classifier_files import make_pictures, make_preprocessing
from tests.core.samples import ARTIFACT

GIVEN = {"mean": None, "std": None, "resize": None, "crop": None, "interpolation": None}
SPEC = ModelSpec(
    backbone="net", class_count=3, weights="given", input_shape=(1, 1, 2, 2), preprocessing=make_preprocessing(1, 2, 2)
)
FRAMING = Framing(mean=(0.5,), std=(0.25,))


def make_request(file_name="net.onnx", spec=SPEC, precision="fp32", framing=None, limit=None, sha256="a"):
    model_format = {"onnx": "onnx", "tflite": "tflite", "mlpackage": "coreml"}[file_name.rpartition(".")[2]]
    artifact = replace(
        ARTIFACT, spec=spec, format=model_format, precision=precision, file_name=file_name, sha256=sha256 * 64
    )
    return AccuracyRequest(path=Path(file_name), artifact=artifact, framing=framing, limit=limit)


def make_accuracy(right=(True, False, True), **changes):
    fields = {
        "backbone": "net",
        "block": None,
        "width_ratio": None,
        "reduction_ratio": None,
        "artifact_sha256": "a" * 64,
        "dataset": "bright",
        "split": "test",
        "image_count": len(right),
        "top1_fraction": sum(right) / len(right),
        "top5_fraction": None,
        "origin": "measured",
        "source": "pocketbench",
        "dataset_sha256": DATASET.sha256,
        "split_count": 3,
        "engine": "onnxruntime",
        "preprocessing": SPEC.preprocessing,
        "top1_bits": pack_bits(right),
    }
    return Accuracy(**{**fields, **changes})


DATASET = make_pictures(np.arange(12, dtype=np.uint8).reshape(3, 2, 2), [0, 1, 2])


def write_file(folder, spec, content=b"content"):
    path = folder / "net.onnx"
    path.write_bytes(content)
    artifact = replace(ARTIFACT, spec=spec, format="onnx", file_name=path.name, sha256=hash_model_file(path))
    write_record(path.with_name("net.onnx.json"), artifact)
    return path


def test_a_record_says_how_pictures_are_prepared(tmp_path):
    path = write_file(tmp_path, SPEC)
    plan = request_files([path, path], None, 7)
    assert not plan.refusals
    (request,) = plan.requests
    assert (request.preprocessing, request.framing, request.limit) == (SPEC.preprocessing, None, 7)
    with pytest.raises(UsageError, match="each of these has one"):
        request_files([path], FRAMING, None)


def test_a_file_that_is_not_the_one_of_its_record_is_refused(tmp_path):
    path = write_file(tmp_path, SPEC)
    path.write_bytes(b"exported again")
    ((refused, error),) = request_files([path], None, None).refusals
    assert refused == path
    assert "changed or exported again after its record net.onnx.json" in error.what


def test_a_file_of_somebody_else_needs_to_be_told(tmp_path):
    path = tmp_path / "other.onnx"
    path.write_bytes(b"content")
    ((_, error),) = request_files([path], None, None).refusals
    assert "nothing says how its pictures are prepared" in error.what
    assert "--mean 0.485,0.456,0.406" in error.cure
    (request,) = request_files([path], FRAMING, None).requests
    assert (request.framing, request.limit) == (FRAMING, None)


def test_random_weights_are_not_judged(tmp_path):
    path = write_file(tmp_path, replace(SPEC, weights="random", preprocessing=None))
    ((_, error),) = request_files([path], None, None).refusals
    assert "its weights are random" in error.what


def test_one_bad_file_does_not_cost_the_others(tmp_path):
    path = write_file(tmp_path, SPEC)
    plan = request_files([tmp_path / "none.onnx", path, tmp_path / "text.txt"], None, None)
    assert [request.path for request in plan.requests] == [path]
    assert [refused.name for refused, _ in plan.refusals] == ["none.onnx", "text.txt"]


def test_a_package_is_judged_by_a_part_of_the_pictures(tmp_path):
    (tmp_path / "net.mlpackage").mkdir()
    (request,) = request_files([tmp_path / "net.mlpackage"], FRAMING, None).requests
    assert request.limit == 200
    (request,) = request_files([tmp_path / "net.mlpackage"], FRAMING, 5).requests
    assert request.limit == 5


def test_options_are_a_framing():
    assert parse_framing(**GIVEN) is None
    found = parse_framing(**{**GIVEN, "mean": "0.1,0.2,0.3", "std": "0.5", "resize": 9, "interpolation": "bicubic"})
    assert found == Framing(mean=(0.1, 0.2, 0.3), std=(0.5,), resize=9, interpolation="bicubic")
    assert frame_for(found, 3, (8, 8)).std == (0.5, 0.5, 0.5)
    with pytest.raises(UsageError, match=r"--mean is \[0.1, 0.2, 0.3\]"):
        frame_for(found, 1, (8, 8))


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"mean": "0.5"}, "--std is missing"),
        ({"resize": 256}, "--mean is missing"),
        ({"mean": "a", "std": "1"}, "--mean 'a' is no list of numbers"),
        ({"mean": "0.5,0.5", "std": "1"}, "--mean '0.5,0.5' are 2 numbers"),
        ({"mean": "nan", "std": "1"}, "--mean is [nan]"),
        ({"mean": "0", "std": "0"}, "--std is [0.0]"),
        ({"mean": "0", "std": "1", "resize": 9}, "--interpolation is missing"),
        ({"mean": "0", "std": "1", "crop": "squash"}, "--interpolation is missing"),
        ({"mean": "0", "std": "1", "interpolation": "bicubic"}, "--interpolation is 'bicubic'"),
        ({"mean": "0", "std": "1", "crop": "squash", "resize": 9, "interpolation": "bicubic"}, "--resize is 9"),
    ],
)
def test_options_that_make_no_framing_are_refused(options, what):
    with pytest.raises(UsageError) as caught:
        parse_framing(**{**GIVEN, **options})
    assert what in caught.value.what


def test_what_is_known_is_found():
    older, newer = make_accuracy(measured_at="1"), make_accuracy(measured_at="2")
    assert find_known([older, newer], make_request(), DATASET, "onnxruntime") is newer
    assert find_known([older], make_request(limit=99), DATASET, "onnxruntime") is older
    part = make_accuracy((True,), image_count=1, unreadable_count=1)
    assert find_known([part], make_request(limit=2), DATASET, "onnxruntime") is part


@pytest.mark.parametrize(
    "change",
    [
        {"artifact_sha256": "b" * 64},
        {"dataset_sha256": "b" * 64},
        {"dataset": "another name"},
        {"split": "train"},
        {"image_count": 2},
        {"engine": "tflite_runtime"},
        {"preprocessing": make_preprocessing(1, 2, 2, mean=(0.1,))},
        {"preprocessing": None},
    ],
)
def test_what_was_measured_otherwise_is_not_taken_for_it(change):
    assert find_known([make_accuracy(**change)], make_request(), DATASET, "onnxruntime") is None


def test_of_somebody_elses_file_the_options_decide():
    request = make_request(spec=None, framing=FRAMING)
    same = make_accuracy(preprocessing=make_preprocessing(3, 2, 2, mean=(0.5,) * 3, std=(0.25,) * 3))
    assert find_known([same], request, DATASET, "onnxruntime") is same
    assert find_known([make_accuracy()], request, DATASET, "onnxruntime") is None
    three = make_request(spec=None, framing=Framing(mean=(0.5,) * 3, std=(0.25,) * 3))
    assert find_known([make_accuracy()], three, DATASET, "onnxruntime") is None


def test_a_precision_is_compared_with_fp32_of_its_format_and_a_format_with_onnx():
    files = [
        ("net_int8.tflite", "int8", (True, True, False)),
        ("net.tflite", "fp32", (True, False, False)),
        ("net.onnx", "fp32", (False, False, False)),
        ("net.mlpackage", "fp16", (True, True, True)),
    ]
    pairs = [
        (make_request(name, precision=precision, sha256=str(index)), make_accuracy(right))
        for index, (name, precision, right) in enumerate(files)
    ]
    losses = find_losses(pairs)
    bases = [None if loss is None else (str(loss.base.path), loss.difference.won_count) for loss in losses]
    assert bases == [("net.tflite", 1), ("net.onnx", 1), None, ("net.onnx", 3)]
    other = (make_request("other.onnx", spec=replace(SPEC, seed=1), precision="int8"), make_accuracy())
    foreign = (make_request("foreign.onnx", spec=None), make_accuracy())
    assert find_losses([*pairs, other, foreign])[4:] == [None, None]
