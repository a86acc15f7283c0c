"""Data sets: the formats, the splits, the hash, and everything that can be wrong with a file."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.datasets.dataset import check_classes, read_framed, refuse_unreadable
from pocketbench.accuracy.datasets.fashion_mnist import read_fashion_mnist
from pocketbench.accuracy.datasets.idx import read_idx
from pocketbench.core.errors import FileFault, UnknownNameError, UsageError
from pocketbench.core.records import Preprocessing
from tests.accuracy.training_samples import draw_bars, write_bars

PLAIN = Preprocessing(
    size=(16, 16), channels=1, crop="center", resize=None, interpolation=None, mean=(0.0,), std=(1.0,)
)


def save_picture(path: Path, grey: int, size=(20, 10), mode="RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, (grey,) * 3 if mode == "RGB" else grey).save(path)


# IDX


@pytest.mark.parametrize("packed", [False, True])
def test_idx_holds_what_was_written_by_hand(tmp_path, packed):
    write_bars(tmp_path)
    if packed:
        for path in list(tmp_path.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    for split, count, seed in (("train", 330, 0), ("test", 90, 1)):
        dataset = open_dataset(str(tmp_path), split)
        pictures, labels = draw_bars(count, seed)
        assert np.array_equal([dataset.pictures.read(index) for index in range(count)], pictures)
        assert np.array_equal(dataset.labels, labels)
        assert dataset.class_names is None


def test_fashion_mnist_is_what_its_own_reader_reads():
    """The authors' utils/mnist_reader.py skips 16 and 8 bytes of header; the sums were taken from its arrays."""
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        with pytest.raises(FileFault, match="dataset-fashion-mnist"):
            open_dataset("fashion-mnist", "test")
        return
    dataset = open_dataset("fashion-mnist", "test")
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    assert np.array_equal(dataset.labels, labels)
    assert np.array_equal(read_framed(dataset, PLAIN).pixels[:, 0], pictures[:, 6:22, 6:22])
    assert np.bincount(dataset.labels).tolist() == [1000] * 10
    assert dataset.class_names[int(labels[0])] == "Ankle boot"


def test_fashion_mnist_elsewhere_says_where_to_get_it(tmp_path):
    with pytest.raises(FileFault) as caught:
        read_fashion_mnist("train", tmp_path)
    assert "apt-get install dataset-fashion-mnist" in caught.value.cure
    assert "https://github.com/zalandoresearch/fashion-mnist" in caught.value.cure


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "begins with nothing"),
        (b"\x00\x00\x0d\x01" + struct.pack(">I", 1) + b"\0\0\0\0", "type 0x0d"),
        (b"\x89PNG\r\n\x1a\n", "begins with 89504e47"),
        (b"\x00\x00\x08\x03\x00\x00", "ends within its header"),
        (struct.pack(">II", 0x00000801, 5) + b"1234", "holds 4 bytes of data, its header says 5"),
        (struct.pack(">II", 0x00000801, 5) + b"123456", "holds more bytes of data"),
        (struct.pack(">IIII", 0x00000803, 2**32 - 1, 2**32 - 1, 2**32 - 1), "more than it can hold"),
        (gzip.compress(struct.pack(">II", 0x00000801, 5) + b"1234", mtime=0), "holds 4 bytes of data, its header says"),
        (gzip.compress(struct.pack(">II", 0x00000801, 2 * 10**9), mtime=0), "more than it can hold"),
        (gzip.compress(struct.pack(">II", 0x00000801, 500) + bytes(500), mtime=0)[:-12], "can't read"),
        (b"\x1f\x8bnot gzip at all", "can't read"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content, what):
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(FileFault, match=what) as caught:
        read_idx(path)
    assert str(path) in caught.value.what


def test_pictures_and_labels_in_different_number_are_refused(tmp_path):
    write_bars(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x00000801, 3) + b"\0\1\2")
    with pytest.raises(FileFault, match="90 pictures and 3 labels"):
        open_dataset(str(tmp_path), "test")


# .npz


@pytest.mark.parametrize(("pictures", "labels"), [("x_test", "y_test"), ("test_images", "test_labels")])
def test_npz_under_the_usual_names(tmp_path, pictures, labels):
    images, numbers = draw_bars(30, 0)
    np.savez_compressed(tmp_path / "bars.npz", **{pictures: images, labels: numbers[:, None].astype(np.int32)})
    dataset = open_dataset(str(tmp_path / "bars.npz"), "test")
    assert np.array_equal(dataset.pictures.pixels, images)
    assert np.array_equal(dataset.labels, numbers)
    with pytest.raises(FileFault, match="no train split") as caught:
        open_dataset(str(tmp_path / "bars.npz"), "train")
    assert "x_train and y_train" in caught.value.cure


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_a_pickle_in_an_npz_is_not_run(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, x_test=np.array([Bomb()], dtype=object), y_test=np.zeros(1, np.int64))
    with pytest.raises(FileFault, match="x_test is a pickle"):
        open_dataset(str(path), "test")
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(FileFault, match="can't read"):
        open_dataset(str(path), "test")


