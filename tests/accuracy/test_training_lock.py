"""The lock of a training: one holder, nothing left behind, and what a killed process was writing goes."""

from __future__ import annotations

import os
import stat

import pytest

from pocketbench.accuracy.training_lock import hold_training
from pocketbench.core.errors import EnvironmentFault, FileFault


def test_a_second_holder_is_refused_and_a_later_one_is_not(tmp_path):
    path = tmp_path / "net" / "seed0.safetensors"
    with hold_training(path):
        with pytest.raises(EnvironmentFault, match="another process trains seed0 of net"), hold_training(path):
            pass
        with hold_training(path.with_name("seed1.safetensors")):
            pass
    with hold_training(path):
        assert [file.name for file in path.parent.iterdir()] == ["seed0.lock"]
    assert not list(path.parent.iterdir())


def test_the_lock_is_let_go_when_training_fails(tmp_path):
    path = tmp_path / "seed0.safetensors"
    with pytest.raises(ZeroDivisionError), hold_training(path):
        raise ZeroDivisionError
    with hold_training(path):
        pass


def test_files_that_a_killed_process_was_writing_go_and_no_others(tmp_path):
    for name in (".seed1.state.abc", ".seed1.safetensors.x", ".seed10.state.abc", "seed1.state", ".other"):
        (tmp_path / name).write_bytes(b"")
    with hold_training(tmp_path / "seed1.safetensors"):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == [".other", ".seed10.state.abc", "seed1.state"]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "net").write_bytes(b"")
    with pytest.raises(FileFault, match="can't lock"), hold_training(tmp_path / "net" / "seed0.safetensors"):
        pass
    assert stat.S_ISREG(os.stat(tmp_path / "net").st_mode)  # noqa: PTH116
