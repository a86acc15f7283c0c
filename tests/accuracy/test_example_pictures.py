"""Which pictures stand for a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from pocketbench.accuracy.datasets.dataset import DataSet, PictureFault, make_dataset
from pocketbench.accuracy.example_pictures import read_examples
from pocketbench.core.errors import FileFault
from pocketbench.core.records import Preprocessing

PREPROCESSING = Preprocessing(
    size=(4, 4), channels=1, crop="center", resize=None, interpolation=None, mean=(0.0,), std=(1.0,)
)


@dataclass
class Numbered:
    """Picture i is filled with i; some can't be read."""

    count: int
    broken: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"{index}.png"

    def read(self, index: int) -> np.ndarray:
        if index in self.broken:
            raise PictureFault(f"{index}.png is cut off", "replace it")
        return np.full((4, 4), index, np.uint8)


def make(labels: list[int], broken: tuple[int, ...] = ()) -> DataSet:
    return make_dataset("numbers", "test", Numbered(len(labels), broken), np.array(labels), None)


def test_ten_classes_give_the_first_picture_of_eight_spread_evenly():
    examples, unreadable = read_examples(make([*range(9, -1, -1), *range(10)]), PREPROCESSING, 8)
    assert [example.label for example in examples] == [0, 1, 2, 3, 5, 6, 7, 8]
    assert [example.index for example in examples] == [9, 8, 7, 6, 4, 3, 2, 1]
    assert all((example.pixels == example.index).all() for example in examples)
    assert unreadable == []


def test_few_classes_give_several_pictures_each():
    examples, _ = read_examples(make([0, 7, 9] * 4), PREPROCESSING, 8)
    assert [(example.label, example.index) for example in examples] == [
        *((0, 0), (0, 3), (0, 6), (7, 1), (7, 4), (7, 7), (9, 2), (9, 5)),
    ]


def test_the_next_picture_stands_for_one_that_cannot_be_read():
    examples, unreadable = read_examples(make([0, 1, 0, 1], broken=(0, 1, 3)), PREPROCESSING, 2)
    assert [example.name for example in examples] == ["2.png"]
    assert unreadable == [("0.png", "0.png is cut off"), ("1.png", "1.png is cut off"), ("3.png", "3.png is cut off")]


def test_no_picture_at_all_is_an_error():
    with pytest.raises(FileFault, match="none of 2 pictures can be read"):
        read_examples(make([0, 1], broken=(0, 1)), PREPROCESSING, 2)
