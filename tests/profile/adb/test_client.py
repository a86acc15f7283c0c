from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.adb.client import AdbClient, FloodFault
from pocketbench.profile.adb.connection import AnswerTimeout, ConnectionFault, ServerFault
from pocketbench.profile.adb.process import Ran
from tests.profile.adb.fake_phone import LOST, FakePhone


def client_of(ran: Ran) -> AdbClient:
    return AdbClient("adb", "X", "pixel4", lambda *_: ran)


def test_answers_that_did_not_come() -> None:
    with pytest.raises(AnswerTimeout, match=r"pixel4 .* within 20 s"):
        client_of(Ran(status=None, output=b"a", errors=b"")).shell(["true"])
    with pytest.raises(FloodFault, match="more than 4194304 bytes"):
        client_of(Ran(status=None, output=b"a", errors=b"", is_cut=True)).shell(["true"])
    with pytest.raises(ConnectionFault, match="lost"):
        client_of(LOST).shell(["true"])
    with pytest.raises(ConnectionFault, match="lost"):  # a status of 0 alone proves nothing
        client_of(Ran(status=0, output=b"error: daemon unauthorized\n", errors=b"")).shell(["true"])


def test_a_phone_is_asked_by_its_serial_only() -> None:
    phone = FakePhone()
    phone.states["OTHER"] = "device"
    phone.client().attach()
    assert phone.client().read(["id", "-u"]) == "2000\n"
    assert phone.client().read(["cat", "/nothing"]) is None


@pytest.mark.parametrize(
    ("state", "what", "cure"),
    [
        ("unauthorized", "unauthorized", "accept its dialog"),
        ("offline", "offline", "reconnect"),
        ("recovery", "'recovery'", "start Android"),
        (None, "not attached; attached: OTHER", "devices.toml"),
    ],
)
def test_a_phone_that_can_not_be_used(state: str | None, what: str, cure: str) -> None:
    phone = FakePhone()
    phone.states = {"OTHER": "device"} | ({"STANDIN1": state} if state else {})
    with pytest.raises(ConnectionFault) as caught:
        phone.client().attach(wait_s=30)
    assert what in caught.value.what
    assert cure in caught.value.cure
    assert 30 <= phone.seconds < 33
    assert not any(words[0] == "connect" for words in phone.lines)


def test_a_phone_on_the_network_is_connected_to() -> None:
    phone = FakePhone()
    phone.states = {"192.168.1.5:5555": "offline"}
    with pytest.raises(ConnectionFault):
        phone.client("192.168.1.5:5555").attach(wait_s=0)
    assert phone.lines == [["disconnect", "192.168.1.5:5555"], ["connect", "192.168.1.5:5555"]]
    phone.lines, phone.states = [], {}
    with pytest.raises(ConnectionFault, match="not attached; no device is attached"):
        phone.client("pixel.local:5555").attach(wait_s=0)
    assert phone.lines == [["connect", "pixel.local:5555"]]


def test_adb_itself() -> None:
    with pytest.raises(ServerFault, match="does not answer"):
        client_of(Ran(status=None, output=b"", errors=b"")).list_attached()
    with pytest.raises(ServerFault, match="Connection refused"):
        client_of(Ran(status=1, output=b"", errors=b"error: cannot connect to daemon: Connection refused")).attach()
    with pytest.raises(DeviceFault, match="can't run /no/adb: No such file"):
        AdbClient("/no/adb", "X", "pixel4").attach()


def test_a_push_that_hangs(tmp_path: Path) -> None:
    with pytest.raises(AnswerTimeout, match=r"m\.tflite was not copied to pixel4 within 3 s"):
        client_of(Ran(status=None, output=b"", errors=b"")).push(tmp_path / "m.tflite", "/x", 3)
