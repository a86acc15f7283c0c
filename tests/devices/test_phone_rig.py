"""The stand-in for a phone, held against the real adb and this machine: what the tests over it rely on."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devices.phone import (
    CHECKOUT,
    DAEMON_PORT,
    MODEL,
    RELAY_PORT,
    SERVER_PORT,
    Phone,
    wait_until,
    write_foreign_program,
)
from tests.profile.conftest import make_cell, run_cells
from tests.profile.operator_files import write_tflite_convolutions
from tests.profile.tflite_files import write_split_by_cumsum

pytestmark = pytest.mark.slow

TOOL = "/data/local/tmp/benchmark_model"
GRAPH = "/data/local/tmp/m.tflite"
QUICK = "--num_runs=20 --min_secs=0.02 --warmup_min_secs=0.02"
STEADY = re.compile(r"^INFO: count=(\d+) first=\d+ curr=\d+ min=(\d+) max=(\d+) avg=(\S+) std=\d+", re.MULTILINE)
# one row in each of the shapes that benchmark_model has had
ROW = re.compile(
    r"^\t\s*(?P<type>.+?)\t\s*(?:(?P<start>[\d.e+-]+)\t\s*)?(?P<first>[\d.e+-]+)\t\s*(?P<avg>[\d.e+-]+)\t\s*"
    r"(?P<pct>[\d.e+-]+|-?nan)%\t\s*(?P<cdf>[\d.e+-]+|-?nan)%\t\s*(?P<mem>[\d.e+-]+)\t\s*(?P<n>\d+)\t(?P<name>.*)$",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tflite_convolutions(tmp_path_factory.mktemp("models") / "net.tflite", [3, 5, 3])


def push(phone: Phone, source: Path, target: str) -> None:
    assert phone.adb("-s", phone.serial, "push", str(source), target).returncode == 0


def run_tool(phone: Phone, model: Path, flags: str = "") -> subprocess.CompletedProcess[str]:
    push(phone, phone.benchmark_path, TOOL)
    push(phone, model, GRAPH)
    return phone.shell(f"taskset 70 {TOOL} --graph={GRAPH} --num_threads=1 {QUICK} {flags}")


def test_a_phone_that_is_sold(phone: Phone) -> None:
    assert phone.adb("devices").stdout.splitlines()[1:2] == [f"{phone.serial}\tdevice"]
    assert phone.shell("getprop ro.product.model").stdout == f"{MODEL}\n"
    assert phone.shell("id -u").stdout == "2000\n"
    frequencies = phone.shell("cat /sys/devices/system/cpu/cpu*/cpufreq/cpuinfo_max_freq").stdout.split()
    assert frequencies == ["1785600"] * 4 + ["2419200"] * 3 + ["2841600"]
    refused = phone.shell("echo powersave >/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    assert refused.returncode == 1
    assert "Permission denied" in refused.stderr
    assert phone.core_file(0, "scaling_governor").read_text() == "schedutil\n"


def test_exit_status_and_stderr_of_a_command(phone: Phone) -> None:
    done = phone.shell("echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert phone.shell("no-such-program").returncode == 127
    assert phone.shell("kill -SEGV $$").returncode == 128 + signal.SIGSEGV
    assert phone.commands() == ["echo out; echo err >&2; exit 7", "no-such-program", "kill -SEGV $$"]


def test_push_and_pull(phone: Phone, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "a b'c").write_bytes(content)
    push(phone, tmp_path / "a b'c", "/data/local/tmp/a b'c")
    digest = phone.shell("sha256sum '/data/local/tmp/a b'\\''c'").stdout.split()[0]
    assert digest == hashlib.sha256(content).hexdigest()
    back = phone.adb("-s", phone.serial, "pull", "/data/local/tmp/a b'c", str(tmp_path / "back"))
    assert back.returncode == 0
    assert (tmp_path / "back").read_bytes() == content


def test_stand_ins_keep_what_they_are_told(phone: Phone) -> None:
    before = phone.changeable_state()
    phone.set(power_source="ac", battery_temperature=[412, 399])
    texts = [phone.shell("dumpsys battery").stdout for _ in range(3)]
    assert [re.search(r"temperature: (\d+)", text)[1] for text in texts] == ["412", "399", "399"]
    assert "AC powered: true" in texts[0]
    assert "mWakefulness=Asleep" in phone.shell("dumpsys power").stdout
    assert phone.shell("svc power stayon true && input keyevent KEYCODE_WAKEUP").returncode == 0
    assert phone.shell("settings get global stay_on_while_plugged_in").stdout == "7\n"
    assert "mStayOn=true" in phone.shell("dumpsys power").stdout
    assert phone.changeable_state() != before
    phone.shell("settings delete global stay_on_while_plugged_in; input keyevent 223")
    assert phone.changeable_state() == before
    phone.set(thermal_status=2)
    assert "Thermal Status: 2" in phone.shell("dumpsys thermalservice").stdout


def test_taskset_knows_eight_cores(phone: Phone) -> None:
    assert phone.shell("nproc; taskset f0 nproc; taskset 80 nproc").stdout == "8\n4\n1\n"
    for mask, words in (("0x70", "bad mask '0x70'"), ("f00", "Invalid argument")):
        refused = phone.shell(f"taskset {mask} true")
        assert refused.returncode == 1
        assert words in refused.stderr
    assert phone.shell("taskset 1 /no/such").returncode == 127


def test_benchmark_model_runs_the_model(phone: Phone, network: Path) -> None:
    done = run_tool(phone, network)
    assert done.returncode == 0, done.stderr
    count, least, most, average = STEADY.findall(done.stdout)[-1]
    assert int(count) >= 20
    assert int(least) <= float(average) <= int(most)
    assert phone.invocations()[0]["mask"] == "70"
    assert phone.processes() == []
    # the same file by the profiler of this machine: of the same order, though never of the same moment
    (host,) = run_cells(make_cell(network, "litert", session_count=1, thread_count=1, timeout_s=60))
    assert host.measurement is not None
    median_ns = sorted(host.measurement.wall_ns)[len(host.measurement.wall_ns) // 2]
    assert 0.1 < float(average) * 1000 / median_ns < 10


@pytest.mark.parametrize("dialect", ["interpreter", "interpreter-old", "litert"])
def test_operators_of_each_dialect(phone: Phone, tmp_path: Path, dialect: str) -> None:
    phone.set(dialect=dialect)
    model = write_split_by_cumsum(tmp_path / "m.tflite", 2)
    done = run_tool(phone, model, "--enable_op_profiling=true --use_profiler=true")
    assert done.returncode == 0, done.stderr
    assert ("p95=" in done.stdout) == (dialect != "interpreter-old")
    if dialect == "litert":
        assert "========== BENCHMARK RESULTS ==========" in done.stderr
        assert "CUMSUM" in done.stderr
        return
    table = done.stdout.partition("Operator-wise Profiling Info for Regular Benchmark Runs:")[2]
    rows = [match.groupdict() for match in ROW.finditer(table.partition("Top by")[0])]
    assert [row["type"] for row in rows] == ["TfLiteXNNPackDelegate", *["CUMSUM", "TfLiteXNNPackDelegate"] * 2]
    assert all((row["start"] is not None) == (dialect == "interpreter-old") for row in rows)
    assert "yielding 3 partitions" in done.stderr


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ("crash", 139, "count="),
        ("killed", 137, "count="),
        ("truncated", 0, "count="),
        ("garbage", 0, "count=many"),
        ("zero_runs", 0, "count=0"),
        ("percent", 0, "avg=12.5%"),
        ("not_a_number", 0, "avg=nan"),
        ("exit_status", 1, "Inference timings in us"),
        ("unlinkable", 1, ""),
    ],
)
def test_faults_of_benchmark_model(phone: Phone, network: Path, fault: str, status: int, text: str) -> None:
    phone.set(fault=fault)
    done = run_tool(phone, network)
    assert done.returncode == status
    assert text in done.stdout
    assert phone.processes() == []


def test_unknown_flags_and_files_are_answered_as_by_the_real_tool(phone: Phone, network: Path) -> None:
    done = run_tool(phone, network, "--foo=1 --use_cpu=true")
    assert "Unconsumed cmdline flags: --foo=1 --use_cpu=true" in done.stdout
    assert phone.shell(f"{TOOL} --graph=/no/such {QUICK}").returncode == 1
    assert phone.shell(f"{TOOL} --graph={GRAPH} --num_runs=many").returncode == 1


def test_a_program_for_another_processor(phone: Phone, tmp_path: Path) -> None:
    write_foreign_program(tmp_path / "tool")
    push(phone, tmp_path / "tool", TOOL)
    done = phone.shell(TOOL)
    assert done.returncode != 0
    assert "not executable: 64-bit ELF file" in done.stderr


def test_the_phone_leaves_in_mid_run_and_comes_back(phone: Phone, network: Path) -> None:
    push(phone, phone.benchmark_path, TOOL)
    push(phone, network, GRAPH)
    phone.set(fault="hang")
    command = [str(phone.adb_path), "-s", phone.serial, "shell", f"{TOOL} --graph={GRAPH} {QUICK}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        phone.wait_for_run()
        assert any("benchmark_model" in line for line in phone.processes())
        phone.vanish()
        assert b"count=" in running.communicate(timeout=30)[0]
    # adbd hangs up on what it ran
    wait_until(lambda: phone.processes() == [], "the run went on")
    assert "not found" in phone.shell("true").stderr
    phone.come_back()
    assert phone.shell("true").returncode == 0


def test_each_state_of_a_connection(phone: Phone) -> None:
    phone.go_offline()
    assert "offline" in phone.shell("true").stderr
    phone.come_back()
    phone.revoke_key()
    assert "unauthorized" in phone.shell("true").stderr
    phone.come_back()
    phone.reboot()
    assert phone.state_of() is None
    phone.come_back()
    phone.kill_server()
    assert "not found" in phone.shell("true").stderr
    phone.come_back()
    phone.stall()
    assert phone.state_of() == "device"
    with pytest.raises(subprocess.TimeoutExpired):
        phone.shell("true", timeout_s=0.5)
    phone.come_back()
    with phone.second_device() as other:
        assert "more than one device" in phone.adb("shell", "true").stderr
        assert phone.adb("-s", other, "shell", "id -u").stdout == "2000\n"
    assert phone.state_of(other) is None


def test_a_push_that_does_not_arrive(phone: Phone, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(bytes(4 << 20))
    phone.cut_after(1 << 20)
    cut = phone.adb("-s", phone.serial, "push", str(tmp_path / "blob"), "/data/local/tmp/blob")
    assert cut.returncode == 1
    phone.come_back()
    phone.garble_after(1 << 20)
    push(phone, tmp_path / "blob", "/data/local/tmp/blob")
    arrived = (phone.data / "blob").read_bytes()
    assert (len(arrived), sum(arrived)) == (4 << 20, 1)
    phone.stall_after(3 << 20)  # adb sends a megabyte at a time, and adbd writes what came whole
    with pytest.raises(subprocess.TimeoutExpired):
        phone.adb("-s", phone.serial, "push", str(tmp_path / "blob"), "/data/local/tmp/part", timeout_s=1)
    phone.reboot()
    assert 0 < (phone.data / "part").stat().st_size < 4 << 20
    phone.come_back()
    phone.fill_data(free_bytes=1 << 20)
    full = phone.adb("-s", phone.serial, "push", str(tmp_path / "blob"), "/data/local/tmp/full")
    assert full.returncode == 1
    assert "No space left on device" in full.stdout + full.stderr


def test_a_daemon_without_exit_status(daemons: Path) -> None:
    with Phone(daemons, legacy=True) as phone:
        done = phone.shell("echo err >&2; exit 7")
        assert (done.returncode, done.stdout.strip()) == (0, "err")
        assert "shell_v2" not in phone.adb("-s", phone.serial, "features").stdout


def test_a_rooted_phone_sets_its_governor(daemons: Path) -> None:
    with Phone(daemons, rooted=True) as phone:
        assert phone.shell("id -u").stdout == "0\n"
        path = "/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor"
        assert phone.shell(f"echo powersave >{path}; cat {path}").stdout == "powersave\n"
        assert phone.core_file(4, "scaling_governor").read_text() == "powersave\n"


def test_a_phone_that_adb_finds_by_itself(daemons: Path) -> None:
    with Phone(daemons, listed=True) as phone:
        phone.kill_server()
        wait_until(lambda: phone.state_of() == "device", "it did not come back")
        assert phone.adb("devices").stdout.count("\tdevice") == 1


def list_members(namespace: Path) -> list[str]:
    """The processes of this machine in a network namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if path.readlink() == namespace:
                found.append(path.parts[2])
        except OSError:  # it has ended
            continue
    return found


