"""devices.toml: what it says reaches the entry, and each rule that it can break is named with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault, SuiteError, UnknownNameError
from pocketbench.profile.device_entry import HOST_ENTRY, DeviceEntry
from pocketbench.workflow.devices_file import choose_devices, find_devices_file, read_devices

PHONE = """format = 1

[[device]]
name = "pixel4"
transport = "adb"
serial = "9B161FFAZ000ABC"
cores = "big"
max_celsius = 35.5
max_thermal_status = 1
cool_wait_s = 90
engines.benchmark_model = "bin/benchmark_model"
"""
BOARD = """
[[device]]
name = "rpi5"
transport = "ssh"
host = "pi@rpi5.local"
key = "keys/bench"
python = "~/bench/bin/python"
cores = 0xc
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder without a devices.toml, and no user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETBENCH_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def read(text: str) -> dict[str, DeviceEntry]:
    Path("devices.toml").write_text(text)
    return read_devices()


def test_every_key_reaches_its_field() -> None:
    found = read(PHONE + BOARD)
    assert list(found) == ["host", "pixel4", "rpi5"]
    assert found["pixel4"] == DeviceEntry(
        name="pixel4",
        transport="adb",
        address="9B161FFAZ000ABC",
        cores="big",
        max_celsius=35.5,
        max_thermal_status=1,
        cool_wait_s=90.0,
        engines={"benchmark_model": "bin/benchmark_model"},
    )
    assert found["rpi5"] == DeviceEntry(
        name="rpi5",
        transport="ssh",
        address="pi@rpi5.local",
        key=Path("keys/bench"),
        python="~/bench/bin/python",
        cores=0xC,
    )


def test_paths_start_at_the_file_and_a_program_on_the_device_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "lab").mkdir()
    text = PHONE.replace('"bin/benchmark_model"', '"device:/data/local/tmp/benchmark_model"') + BOARD
    (home / "lab/farm.toml").write_text(text)
    monkeypatch.setenv("POCKETBENCH_DEVICES", "lab/farm.toml")
    found = read_devices()
    assert found["pixel4"].engines == {"benchmark_model": "device:/data/local/tmp/benchmark_model"}
    assert found["rpi5"].key == Path("lab/keys/bench")


@pytest.mark.parametrize(("text", "mask"), [('"0x70"', 0x70), ('"f0"', 0xF0), ("112", 112), ('"70"', 0x70)])
def test_a_mask_is_written_as_taskset_takes_it(text: str, mask: int) -> None:
    assert read(PHONE.replace('"big"', text))["pixel4"].cores == mask


def test_this_machine_can_be_described_too() -> None:
    found = read('format = 1\n[[device]]\nname = "host"\ntransport = "host"\ncores = "all"\n')
    assert found == {"host": DeviceEntry(name="host", transport="host", cores="all")}


@pytest.mark.parametrize(
    ("old", "new", "what", "cure"),
    [
        ("format = 1", "", "the key format is missing", ""),
        ("format = 1", "format = 2", "format is not 1", "update pocketbench"),
        ('name = "pixel4"', 'name = "pixel 4"', "line 4: device[1].name is 'pixel 4'", "letters"),
        ('name = "pixel4"', 'name = "../x"', "line 4: device[1].name is '../x'", "letters"),
        ('name = "pixel4"', 'name = "host"', "line 4: device[1].name is 'host' and its transport 'adb'", ""),
        ('transport = "adb"', 'transport = "usb"', "line 5: device[1].transport is 'usb'", "host, adb, ssh"),
        ('transport = "adb"', "", "the key transport is missing", ""),
        ('serial = "9B161FFAZ000ABC"', "", "the key serial is missing", ""),
        ('serial = "9B161FFAZ000ABC"', 'serial = "-s x"', "line 6: device[1].serial is '-s x'", "no spaces"),
        ('serial = "9B161FFAZ000ABC"', 'serial = "a b"', "line 6: device[1].serial is 'a b'", "no spaces"),
        ('serial = "9B161FFAZ000ABC"', "serial = 5", "line 6: device[1].serial is 5", "a text"),
        ('serial = "', 'serail = "', "line 6: device[1].serail is an unknown key", "serial"),
        ('serial = "', 'host = "', "line 6: device[1].host is an unknown key", ""),
        ('cores = "big"', 'cores = "fast"', "line 7: device[1].cores is 'fast'", "big, little, prime, all"),
        ('cores = "big"', "cores = 0", "line 7: device[1].cores is 0", "mask"),
        ('cores = "big"', "cores = true", "line 7: device[1].cores is True", "mask"),
        ('cores = "big"', 'cores = "0"', "line 7: device[1].cores is '0'", "mask"),
        ("max_celsius = 35.5", "max_celsius = nan", "line 8: device[1].max_celsius is nan", "from 1 to 120"),
        ("max_thermal_status = 1", "max_thermal_status = 7", "line 9: device[1].max_thermal_status is 7", "0 to 6"),
        ("cool_wait_s = 90", "cool_wait_s = -1", "line 10: device[1].cool_wait_s is -1", "from 0"),
        ("engines.benchmark_model", "engines.benchmark", "engines.benchmark is an unknown key", "benchmark_model"),
        ("[[device]]", "[device]", "expected tables that begin with [[device]]", ""),
        ("[[device]]", "[[devices]]", "devices is an unknown key", "device"),
    ],
)
def test_a_rule_that_is_broken_is_named(old: str, new: str, what: str, cure: str) -> None:
    assert old in PHONE
    with pytest.raises(SuiteError) as caught:
        read(PHONE.replace(old, new, 1))
    assert caught.value.what.startswith("devices.toml")
    assert what in str(caught.value)
    assert cure in str(caught.value)


def test_two_devices_of_one_name() -> None:
    with pytest.raises(SuiteError, match=r"device\[2\]\.name is 'pixel4' a second time"):
        read(PHONE + PHONE.removeprefix("format = 1"))


def test_without_a_file_there_is_this_machine() -> None:
    assert find_devices_file() is None
    assert read_devices() == {"host": HOST_ENTRY}
    assert choose_devices(["host", "host"]) == [HOST_ENTRY]


def test_a_name_that_nobody_described() -> None:
    with pytest.raises(UnknownNameError) as caught:
        choose_devices(["pixel4"])
    assert caught.value.what == "there is no device 'pixel4'"
    assert "there is no devices.toml here; see docs/devices.md" in caught.value.cure
    read(PHONE)
    with pytest.raises(UnknownNameError, match="did you mean 'pixel4'"):
        choose_devices(["host", "pixel"])


def test_each_device_is_chosen_once_in_the_order_of_asking() -> None:
    read(PHONE + BOARD)
    assert [entry.name for entry in choose_devices(["rpi5", "host", "rpi5", "pixel4"])] == ["rpi5", "host", "pixel4"]


def test_the_users_own_file_is_the_last_resort(home: Path) -> None:
    (home / "config/pocketbench").mkdir(parents=True)
    (home / "config/pocketbench/devices.toml").write_text(PHONE)
    assert list(read_devices()) == ["host", "pixel4"]
    Path("devices.toml").write_text("format = 1\n" + BOARD)
    assert list(read_devices()) == ["host", "rpi5"]


def test_a_file_that_the_variable_names_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKETBENCH_DEVICES", "absent.toml")
    with pytest.raises(FileFault, match=r"absent\.toml: there is no such file"):
        choose_devices(["host"])
