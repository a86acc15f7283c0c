"""What a board keeps of models, without a board."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.model_files import hash_model_file
from pocketbench.profile.agent.board_files import KEEP_S, ModelFolder, hash_model
from pocketbench.profile.agent.board_requests import Requests, RequestsEnded
from pocketbench.profile.agent.refusal import Refusal

CONTENT = b"a model" * 1000
PARTS = [["", len(CONTENT)]]


def read_from(content: bytes, most: int = 1000) -> Callable[[int], bytes]:
    """A stream that gives its bytes in small pieces; asked for more than it has, it fails."""
    left = memoryview(content)

    def read(count: int) -> bytes:
        nonlocal left
        assert left
        piece, left = left[: min(count, most)], left[min(count, most) :]
        return bytes(piece)

    read.left = lambda: len(left)  # type: ignore[attr-defined]
    return read


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(CONTENT)
    return path


def test_a_file_is_kept_by_its_hash_and_found_again(tmp_path: Path, model: Path) -> None:
    folder = ModelFolder(tmp_path / "models")
    sha256 = hash_model_file(model)
    assert folder.find(sha256, ".onnx", PARTS) is None
    path = folder.receive(sha256, ".onnx", PARTS, read_from(CONTENT))
    assert path == tmp_path / f"models/{sha256}.onnx"
    assert path.read_bytes() == CONTENT
    assert folder.find(sha256, ".onnx", PARTS) == path
    assert list((tmp_path / "models").iterdir()) == [path]
    path.write_bytes(CONTENT[:-1] + b"x")
    assert folder.find(sha256, ".onnx", PARTS) is None
    assert not path.exists()


def test_a_folder_is_kept_whole(tmp_path: Path) -> None:
    package = tmp_path / "net.mlpackage"
    for name in ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    files = sorted(path for path in package.rglob("*") if path.is_file())
    parts = [[path.relative_to(package).as_posix(), path.stat().st_size] for path in files]
    content = b"".join(path.read_bytes() for path in files)
    kept = ModelFolder(tmp_path / "models").receive(
        hash_model_file(package), ".mlpackage", parts, read_from(content, 7)
    )
    assert hash_model(kept) == hash_model_file(package) == hash_model_file(kept)
    assert sorted(path.relative_to(kept) for path in kept.rglob("*")) == sorted(
        path.relative_to(package) for path in package.rglob("*")
    )


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "a//b", "", ".", "a/.", "a\\..\\b", "a\0b", "..", "a/.."]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = ModelFolder(tmp_path / "models")
    parts = [[name, 1], ["b", 1]]
    for ask in (folder.check_room, lambda p: folder.find("0" * 64, ".x", p)):
        with pytest.raises(Refusal, match="no file of a model"):
            ask(parts)
    with pytest.raises(Refusal, match="no file of a model"):
        folder.receive("0" * 64, ".mlpackage", parts, read_from(b"12"))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("sha256", "suffix"),
    [("../../evil", ".onnx"), ("0" * 63, ".onnx"), ("0" * 64, "/../../evil"), ("0" * 64, ""), ("A" * 64, ".onnx")],
)
def test_no_other_name_is_made(tmp_path: Path, sha256: str, suffix: str) -> None:
    with pytest.raises(Refusal, match="no name of a model"):
        ModelFolder(tmp_path).receive(sha256, suffix, PARTS, read_from(CONTENT))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parts", [[], [["", -1]], [["", "1"]], [["a", 1], ["", 1]]])
def test_sizes_and_counts_are_checked(tmp_path: Path, parts: Any) -> None:
    with pytest.raises(Refusal):
        ModelFolder(tmp_path).check_room(parts)


def test_other_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"what arrived has sha256 .*, and 000000000000... was sent"):
        ModelFolder(tmp_path / "models").receive("0" * 64, ".onnx", PARTS, read_from(CONTENT))
    assert list((tmp_path / "models").iterdir()) == []


def test_too_little_room_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=20_000_000))
    folder = ModelFolder(tmp_path / "models")
    folder.check_room([["", 3_000_000]])
    with pytest.raises(Refusal, match=r"20,000,000 bytes left, and the model needs 10,000,000") as caught:
        folder.check_room([["", 10_000_000]])
    assert caught.value.kind == "space"


def test_a_disk_that_fills_up_in_between_reads_all_and_leaves_nothing(tmp_path: Path) -> None:
    """In a process whose files may not grow: what comes after the file must still be understood."""
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from pathlib import Path
from pocketbench.profile.agent.board_files import ModelFolder
from pocketbench.profile.agent.refusal import Refusal
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
left = [9000]
def read(count):
    count = min(count, 1000)
    left[0] -= count
    return b"x" * count
try:
    ModelFolder(Path(sys.argv[1])).receive("0" * 64, ".mlpackage", [["a", 1000], ["b", 5000], ["c", 3000]], read)
except Refusal as refusal:
    print(refusal.kind, left[0], list(Path(sys.argv[1]).iterdir()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "models"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "space 0 []\n"


def test_a_home_that_can_not_be_written_is_said(tmp_path: Path, model: Path) -> None:
    (tmp_path / "models").write_text("a file where a folder should be")
    folder = ModelFolder(tmp_path / "models")
    read = read_from(CONTENT)
    with pytest.raises(Refusal, match=f"can't write into .*{os.strerror(errno.EEXIST)}") as caught:
        folder.receive(hash_model_file(model), ".onnx", PARTS, read)
    assert caught.value.kind == "device"
    assert read.left() == 0  # type: ignore[attr-defined]
    with pytest.raises(Refusal, match="can't write into"):
        folder.check_room(PARTS)


def test_what_nobody_used_for_a_month_is_removed(tmp_path: Path) -> None:
    now = time.time()
    for name, age_s in (("old.onnx", KEEP_S + 60), ("new.onnx", KEEP_S - 60), (".part-x", 0.0)):
        (tmp_path / name).write_text("a model")
        os.utime(tmp_path / name, (now - age_s, now - age_s))
    old_package = tmp_path / "old.mlpackage"
    old_package.mkdir()
    (old_package / "a").write_text("a")
    os.utime(old_package, (0, 0))
    ModelFolder(tmp_path).remove_old()
    assert [path.name for path in tmp_path.iterdir()] == ["new.onnx"]
    ModelFolder(tmp_path / "absent").remove_old()


def test_requests_are_lines_and_bytes_in_turn() -> None:
    reading, writing = os.pipe()
    requests = Requests(reading, idle_s=5.0)
    os.write(writing, b'{"do": "receive"}\nabc{"do"')
    assert requests.read_request() == {"do": "receive"}
    assert requests.read_piece(2) + requests.read_piece(1) == b"abc"
    os.write(writing, b': "end"}\n')
    assert requests.read_request() == {"do": "end"}
    os.write(writing, b"no JSON\n")
    with pytest.raises(RequestsEnded):
        requests.read_request()
    os.write(writing, b"half a line")
    os.close(writing)
    with pytest.raises(RequestsEnded):
        requests.read_request()
    os.close(reading)


def test_a_host_that_asks_nothing_for_long_is_gone() -> None:
    reading, writing = os.pipe()
    with pytest.raises(RequestsEnded):
        Requests(reading, idle_s=0.05).read_request()
    os.close(reading)
    os.close(writing)
