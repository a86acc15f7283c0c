"""Which files are calibrated on what: the pictures, the key, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocketbench.core.errors import FileFault, UnknownNameError, UsageError
from pocketbench.core.records import ModelSpec, Preprocessing
from pocketbench.core.targets import CalibrationData, parse_format_target
from pocketbench.workflow.accuracy_framing import parse_framing
from pocketbench.workflow.cache_keys import make_static_key
from pocketbench.workflow.calibration import attach_calibration, read_pictures
from pocketbench.workflow.model_request import list_model_variants, list_suite_variants
from pocketbench.workflow.suites import parse_suite
from pocketbench.workflow.toml_tables import read_toml

GREY = Preprocessing(size=(8, 8), channels=1, crop="center", resize=None, interpolation=None, mean=(0.5,), std=(0.25,))
TRAINED = ModelSpec(
    backbone="mobilenet_v2",
    width_ratio=0.35,
    class_count=4,
    input_shape=(1, 1, 8, 8),
    weights="given",
    checkpoint_sha256="a" * 64,
    preprocessing=GREY,
)
INT8 = parse_format_target("tflite:int8")


def save_pictures(path: Path, count: int, shape: tuple[int, ...] = (8, 8), seed: int = 0) -> str:
    """An .npz data set whose picture i has the grey i in its corner."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
    pixels[:, 0, 0] = (np.arange(count) % 256).reshape(count, *[1] * (len(shape) - 2))
    labels = np.arange(count) % 4
    np.savez(path, x_train=pixels, y_train=labels, x_test=pixels[:4], y_test=labels[:4])
    return str(path)


def attach(data: str, **changes: object) -> CalibrationData:
    target = attach_calibration(replace(TRAINED, **changes), INT8, data)
    assert target.calibration is not None
    return target.calibration


def test_pictures_are_spread_over_the_training_split_and_normalised(tmp_path: Path) -> None:
    pictures = read_pictures(attach(save_pictures(tmp_path / "set.npz", 3000)))
    assert (len(pictures.inputs), len(pictures.checks)) == (256, 32)
    record = pictures.record
    assert (record.source, record.dataset, record.split, record.image_count) == ("pictures", "set", "train", 256)
    assert record.preprocessing == GREY
    for image in (*pictures.inputs, *pictures.checks):
        assert (image.shape, image.dtype) == ((1, 1, 8, 8), np.float32)
    corners = {round(float(image[0, 0, 0, 0]) * 0.25 * 255 + 0.5 * 255) for image in pictures.inputs}
    assert min(corners) < 10
    assert max(corners) > 245
    everything = {image.tobytes() for image in pictures.inputs}
    assert not everything & {image.tobytes() for image in pictures.checks}


def test_a_small_set_is_taken_whole_and_a_tiny_one_refused(tmp_path: Path) -> None:
    pictures = read_pictures(attach(save_pictures(tmp_path / "small.npz", 20)))
    assert len(pictures.inputs) + len(pictures.checks) == 20
    assert len(pictures.checks) > 1
    with pytest.raises(FileFault, match="5 pictures are too few"):
        read_pictures(attach(save_pictures(tmp_path / "tiny.npz", 5)))


def test_pictures_of_other_channels_are_converted(tmp_path: Path) -> None:
    colour = save_pictures(tmp_path / "colour.npz", 20, (8, 8, 3))
    assert read_pictures(attach(colour)).inputs[0].shape == (1, 1, 8, 8)


