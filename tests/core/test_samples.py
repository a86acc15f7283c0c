import pickle
import random
import struct

import pytest

from pocketbench.core.samples import Samples, pack_samples, unpack_samples

SERIES = [
    (),
    (0,),
    (255, 0),
    (256,),
    (65_535, 3),
    (65_536,),
    (2**32 - 1, 5),
    (2**32,),
    (2**64 - 1,),
    (-1, 2**63 - 1),
    (-(2**63),),
]


@pytest.mark.parametrize("numbers", SERIES)
def test_a_series_is_itself_again(numbers):
    (found,) = unpack_samples(pack_samples(numbers), 1)
    assert found == numbers
    assert numbers == found
    assert list(found) == list(numbers)
    assert len(found) == len(numbers)
    assert hash(found) == hash(numbers)
    assert repr(found) == repr(numbers)
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("numbers", "code", "width"),
    [
        ((255,), "B", 1),
        ((256,), "H", 2),
        ((65_536,), "I", 4),
        ((2**32,), "Q", 8),
        ((-1,), "q", 8),
    ],
)
def test_the_bytes_are_what_the_documentation_says(numbers, code, width):
    packed = pack_samples(numbers)
    assert packed[:8] == code.encode() + b"\0\0\0" + struct.pack("<I", 1)
    assert int.from_bytes(packed[8:], "little", signed=code == "q") == numbers[0]
    assert len(packed) == 8 + width


@pytest.mark.parametrize("numbers", [(2**64,), (-1, 2**63), (-(2**63) - 1,), (10**30, 1)])
def test_numbers_that_no_width_holds_are_not_packed(numbers):
    assert pack_samples(numbers) is None


def test_several_series_follow_one_another():
    source = random.Random(3)
    for _ in range(200):
        several = [tuple(source.getrandbits(40) >> source.randrange(40) for _ in range(count)) for count in (0, 5, 9)]
        assert unpack_samples(b"".join(map(pack_samples, several)), 3) == several


def test_samples_are_a_sequence_of_whole_numbers():
    found = Samples(pack_samples((5, 3, 9, 1)))
    assert found[1] == 3
    assert found[-1] == 1
    assert found[1:3] == (3, 9)
    assert type(found[1:3]) is tuple
    assert sorted(found) == [1, 3, 5, 9]
    assert found.index(9) == 2
    assert found != (5, 3, 9)
    assert found != [5, 3, 9, 1]  # as a tuple is not
    assert pack_samples(found) == pack_samples((5, 3, 9, 1))
    with pytest.raises(IndexError):
        found[4]


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (b"", "begins"),
        (b"I\0\0\0\1\0\0", "begins"),
        (b"x\0\0\0\0\0\0\0", "begins"),
        (b"\xff\0\0\0\0\0\0\0", "begins"),
        (b"I\0\0\0\2\0\0\0abcd", "end before"),
        (b"I\0\0\0\xff\xff\xff\xff", "end before"),
        (b"I\0\0\0\1\0\0\0abcde", "1 bytes follow"),
    ],
)
def test_damaged_bytes_are_refused(packed, message):
    with pytest.raises(ValueError, match=message):
        unpack_samples(packed, 1)