def test_an_npz_that_claims_more_than_it_holds_is_refused_before_anything_is_allocated(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6)})
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        archive.writestr("x_test.npy", header.getvalue())
        archive.writestr("y_test.npy", header.getvalue())
    with pytest.raises(FileFault, match="x_test claims 1000000000000 bytes"):
        open_dataset(str(tmp_path / "big.npz"), "test")


@pytest.mark.parametrize(
    ("arrays", "what"),
    [
        ({"x_test": np.zeros((2, 4, 4)), "y_test": np.zeros(2, int)}, "x_test is float64"),
        ({"x_test": np.zeros((2, 4), np.uint8), "y_test": np.zeros(2, int)}, "2 dimensions"),
        ({"x_test": np.zeros((2, 4, 4), np.uint8), "y_test": np.zeros(2)}, "y_test is float64"),
        ({"x_test": np.zeros((2, 4, 4), np.uint8), "y_test": np.array([0, -1])}, "label -1 of bad.npz, picture 1"),
        ({"x_test": np.zeros((0, 4, 4), np.uint8), "y_test": np.zeros(0, int)}, "no pictures"),
    ],
)
def test_an_npz_of_something_else_is_refused(tmp_path, arrays, what):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(FileFault, match=what):
        open_dataset(str(tmp_path / "bad.npz"), "test")


# folders


def test_a_folder_a_class_is_read_as_torchvision_reads_it(tmp_path):
    """Classes by name, files by name within a class: what ImageFolder's documentation promises."""
    for name, grey in (("dog/b.png", 20), ("dog/a.png", 10), ("cat/deep/x.png", 30), ("Ant/1.PNG", 40)):
        save_picture(tmp_path / "val" / name, grey)
    (tmp_path / "val" / "cat" / "notes.txt").write_text("no picture")
    dataset = open_dataset(str(tmp_path), "test")
    assert dataset.class_names == ("Ant", "cat", "dog")
    assert dataset.labels.tolist() == [0, 1, 2, 2]
    assert [int(dataset.pictures.read(index)[0, 0, 0]) for index in range(4)] == [40, 30, 10, 20]
    with pytest.raises(FileFault, match="no train split"):
        open_dataset(str(tmp_path), "train")


def test_classes_txt_keeps_the_numbers_of_a_larger_data_set(tmp_path):
    save_picture(tmp_path / "n02" / "a.png", 1)
    save_picture(tmp_path / "n00" / "a.png", 2)
    (tmp_path / "classes.txt").write_text("n00\nn01\nn02\n")
    dataset = open_dataset(str(tmp_path), "test")
    assert dataset.labels.tolist() == [0, 2]
    assert len(dataset.class_names) == 3
    save_picture(tmp_path / "n09" / "a.png", 2)
    with pytest.raises(FileFault, match=r"n09 is no class of classes\.txt"):
        open_dataset(str(tmp_path), "test")


def test_a_class_folder_without_pictures_is_named(tmp_path):
    save_picture(tmp_path / "cat" / "a.png", 1)
    (tmp_path / "dog").mkdir()
    with pytest.raises(FileFault, match="dog holds no pictures"):
        open_dataset(str(tmp_path), "test")


@pytest.mark.parametrize("separator", [" ", ",", "\t"])
def test_a_labels_file_says_what_each_picture_shows(tmp_path, separator):
    for name in ("b one.png", "a.png"):
        save_picture(tmp_path / name, 1)
    (tmp_path / "labels.txt").write_text(f"b one.png{separator}7\n\na.png{separator}0\n")
    dataset = open_dataset(str(tmp_path), "test")
    assert dataset.pictures.names == ("b one.png", "a.png")
    assert dataset.labels.tolist() == [7, 0]
    assert dataset.class_names is None


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a.png", "'a.png' has no label"),
        ("a.png cat", "label 'cat' is no class"),
        ("a.png -1", "label '-1' is no class"),
        ("a.png 2", "label '2' is no class"),
        (f"a.png {'9' * 5000}", "is no class"),
        ("b.png 0", "no picture 'b.png'"),
        ("../a.png 0", "no picture"),
        ("a.png 0\na.png 1", r"line 2: a\.png is labelled twice"),
    ],
)
def test_a_wrong_line_of_a_labels_file_is_named(tmp_path, line, what):
    save_picture(tmp_path / "set" / "a.png", 1)
    save_picture(tmp_path / "a.png", 1)
    (tmp_path / "set" / "classes.txt").write_text("x\ny\n")
    (tmp_path / "set" / "labels.txt").write_text(line)
    with pytest.raises(FileFault, match=what):
        open_dataset(str(tmp_path / "set"), "test")