def test_bad_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="fashion-mnits"):
        read_pictures(attach("fashion-mnits"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFault, match="empty"):
        read_pictures(attach(str(tmp_path / "empty")))
    folder = tmp_path / "pictures" / "train"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for index in range(10):
            Image.new("L", (8, 8), index).save(folder / name / f"{index}.png")
    (folder / "a" / "3.png").write_bytes(b"\x89PNG\r\n")
    (folder / "b" / "7.png").write_bytes(b"")
    with pytest.raises(FileFault, match=r"2 of 20 pictures can't be read: .*3\.png.*7\.png"):
        read_pictures(attach(str(tmp_path / "pictures")))


def test_the_key_changes_with_the_pictures_and_only_where_they_count(tmp_path: Path) -> None:
    one, other = save_pictures(tmp_path / "one.npz", 40), save_pictures(tmp_path / "other.npz", 40, seed=1)
    spec = replace(TRAINED, block="ca", reduction_ratio=32, gate="hard_sigmoid")

    def key(name: str, data: str) -> str | None:
        return make_static_key(spec, attach_calibration(spec, parse_format_target(name), data))

    assert key("tflite:int8", one) == key("tflite:int8", one) != key("tflite:int8", other)
    assert key("onnx:int8", one) != key("onnx:int8", other)
    for name in ("tflite", "tflite:fp16", "tflite:dynamic_int8", "coreml:int8_weights", "onnx"):
        assert key(name, one) == key(name, other)


class TestWhatIsRefused:
    def test_trained_weights_without_data(self) -> None:
        with pytest.raises(UsageError, match="needs pictures") as caught:
            attach_calibration(TRAINED, INT8, None)
        assert "--calibrate" in caught.value.cure

    def test_random_weights_need_none_and_take_none(self) -> None:
        drawn = replace(TRAINED, weights="random", checkpoint_sha256=None, preprocessing=None)
        assert attach_calibration(drawn, INT8, None) == INT8
        assert attach_calibration(drawn, INT8, "fashion-mnist") == INT8
        options = {"model": "mobilenet_v2"}
        with pytest.raises(UsageError, match="random weights"):
            list_model_variants(options, "tflite:int8", "fashion-mnist")
        with pytest.raises(UsageError, match="goes with a format that is calibrated"):
            list_model_variants(options, "tflite", "fashion-mnist")
        framing = parse_framing(mean="0.5", std="0.5", resize=None, crop=None, interpolation=None)
        with pytest.raises(UsageError, match="--mean and the options beside it go with --calibrate"):
            list_model_variants(options, "tflite:int8", None, framing)

    def test_weights_that_do_not_say_how_pictures_are_prepared(self) -> None:
        foreign = replace(TRAINED, preprocessing=None)
        with pytest.raises(UsageError, match="nothing says how") as caught:
            attach_calibration(foreign, INT8, "fashion-mnist")
        assert "--mean" in caught.value.cure
        framing = parse_framing(mean="0.5", std="0.25", resize=None, crop=None, interpolation=None)
        found = attach_calibration(foreign, INT8, "fashion-mnist", framing).calibration
        assert found is not None
        assert found.preprocessing == GREY
        with pytest.raises(UsageError, match="says itself"):
            attach_calibration(TRAINED, INT8, "fashion-mnist", framing)

    def test_another_size_than_that_of_the_training(self) -> None:
        with pytest.raises(UsageError, match="1x16x16, its weights were trained with 1x8x8"):
            attach_calibration(replace(TRAINED, input_shape=(1, 1, 16, 16)), INT8, "fashion-mnist")


@pytest.mark.parametrize(
    ("line", "train", "expected"),
    [
        ("", "", None),
        ('calibrate = "pictures"', "", "pictures"),
        ("", '[train]\ndata = "fashion-mnist"\nseeds = [0]\nepochs = 1\nmean = [0.3]\nstd = [0.3]', "fashion-mnist"),
    ],
)
def test_a_suite_names_its_data_or_has_that_of_its_training(
    tmp_path: Path, line: str, train: str, expected: str | None
) -> None:
    path = tmp_path / "some.toml"
    path.write_text(
        'format = 1\ntitle = "t"\nformats = ["tflite:int8", "onnx"]\nengines = ["litert", "onnxruntime"]\n'
        f"{line}\n{train}\n"
        '[[model]]\nbackbone = "mobilenet_v2"\nwidth = 0.35\nclasses = 4\ninput_size = 8\nin_channels = 1\n'
    )
    suite = replace(parse_suite(read_toml(path), path), models=(TRAINED,))
    if expected is None:
        with pytest.raises(UsageError, match="needs pictures"):
            list_suite_variants(suite)
        return
    targets = [target for _, target in list_suite_variants(suite)]
    assert targets[0].calibration == CalibrationData(data=expected, preprocessing=GREY)
    assert targets[1].calibration is None