def list_machine() -> dict[str, object]:
    """What a phone could change on this machine."""
    listening = [row.split()[1] for row in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in row]
    ports = {f"{port:04X}" for port in (SERVER_PORT, RELAY_PORT, DAEMON_PORT)}
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "ports": [address for address in listening if address.rpartition(":")[2] in ports],
        "cores": sorted(path.name for path in Path("/sys/devices/system/cpu").iterdir()),
        "data": Path("/data").exists(),
    }


def test_nothing_of_this_machine_changes_and_nothing_is_left(daemons: Path) -> None:
    before = list_machine()
    with Phone(daemons) as phone:
        phone.shell("echo 1 >/data/local/tmp/file")
        assert list_machine() == before
        namespace = phone.namespace
        assert namespace != Path("/proc/self/ns/net").readlink()
        assert len(list_members(namespace)) > 3
        state = phone.state
    assert list_machine() == before
    assert list_members(namespace) == []
    assert not state.exists()


def test_all_ends_when_the_tests_are_killed(daemons: Path) -> None:
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tests.devices.phone import Phone\n"
        "with Phone(Path(sys.argv[2])) as phone:\n"
        "    print(phone.namespace, phone.state, flush=True)\n"
        "    time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(CHECKOUT), str(daemons)], stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        namespace, state = map(Path, tests.stdout.readline().split())
        assert list_members(namespace) != []
        tests.kill()
    wait_until(lambda: list_members(namespace) == [], "the phone went on")
    wait_until(lambda: not state.exists(), "its folder stayed")
