from __future__ import annotations

import pytest

from pocketbench.profile.adb.connection import (
    ConnectionFault,
    ServerFault,
    describe_attached,
    explain_failure,
    explain_state,
    parse_attached,
)

# as adb 29 to 35 print it
DEVICES = """* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
99021FFAZ00123\tdevice
127.0.0.1:5601\toffline
emulator-5554\tunauthorized
0123456789ABCDEF\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html]
adb-99021-x._adb-tls-connect._tcp\tauthorizing

"""


def test_attached_devices() -> None:
    states = parse_attached(DEVICES)
    assert states == {
        "99021FFAZ00123": "device",
        "127.0.0.1:5601": "offline",
        "emulator-5554": "unauthorized",
        "0123456789ABCDEF": "no permissions",
        "adb-99021-x._adb-tls-connect._tcp": "authorizing",
    }
    assert describe_attached(states).startswith("attached: 99021FFAZ00123, 127.0.0.1:5601 (offline)")
    assert describe_attached({}) == "no device is attached"


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        ("error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set", "unauthorized", "accept"),
        ("error: device still authorizing", "authorizing", "accept"),
        ("error: device offline", "offline", "reconnect"),
        ("adb: device offline", "offline", "reconnect"),
        ("error: device 'X' not found", "not attached", "plug it in"),
        ("adb: error: failed to get feature set: no devices/emulators found", "not attached", "plug it in"),
        ("error: insufficient permissions for device: user in plugdev group", "no permission", "udev"),
        ("error: closed", "lost: error: closed", "cable"),
        ("error: protocol fault (couldn't read status): Success", "lost", "cable"),
        ("", "was lost", "cable"),
    ],
)
def test_what_adb_says(text: str, what: str, cure: str) -> None:
    fault = explain_failure("pixel4", "X", text)
    assert isinstance(fault, ConnectionFault)
    assert not isinstance(fault, ServerFault)
    assert what in fault.what
    assert "pixel4" in fault.what
    assert cure in fault.cure


@pytest.mark.parametrize(
    "text",
    [
        "error: cannot connect to daemon at tcp:5037: Connection refused",
        "* failed to start daemon\nadb: failed to check server version: cannot connect to daemon",
        "ADB server didn't ACK",
        "could not read ok from ADB Server",
    ],
)
def test_the_server_of_this_machine(text: str) -> None:
    fault = explain_failure("pixel4", "X", text)
    assert isinstance(fault, ServerFault)
    assert "adb kill-server" in fault.cure


def test_a_state_that_is_not_known_is_named() -> None:
    assert "'recovery'" in explain_state("pixel4", "X", "recovery").what