def test_unreadable_pictures_are_counted_and_named_never_skipped(tmp_path):
    for name in ("1.png", "2.png", "3.png", "4.png"):
        save_picture(tmp_path / "cat" / name, 9)
    whole = (tmp_path / "cat" / "2.png").read_bytes()
    (tmp_path / "cat" / "2.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cat" / "3.png").write_bytes(b"")
    dataset = open_dataset(str(tmp_path), "test")
    framed = read_framed(dataset, PLAIN)
    assert len(framed.pixels) == len(framed.labels) == 2
    assert [name for name, _ in framed.unreadable] == ["cat/2.png", "cat/3.png"]
    with pytest.raises(FileFault, match=r"2 of 4 pictures can't be read: cat/2\.png, cat/3\.png"):
        refuse_unreadable(dataset, framed)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, 77),
        ("1", 1, 255),
        ("I;16", 77 * 257, 77),
        ("RGBA", (200, 200, 200, 128), (100, 100, 100)),
        ("CMYK", (0, 0, 0, 155), (100, 100, 100)),
        ("P", 5, None),
    ],
)
def test_pictures_of_every_mode(tmp_path, mode, colour, expected):
    path = tmp_path / "cat" / ("a.tif" if mode in ("I;16", "CMYK") else "a.png")
    path.parent.mkdir()
    Image.new(mode, (3, 2), colour).save(path)
    pixels = open_dataset(str(tmp_path), "test").pictures.read(0)
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (2, 3)
    if expected is not None:
        assert np.array_equal(pixels[0, 0], expected)


def test_a_picture_of_unknown_range_is_refused(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.new("F", (3, 2), 0.5).save(tmp_path / "cat" / "a.tif")
    with pytest.raises(FileFault, match=r"a\.tif has values of 32 bits"):
        open_dataset(str(tmp_path), "test").pictures.read(0)


def test_a_picture_stands_upright_as_its_exif_says(tmp_path):
    (tmp_path / "cat").mkdir()
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    image.save(tmp_path / "cat" / "a.png", exif=exif)
    pixels = open_dataset(str(tmp_path), "test").pictures.read(0)
    assert np.array_equal(pixels, np.rot90(np.asarray(image), -1))


# what all formats share


def test_the_hash_identifies_the_content_and_not_the_place(tmp_path):
    write_bars(tmp_path / "a")
    write_bars(tmp_path / "b")
    (tmp_path / "c").mkdir()
    for path in (tmp_path / "b").iterdir():
        (tmp_path / "c" / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    hashes = {open_dataset(str(tmp_path / name), "test").sha256 for name in "abc"}
    assert len(hashes) == 1
    content = bytearray((tmp_path / "b" / "t10k-images-idx3-ubyte").read_bytes())
    content[-1] ^= 1
    (tmp_path / "b" / "t10k-images-idx3-ubyte").write_bytes(content)
    assert open_dataset(str(tmp_path / "b"), "test").sha256 not in hashes
    assert open_dataset(str(tmp_path / "a"), "train").sha256 not in hashes


def test_the_hash_of_picture_files_changes_with_one_of_them(tmp_path):
    save_picture(tmp_path / "cat" / "a.png", 1)
    save_picture(tmp_path / "dog" / "a.png", 2)
    before = open_dataset(str(tmp_path), "test").sha256
    assert open_dataset(str(tmp_path), "test").sha256 == before
    save_picture(tmp_path / "dog" / "a.png", 3)
    assert open_dataset(str(tmp_path), "test").sha256 != before


def test_labels_have_to_fit_the_network(tmp_path):
    write_bars(tmp_path / "bars")
    numbered = open_dataset(str(tmp_path / "bars"), "test")
    check_classes(numbered, 3)
    check_classes(numbered, 1000)
    with pytest.raises(UsageError, match="has the label 2, the network only 2 classes"):
        check_classes(numbered, 2)
    save_picture(tmp_path / "named" / "cat" / "a.png", 1)
    with pytest.raises(UsageError, match="has 1 classes, the network 10"):
        check_classes(open_dataset(str(tmp_path / "named"), "test"), 10)


def test_what_is_no_data_set_is_refused_with_the_names_that_are(tmp_path):
    with pytest.raises(UnknownNameError, match="there is no data set 'fashion_mnist'") as caught:
        open_dataset("fashion_mnist", "test")
    assert "did you mean 'fashion-mnist'" in caught.value.cure
    with pytest.raises(FileFault, match="holds no test split"):
        open_dataset(str(tmp_path), "test")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(FileFault, match="holds no test split"):
        open_dataset(str(tmp_path / "a.txt"), "test")


def test_the_hash_is_sha256_of_a_documented_text(tmp_path):
    write_bars(tmp_path)
    pictures, labels = draw_bars(90, 1)
    content = b"\0" + labels.astype("<i8").tobytes() + b"(90, 16, 16)" + pictures.tobytes()
    assert open_dataset(str(tmp_path), "test").sha256 == hashlib.sha256(content).hexdigest()
