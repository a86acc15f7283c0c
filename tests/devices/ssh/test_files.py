"""Models on their way to a board and in its keeping."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.records import Failure
from tests.devices.board import Board, wait_until
from tests.devices.ssh.board_runs import check_fault, once, run, show, write_fake
from tests.profile.conftest import make_cell
from tests.profile.onnx_files import write_relu

pytestmark = pytest.mark.slow


def test_a_name_reaches_no_shell(board: Board, tmp_path: Path) -> None:
    path = write_relu(tmp_path / "a b'\"; cd; touch pwned; `cd; touch pwned` $(cd; touch pwned) \\.onnx")
    assert show(run(board.describe(), make_cell(path, "onnxruntime"))) == [(path.name, 0, "6")]
    assert not (board.home / "pwned").exists()


def test_a_package_arrives_whole_and_core_ml_says_where_it_runs(board: Board, tmp_path: Path) -> None:
    package = tmp_path / "net.mlpackage"
    for name in ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name * 1000)
    cell = make_cell(package, "coreml", delegate="cpu_and_ne")
    cell = dataclasses.replace(cell, artifact=dataclasses.replace(cell.artifact, sha256=hash_model_file(package)))
    (result,) = run(board.describe(), cell)
    assert result.failure == Failure(kind="load", message="Core ML runs on macOS alone")
    kept = board.home / f".cache/pocketbench/models/{cell.artifact.sha256}.mlpackage"
    assert hash_model_file(kept) == cell.artifact.sha256
    (package / "Manifest.json").write_text("changed")
    (kept / "Manifest.json").unlink()
    with pytest.raises(DeviceFault, match="it may have been changed"):
        run(board.describe(), cell)
    assert not kept.exists()


@pytest.mark.usefixtures("plugin")
def test_a_cut_in_the_middle_of_a_file_leaves_nothing_and_the_file_is_sent_again(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "large.fake", 200_000_000), "no_operation")
    models = board.home / ".cache/pocketbench/models"
    parts: list[int] = []

    def cut_in_the_middle() -> None:
        assert wait_until(lambda: any(path.stat().st_size > 1_000_000 for path in models.glob(".part-*/*")))
        parts.append(next(models.glob(".part-*/*")).stat().st_size)
        board.cut()

    breaker = threading.Thread(target=cut_in_the_middle)
    (result,) = run(board.describe(), cell, on_text=once("loads", breaker.start))
    breaker.join()
    assert parts[0] < 200_000_000
    assert show([result]) == [("large.fake", 0, "6")]
    assert not list(models.glob(".part-*"))
    assert (models / f"{cell.artifact.sha256}.fake").read_bytes() == cell.path.read_bytes()


@pytest.mark.usefixtures("plugin")
def test_a_model_that_was_spoilt_on_the_board_is_sent_again(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "spoilt.fake"), "no_operation")
    run(board.describe(), cell)
    kept = board.home / f".cache/pocketbench/models/{cell.artifact.sha256}.fake"
    kept.write_bytes(b"spoilt.")
    run(board.describe(), cell)
    assert kept.read_bytes() == cell.path.read_bytes()


@pytest.mark.usefixtures("plugin")
def test_a_file_that_was_changed_after_it_was_hashed_is_not_measured(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "fresh.fake"), "no_operation")
    cell.path.write_bytes(b"another content")
    with pytest.raises(DeviceFault, match=r"fresh.fake can't be sent: what arrived has sha256 .*may have been changed"):
        run(board.describe(), cell)
    cell.path.unlink()
    with pytest.raises(DeviceFault, match=r"can't send .*fresh.fake to board: No such file"):
        run(board.describe(), cell)


@pytest.mark.usefixtures("plugin")
def test_a_full_disk_is_said_before_anything_is_sent(own_board: Callable[..., Board], tmp_path: Path) -> None:
    board = own_board(home_size="20m")
    large = make_cell(write_fake(tmp_path, "large.fake", 10_000_000), "no_operation")
    small = make_cell(write_fake(tmp_path, "small.fake"), "no_operation")
    with pytest.raises(DeviceFault, match=r"large.fake can't be sent: .* bytes left, and the model needs 10,000,000"):
        run(board.describe(), large)
    assert show(run(board.describe(), small)) == [("small.fake", 0, "6")]
    board.stop()
    board.start(home_size="4k")
    assert "the agent can't be kept there" in check_fault(board.describe()).what
