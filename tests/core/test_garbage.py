import gc

import pytest

from pocketbench.core.garbage import paused_collection


def fail_inside():
    with paused_collection():
        assert not gc.isenabled()
        with paused_collection():
            pass
        assert not gc.isenabled()
        raise KeyError


def test_it_goes_on_afterwards_as_before():
    assert gc.isenabled()
    with pytest.raises(KeyError):
        fail_inside()
    assert gc.isenabled()
