"""`pocketbench devices`: what it prints and its exit codes, with this machine and a devices.toml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pocketbench.cli.devices_view import describe_checks, describe_device, describe_survey
from pocketbench.core.records import CoreCluster, Device
from pocketbench.profile.device import read_host_device
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck
from pocketbench.workflow.device_survey import SurveyedDevice
from tests.cli.command import run_command

PIXEL = Device(
    device_id="adb-0123456789ab",
    transport="adb",
    model="Pixel 4",
    soc="SM8150",
    os_version="Android 13",
    abi="arm64-v8a",
    core_count=8,
    memory_bytes=5_600_000_000,
    clusters=(
        CoreCluster(cores=(0, 1, 2, 3), max_khz=1785600),
        CoreCluster(cores=(4, 5, 6), max_khz=2419200),
        CoreCluster(cores=(7,), max_khz=2841600),
    ),
)


def test_a_device_in_one_line() -> None:
    assert describe_device(PIXEL) == (
        "Pixel 4, SM8150, arm64-v8a, Android 13; cores 0-3 at 1.79 GHz, 4-6 at 2.42 GHz, 7 at 2.84 GHz; 5.60 GB; "
        "in results adb-0123456789ab"
    )


def test_what_is_attached_and_not_described_and_what_is_described_and_not_attached() -> None:
    attached = AttachedDevice(transport="adb", address="9B1", state="device", device=PIXEL)
    gone = AttachedDevice(
        transport="ssh", address="rpi5", state="unreachable", device=None, problem="no route\x1b[2J", cure="plug it in"
    )
    survey = [SurveyedDevice(name=None, attached=attached), SurveyedDevice(name="rpi5", attached=gone)]
    lines = list(describe_survey(survey))
    assert lines[0] == "(not in devices.toml)  adb 9B1  ready"
    assert lines[2:] == ["rpi5  ssh rpi5  unreachable", "  no route?[2J", "  try: plug it in"]


def test_checks_say_what_to_do_under_what_is_missing() -> None:
    checks = [
        DeviceCheck(subject="adb", found="29.0.6"),
        DeviceCheck(subject="benchmark_model", found="none", cure="name one"),
        DeviceCheck(subject="screen", found="off", cure="wake it", needed=False),
    ]
    assert list(describe_checks(checks)) == [
        "ok       adb              29.0.6",
        "MISSING  benchmark_model  none",
        "                          try: name one",
        "note     screen           off",
        "                          try: wake it",
    ]
    assert [item.is_fault for item in checks] == [False, True, False]


def test_this_machine_is_listed_with_its_facts(tmp_path: Path) -> None:
    # adb's client would start a server that stays
    done = run_command("devices", "--json", cwd=tmp_path, POCKETBENCH_ADB=tmp_path / "no-adb")
    assert done.code == 0, done.err
    host, phones = json.loads(done.out)
    assert (phones["name"], phones["attached"]["transport"], phones["attached"]["device"]) == (None, "adb", None)
    assert str(tmp_path / "no-adb") in phones["attached"]["problem"]
    assert (host["name"], host["attached"]["transport"], host["attached"]["state"]) == ("host", "host", "device")
    assert host["attached"]["device"]["device_id"] == read_host_device().device_id


def test_check_of_this_machine(tmp_path: Path) -> None:
    done = run_command("devices", "check", "host", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "engine onnxruntime" in done.out


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", ["check", "pixel4"], "there is no device 'pixel4'"),
        ('format = 1\n[[device]]\nname = "a"\ntransport = "usb"\n', [], "line 4: device[1].transport is 'usb'"),
        ('format = 1\n[[device]]\nname = "a"\ntransport = "usb"\n', ["check", "host"], "device[1].transport is 'usb'"),
    ],
)
def test_a_wrong_name_or_file_is_exit_code_2(tmp_path: Path, text: str, arguments: list[str], message: str) -> None:
    if text:
        (tmp_path / "devices.toml").write_text(text)
    done = run_command("devices", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
