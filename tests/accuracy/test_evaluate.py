"""Files that are judged: their scores are the picture's own values, so that each figure is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pocketbench.accuracy.class_match import find_first_class
from pocketbench.accuracy.classifier import count_classes, open_classifier
from pocketbench.accuracy.datasets.dataset import make_dataset
from pocketbench.accuracy.datasets.picture_files import PictureFiles
from pocketbench.accuracy.evaluate import evaluate_artifact
from pocketbench.accuracy.picture_input import describe_input
from pocketbench.accuracy.picture_stream import PictureStream
from pocketbench.core.errors import FileFault, MeasurementFault, UsageError
from pocketbench.core.paired_accuracies import compare_accuracies, pack_bits
from pocketbench.profile.agent.inputs import Tensor
from tests.accuracy.classifier_files import (
    draw_spots,
    make_artifact,
    make_pictures,
    make_preprocessing,
    write_ratios,
    write_tflite_values,
    write_values,
)
from tests.profile.tflite_files import Type

ENGINES = {"onnx": "onnxruntime", "tflite": "litert"}


def judge(path, dataset, preprocessing, chosen=None, threads=1, on_progress=lambda _: None):
    model_format = path.suffix[1:]
    classifier = open_classifier(path, model_format, ENGINES[model_format])
    stream = PictureStream(dataset, range(len(dataset)) if chosen is None else chosen, preprocessing)
    return evaluate_artifact(
        classifier, path, make_artifact(path, model_format), stream, "d" * 64, threads, on_progress
    )


@pytest.mark.parametrize("shape", [(1, 1, 2, 4), (3, 1, 2, 4), ("n", 1, 2, 4), (1, 2, 4, 1)])
@pytest.mark.parametrize("threads", [1, 3])
def test_top1_and_top5_of_a_file_are_those_counted_by_hand(tmp_path, shape, threads):
    path = write_values(tmp_path / "net.onnx", shape, (1, 1) if threads == 3 else ())
    source = np.random.default_rng(1)
    pixels = np.array([source.permutation(256)[:8] for _ in range(100)]).astype(np.uint8)
    labels = source.integers(0, 8, 100)
    own = pixels[np.arange(100), labels]
    ahead = (pixels > own[:, None]).sum(1)
    seen = []
    dataset = make_pictures(pixels.reshape(100, 2, 4), labels)
    found = judge(path, dataset, make_preprocessing(1, 2, 4), threads=threads, on_progress=seen.append)
    accuracy = found.accuracy
    assert accuracy.top1_fraction == (ahead == 0).sum() / 100
    assert accuracy.top5_fraction == (ahead < 5).sum() / 100
    assert (accuracy.image_count, accuracy.split_count, accuracy.unreadable_count) == (100, 100, 0)
    assert (accuracy.engine, accuracy.dataset, accuracy.split, accuracy.input_size) == (
        *("onnxruntime", "bright", "test"),
        None,
    )
    assert accuracy.top1_bits == pack_bits((ahead == 0).tolist())
    assert accuracy.tools.keys() == {"onnxruntime", "numpy", "pillow"}
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_a_subset_is_judged_and_compared_with_the_whole(tmp_path):
    path = write_values(tmp_path / "net.onnx", (1, 1, 2, 4))
    dataset = make_pictures(draw_spots([0, 1, 2, 3], 2, 4), [0, 1, 5, 3])
    whole = judge(path, dataset, make_preprocessing(1, 2, 4)).accuracy
    part = judge(path, dataset, make_preprocessing(1, 2, 4), chosen=[0, 3]).accuracy
    assert (whole.top1_fraction, part.top1_fraction) == (0.75, 1.0)
    assert (part.image_count, part.split_count) == (2, 4)
    assert compare_accuracies(whole, part).lost_count == 0


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [(Type.FLOAT32, None, 0), (Type.UINT8, 2 / 255, 64), (Type.INT8, 2 / 255, -64)],
)
@pytest.mark.parametrize("channels_last", [True, False])
def test_layouts_and_quantised_inputs_of_others(tmp_path, dtype, scale, zero_point, channels_last):
    shape = (1, 2, 4, 3) if channels_last else (1, 3, 2, 4)
    path = write_tflite_values(tmp_path / "net.tflite", shape, dtype, scale, zero_point)
    pixels = np.zeros((5, 2, 4, 3), np.uint8)
    pixels[np.arange(5), [0, 1, 1, 0, 1], [3, 2, 0, 1, 1], [2, 0, 1, 1, 2]] = 255
    flat = pixels if channels_last else pixels.transpose(0, 3, 1, 2)
    labels = flat.reshape(5, -1).argmax(1)
    labels[4] = (labels[4] + 1) % 24
    found = judge(path, make_pictures(pixels, labels), make_preprocessing(3, 2, 4))
    assert found.accuracy.top1_fraction == 0.8


def test_normalisation_is_that_of_the_record(tmp_path):
    """With a negative scale of the first channel its darkest place would win: signs and channels have to be kept."""
    path = write_values(tmp_path / "net.onnx", (1, 3, 1, 1))
    pixels = np.array([[10, 60, 110], [200, 60, 40]], np.uint8).reshape(2, 1, 1, 3)
    dataset = make_pictures(pixels, [0, 0])
    plain = judge(path, dataset, make_preprocessing(3, 1, 1)).accuracy
    shifted = judge(path, dataset, make_preprocessing(3, 1, 1, mean=(0.0, 0.5, 0.5))).accuracy
    assert (plain.top1_fraction, shifted.top1_fraction) == (0.5, 1.0)
    assert plain.top5_fraction is None


def test_a_background_class_is_left_out_and_said(tmp_path):
    path = write_values(tmp_path / "net.onnx", (1, 1, 7, 143))
    labels = [0, 5, 998, 3]
    pixels = draw_spots([1, 6, 999, 0], 7, 143)  # the last picture is the background alone
    found = judge(path, make_pictures(pixels, labels, 1000), make_preprocessing(1, 7, 143)).accuracy
    assert found.top1_fraction == 0.75
    assert found.source == "pocketbench; class 0 of 1001, the background, left out"
    own = make_pictures(draw_spots([0, 5], 7, 143), [0, 5], 1001)
    assert judge(path, own, make_preprocessing(1, 7, 143)).accuracy.top1_fraction == 1.0


@pytest.mark.parametrize(
    ("labels", "names", "classes", "first"),
    [([0, 999], 1000, 1001, 1), ([0, 999], None, 1001, 1), ([0, 1000], None, 1001, 0), ([0, 9], 10, 10, 0)],
)
def test_the_first_class(labels, names, classes, first):
    assert find_first_class(make_pictures(np.zeros((2, 1, 1), np.uint8), labels, names), classes) == first


@pytest.mark.parametrize(
    ("labels", "names", "classes", "what"),
    [
        ([0, 10], None, 10, "has the label 10, the file has 10 classes, 0 to 9"),
        ([0, 1], 20, 1000, "has 20 classes, the file 1000"),
        ([0, 1], 1000, 999, "has 1000 classes, the file 999"),
    ],
)
def test_labels_that_do_not_fit_the_classes(labels, names, classes, what):
    dataset = make_pictures(np.zeros((2, 1, 1), np.uint8), labels, names)
    with pytest.raises(UsageError, match="labels that do not fit the classes") as caught:
        find_first_class(dataset, classes)
    assert what in caught.value.what


def test_unreadable_pictures_are_named_and_counted(tmp_path):
    names = [f"{number}.png" for number in range(4)]
    for name, spot in zip(names, draw_spots([0, 1, 2, 3], 2, 4), strict=True):
        Image.fromarray(spot).save(tmp_path / name)
    (tmp_path / "1.png").write_bytes(b"no picture")
    path = write_values(tmp_path / "net.onnx", (1, 1, 2, 4))
    files = make_dataset(
        "files", "test", PictureFiles(folder=tmp_path, names=tuple(names)), np.array([0, 1, 2, 7]), None
    )
    for threads in (1, 2):
        found = judge(path, files, make_preprocessing(1, 2, 4), threads=threads)
        assert [name for name, _ in found.unreadable] == ["1.png"]
        assert "1.png can't be read" in found.unreadable[0][1]
        accuracy = found.accuracy
        assert (accuracy.image_count, accuracy.unreadable_count, accuracy.top1_fraction) == (3, 1, 2 / 3)
        assert accuracy.top1_bits == pack_bits([True, False, True, False])
    for name in names:
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(FileFault, match="none of 4 pictures can be read"):
        judge(path, files, make_preprocessing(1, 2, 4))


@pytest.mark.parametrize("threads", [1, 2])
def test_scores_that_are_no_numbers_fail_the_file(tmp_path, threads):
    path = write_ratios(tmp_path / "net.onnx", (1, 1, 2, 4))
    with pytest.raises(MeasurementFault, match="NaN"):
        judge(path, make_pictures(draw_spots([0] * 99, 2, 4), [0] * 99), make_preprocessing(1, 2, 4), threads=threads)


def test_a_record_that_does_not_fit_the_file_is_refused(tmp_path):
    path = write_values(tmp_path / "net.onnx", (1, 1, 2, 4))
    with pytest.raises(FileFault, match="pictures of 1 x 4 x 2, the file takes 1 x 2 x 4"):
        judge(path, make_pictures(draw_spots([0], 2, 4), [0]), make_preprocessing(1, 4, 2))


@pytest.mark.parametrize(
    ("tensor", "scale", "what"),
    [
        (Tensor("x", "float32", (1, 3, None, None)), None, "no picture of a known size"),
        (Tensor("x", "float32", (1, 10)), None, "no picture of a known size"),
        (Tensor("x", "float32", (1, 4, 8, 8)), None, "neither grey nor RGB"),
        (Tensor("x", "uint8", (1, 8, 8, 3)), None, "what its numbers mean is not known"),
        (Tensor("x", "string", (1, 8, 8, 3)), (1.0, 0), "what its numbers mean is not known"),
    ],
)
def test_an_input_that_is_no_picture_is_refused(tensor, scale, what):
    with pytest.raises(FileFault, match=what):
        describe_input(tensor, "tflite", scale)


@pytest.mark.parametrize(
    ("model_format", "shape", "axis", "size"),
    [
        ("tflite", (1, 224, 224, 3), 3, (224, 224)),
        ("tflite", (1, 3, 224, 192), 1, (224, 192)),
        ("onnx", (1, 224, 192, 3), 3, (224, 192)),
        ("onnx", (1, 3, 8, 3), 1, (8, 3)),
        ("tflite", (1, 3, 8, 3), 3, (3, 8)),
        ("onnx", ("batch", 1, 28, 28), 1, (28, 28)),
    ],
)
def test_the_layout_follows_from_the_shape(model_format, shape, axis, size):
    found = describe_input(Tensor("x", "float32", shape), model_format, None)
    assert (found.channel_axis, found.size, found.batch_size) == (axis, size, 1)


@pytest.mark.parametrize(
    ("outputs", "shape", "batch", "expected"),
    [
        (1, (1, 10), 1, 10),
        (1, (10,), 1, 10),
        (1, (2, 1, 1, 10), 2, 10),
        (2, (1, 10), 1, "2 outputs"),
        (1, (1, 10, 4, 4), 1, "is float32"),
        (1, (1, 1), 1, "is float32"),
        (1, (2, 10), 1, "is float32"),
        (1, (), 1, "is float32"),
    ],
)
def test_what_counts_as_scores(outputs, shape, batch, expected):
    tensors = [Tensor(f"y{index}", "float32", shape) for index in range(outputs)]
    first = np.zeros(shape, np.float32)
    if isinstance(expected, int):
        assert count_classes(tensors, first, batch) == expected
    else:
        with pytest.raises(FileFault, match=expected):
            count_classes(tensors, first, batch)


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"text")
    with pytest.raises(FileFault, match="onnxruntime can't run it"):
        open_classifier(path, "onnx", "onnxruntime")
