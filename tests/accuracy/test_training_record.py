"""What a checkpoint says of its training, read without torch."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import safetensors.numpy

from pocketbench.accuracy.training_record import read_metadata, read_training
from pocketbench.core.errors import FileFault
from tests.accuracy.training_samples import TRAINING, write_weights


def test_it_is_what_was_written(tmp_path):
    write_weights(tmp_path / "a.safetensors", TRAINING)
    assert read_training(tmp_path / "a.safetensors") == TRAINING
    assert TRAINING.top1_fraction == 0.9


def test_metadata_is_what_the_library_reads(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.numpy.save_file({"x": np.zeros(3, np.float32)}, path, {"naïve": "ü 模型", "b": ""})
    with safetensors.safe_open(path, "numpy") as file:
        assert read_metadata(path) == file.metadata() == {"naïve": "ü 模型", "b": ""}


def test_files_that_others_wrote_say_nothing(tmp_path):
    safetensors.numpy.save_file({"x": np.zeros(3, np.float32)}, tmp_path / "a.safetensors")
    assert read_training(tmp_path / "a.safetensors") is None
    (tmp_path / "a.pth").write_bytes(b"anything")
    assert read_training(tmp_path / "a.pth") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01\x02",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 20) + b'{"__metadata__": "x"}',
        struct.pack("<Q", 26) + b'{"__metadata__": {"a": 1}}',
        struct.pack("<Q", 4) + b"\xff\xfe\x00\x00",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileFault, match="is no safetensors file"):
        read_training(path)
