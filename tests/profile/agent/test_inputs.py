from __future__ import annotations

import numpy as np
import pytest

from pocketbench.profile.agent.inputs import ITEM_SIZES, Tensor, make_inputs, resolve_shapes
from pocketbench.profile.agent.refusal import Refusal

IMAGE = Tensor("x", "float32", (None, 3, "height", "width"))


def test_sizes_of_the_file_are_taken() -> None:
    found = resolve_shapes([Tensor("x", "float32", (1, 3)), Tensor("scale", "float32", ())], {})
    assert found.sizes == {"x": (1, 3), "scale": ()}
    assert found.assumed_batch == []


@pytest.mark.parametrize("batch", [None, "N"])
def test_an_open_batch_is_taken_as_1_and_said(batch: str | None) -> None:
    found = resolve_shapes([Tensor("x", "float32", (batch, 3))], {})
    assert found.sizes == {"x": (1, 3)}
    assert found.assumed_batch == ["x"]


def test_given_sizes_fill_open_dimensions_and_the_same_name_in_other_inputs() -> None:
    inputs = [Tensor("ids", "int64", ("N", "length")), Tensor("mask", "int64", ("N", "length"))]
    found = resolve_shapes(inputs, {"mask": [4, 7]})
    assert found.sizes == {"ids": (4, 7), "mask": (4, 7)}
    assert found.assumed_batch == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"input 'x' is \[\?, 3, height, width\].*--shape x=1,3,224,224"),
        ({"y": [1]}, "no input 'y'; its inputs are: x"),
        ({"x": [1, 4, 8, 8]}, "1,4,8,8 does not fit"),
        ({"x": [1, 3, 8]}, "1,3,8 does not fit"),
        ({"x": [1, 3, 0, 8]}, "a size is 1 or more"),
        ({"x": [1, 3, -1, 8]}, "a size is 1 or more"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, list[int]], message: str) -> None:
    with pytest.raises(Refusal, match=message) as caught:
        resolve_shapes([IMAGE], given)
    assert caught.value.kind == "load"


def test_the_proposed_shape_is_accepted() -> None:
    for tensor in (IMAGE, Tensor("t", "int64", ("a", "b")), Tensor("n", "float32", (None, None, None, None))):
        with pytest.raises(Refusal) as caught:
            resolve_shapes([tensor], {})
        proposed = caught.value.message.rpartition("=")[2]
        sizes = [int(size) for size in proposed.split(",")]
        assert resolve_shapes([tensor], {tensor.name: sizes}).sizes == {tensor.name: tuple(sizes)}


def test_all_open_inputs_are_named_at_once() -> None:
    inputs = [Tensor("ids", "int64", ("N", "length")), Tensor("y", "float32", (1,)), Tensor("z", "float32", (2, None))]
    with pytest.raises(Refusal, match=r"--shape ids=1,128 --shape z=2,128$"):
        resolve_shapes(inputs, {})


def test_any_rank_may_be_given_where_the_file_has_none() -> None:
    assert resolve_shapes([Tensor("x", "float32", ())], {"x": [2, 3]}).sizes == {"x": (2, 3)}


@pytest.mark.parametrize("dtype", sorted(ITEM_SIZES))
def test_values_are_in_a_safe_range(dtype: str) -> None:
    array = make_inputs([Tensor("x", dtype, (20, 20))], {"x": (20, 20)}, 0, None)["x"]
    assert array.dtype == np.dtype(dtype)
    assert array.itemsize == ITEM_SIZES[dtype]
    assert array.shape == (20, 20)
    assert array.flags.c_contiguous
    assert len(np.unique(array)) > 1
    if dtype not in ("int8", "uint8"):
        assert array.min() >= 0
        assert array.max() <= 1
    else:
        assert array.max() > 100


def test_equal_seeds_give_equal_inputs() -> None:
    tensor = Tensor("x", "float32", (8,))
    first, again, other = (make_inputs([tensor], {"x": (8,)}, seed, None)["x"] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_scalar_is_an_array_without_dimensions() -> None:
    assert make_inputs([Tensor("x", "int64", ())], {"x": ()}, 0, None)["x"].shape == ()


def test_inputs_larger_than_the_memory_are_refused_before_they_are_made() -> None:
    with pytest.raises(Refusal, match=r"x=1000000,1000000\) need 8,000,000,000,000 bytes of memory, 1,000"):
        make_inputs([Tensor("x", "float32", (None, None))], {"x": (10**6, 10**6)}, 0, 1000)


def test_a_type_that_numpy_has_not_is_refused() -> None:
    with pytest.raises(Refusal, match="input 'text' is string"):
        make_inputs([Tensor("text", "string", (1,))], {"text": (1,)}, 0, None)
