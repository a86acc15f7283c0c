from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault, FileFault
from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.folder import FOLDER, NOTE, model_path
from pocketbench.profile.adb.process import Ran
from pocketbench.profile.adb.push import hash_file, make_folder, parse_available_bytes, push_file
from tests.profile.adb.fake_phone import LOST, FakePhone

# toybox of Android 13, and a file system whose name is too long for its column
TOYBOX = """Filesystem      1K-blocks    Used Available Use% Mounted on
/dev/block/dm-8  52541964 9241340  43300624  18% /data/user/0
"""
WRAPPED = """Filesystem           1K-blocks    Used Available Use% Mounted on
/dev/block/platform/soc/1d84000.ufshc/by-name/userdata
                      52541964 9241340  43300624  18% /data
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a b'; rm -rf $(x).tflite"
    path.write_bytes(b"a model of some length")
    return path


def push(phone: FakePhone, model: Path) -> str:
    sha256 = hash_file(model)
    push_file(phone.client(), model, sha256, model_path(sha256))
    return model_path(sha256)


def pushes(phone: FakePhone) -> list[list[str]]:
    return [words for words in phone.lines if words[0] == "push"]


def test_a_file_gets_its_name_when_its_hash_was_taken_on_the_phone(model: Path) -> None:
    phone = FakePhone()
    target = push(phone, model)
    assert phone.files == {target: model.read_bytes()}
    assert hashlib.sha256(model.read_bytes()).hexdigest() in target
    assert pushes(phone) == [["push", f"{target}.part"]]
    assert not any("rm -rf" in word for words in phone.lines for word in words), "the name stays here"


def test_a_file_that_is_there_is_not_sent_and_a_damaged_one_is(model: Path) -> None:
    phone = FakePhone()
    target = push(phone, model)
    push(phone, model)
    assert len(pushes(phone)) == 1
    phone.files[target] = b"a model of some lengtX"  # the same size
    push(phone, model)
    assert len(pushes(phone)) == 2
    assert phone.files[target] == model.read_bytes()


def test_a_push_that_is_cut_leaves_nothing_that_passes(model: Path) -> None:
    phone = FakePhone()
    phone.push_fault = lambda _: LOST
    with pytest.raises(ConnectionFault):
        push(phone, model)
    assert model_path(hash_file(model)) not in phone.files
    phone.push_fault = lambda _: None
    assert phone.files[push(phone, model)] == model.read_bytes()


def test_a_push_that_is_cut_and_reports_success(model: Path) -> None:
    phone = FakePhone()
    phone.push_fault = lambda _: Ran(status=0, output=b"1 file pushed\n", errors=b"")
    with pytest.raises(DeviceFault, match="damaged"):
        push(phone, model)
    assert phone.files == {}


def test_a_phone_without_room(model: Path) -> None:
    phone = FakePhone()
    phone.available_kib = 1000
    with pytest.raises(DeviceFault, match=r"1\.02 MB of room on pixel4 .* \(22 B\)"):
        push(phone, model)
    assert pushes(phone) == []
    phone.available_kib = 1 << 20  # another program was faster
    error = b"adb: error: failed to copy 'x' to 'y': couldn't write: No space left on device\n"
    phone.push_fault = lambda _: Ran(status=1, output=b"", errors=error)
    with pytest.raises(DeviceFault, match="room on pixel4"):
        push(phone, model)
    assert phone.files == {}


def test_the_folder_keeps_what_a_run_needs_and_the_note() -> None:
    phone = FakePhone()
    keep, old, cut = (f"{FOLDER}/{name}" for name in ("aa.tflite", "bb.tflite", "aa.tflite.part"))
    phone.files = dict.fromkeys([keep, old, cut, NOTE], b"")
    make_folder(phone.client(), {keep})
    assert set(phone.files) == {keep, NOTE}


def test_free_space_is_what_the_system_says(tmp_path: Path) -> None:
    text = subprocess.run(["df", "-k", str(tmp_path)], capture_output=True, text=True, check=True).stdout
    facts = os.statvfs(tmp_path)
    found = parse_available_bytes(text)
    assert found is not None
    assert abs(found - facts.f_bavail * facts.f_frsize) < 1 << 30, "others write beside us"


def test_free_space_of_phones() -> None:
    assert parse_available_bytes(TOYBOX) == parse_available_bytes(WRAPPED) == 43300624 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "",
        "df: /data: Permission denied\n",
        "Filesystem Size Used Free Blksize\n/data 13G 1G 12G 4096\n",
        TOYBOX.replace("43300624", "?"),
    ],
)
def test_free_space_that_is_not_told(text: str) -> None:
    assert parse_available_bytes(text) is None


def test_a_file_that_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match=r"nothing\.tflite"):
        hash_file(tmp_path / "nothing.tflite")
