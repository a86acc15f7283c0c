"""A phone that stands in for a real one: the real adb client and the real adbd, in namespaces of this machine.

Inside are Android's folders, its shell and its tools; programs of its own are stand-ins (`phone_programs.py`), and so
is `benchmark_model`, which really runs the model on this machine's processor.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
MODEL = "Pixel 4 stand-in"
ADB = "/usr/bin/adb"
SERVER_PORT = 5137
RELAY_PORT = 5601  # adb lists a port from 5555 to 5585 twice
DAEMON_PORT = 5701
SHELL_USER = 2000
# cores, their highest frequencies in kHz and the lower steps of a Snapdragon 855
CLUSTERS = (
    (range(4), (300000, 576000, 768000, 1113600, 1478400, 1785600)),
    (range(4, 7), (710400, 1056000, 1401600, 1804800, 2131200, 2419200)),
    (range(7, 8), (825600, 1286400, 1747200, 2227200, 2649600, 2841600)),
)
GOVERNORS = "schedutil powersave performance userspace ondemand conservative"
ZONES = (("cpu-0-0-usr", 41200), ("cpu-1-3-usr", 43800), ("battery", 28000), ("skin-therm-adc", 31400))
PROPERTIES = {
    "ro.product.model": MODEL,
    "ro.product.manufacturer": "Google",
    "ro.product.brand": "google",
    "ro.product.device": "flame",
    "ro.product.name": "flame",
    "ro.board.platform": "msmnile",
    "ro.hardware": "flame",
    "ro.soc.manufacturer": "Qualcomm",
    "ro.soc.model": "SM8150",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.build.version.release": "13",
    "ro.build.version.sdk": "33",
    "ro.build.id": "TP1A.221005.002",
    "ro.build.type": "user",
    "ro.build.fingerprint": "google/flame/flame:13/TP1A.221005.002/9012097:user/release-keys",
    "ro.serialno": "STANDIN0001",
}
VALUES = {
    "battery_temperature": "280",
    "battery_level": "80",
    "power_source": "usb",
    "thermal_status": "0",
    "screen": "off",
    "dialect": "interpreter",
    "prefix": "info",
    "fault": "none",
    "haste": "1",
    "pause_s": "0",
    "begun": "0",
    "runs": "0",
}
LAUNCHER = """#!/system/bin/sh
export PYTHONDONTWRITEBYTECODE=1
exec {python} -I {program} "$@"
"""
LOGGING_SHELL = """#!/usr/bin/mksh
print -rn -- "$2" >"/phone/log/$EPOCHREALTIME.$$"
exec /system/bin/sh "$@"
"""


class RigError(Exception):
    """The rig itself does not work, which is no fault that a test injects."""


class Phone(contextlib.AbstractContextManager["Phone"]):
    """A phone on the cable from `__enter__` to `__exit__`, which leave this machine as it was.

    Args:
        daemons: the folder that `build-adbd` filled.
        data_bytes: the size of /data/local/tmp.
        rooted: commands run as root, who can set the governor; else as `shell`, as on a phone that is sold.
        legacy: its adbd gives no exit status and mixes stderr into stdout.
        listed: adb finds the phone by itself, as one on USB: its serial is "emulator-5554"; else "127.0.0.1:5601",
            which has to be connected again when the server of adb was killed.
    """

    def __init__(
        self,
        daemons: Path,
        *,
        data_bytes: int = 256 << 20,
        rooted: bool = False,
        legacy: bool = False,
        listed: bool = False,
    ) -> None:
        self.data_bytes = data_bytes
        self.rooted = rooted
        self.listed = listed
        self.relay_port = 5555 if listed else RELAY_PORT
        self.serial = "emulator-5554" if listed else f"127.0.0.1:{RELAY_PORT}"
        self._daemon = daemons / ("adbd-legacy" if legacy else "adbd")
        self._stack = contextlib.ExitStack()
        self._children: list[subprocess.Popen[bytes]] = []
        self._is_disturbed = False

    def __enter__(self) -> Phone:
        with contextlib.ExitStack() as stack:
            self.state = Path(tempfile.mkdtemp(prefix="phone-"))
            self._fill_state()
            self._first = self._start_namespaces(stack)
            self._write_client()
            self._authorize()
            self._start_daemon(DAEMON_PORT)
            self._relay = self._start_relay(stack, self.relay_port, DAEMON_PORT)
            self.adb("start-server")
            self._connect()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for child in self._children:
            child.wait(timeout=30)

    # what a program under test is given

    @property
    def adb_path(self) -> Path:
        """The real client, in the phone's network. A process that is killed there is the client itself."""
        return self.state / "bin/adb"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process for which `adb` is this phone's, and which keeps nothing in this user's home."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("ANDROID_", "ADB_", "XDG_"))}
        own.pop("POCKETBENCH_ADB", None)
        home = str(self.state / "home")
        return {**own, "PATH": f"{self.adb_path.parent}:{own['PATH']}", "HOME": home, "TMPDIR": home}

    @property
    def benchmark_path(self) -> Path:
        """The program to push as benchmark_model."""
        return self.state / "bin/benchmark_model"

    # what a test asks

    def adb(self, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the client without a serial."""
        return subprocess.run(
            [str(self.adb_path), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def shell(self, command: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on the phone."""
        return self.adb("-s", self.serial, "shell", command, timeout_s=timeout_s)

    @property
    def data(self) -> Path:
        """/data/local/tmp, seen from this machine."""
        return Path(f"/proc/{self._first}/root/data/local/tmp")

    @property
    def namespace(self) -> Path:
        """The phone's network, as /proc/PID/ns/net of its processes names it."""
        return Path(f"/proc/{self._first}/ns/net").readlink()

    @property
    def sys(self) -> Path:
        """/sys of the phone."""
        return self.state / "sys"

    def core_file(self, core: int, name: str) -> Path:
        return self.sys / f"devices/system/cpu/cpu{core}/cpufreq/{name}"

    def files(self) -> list[str]:
        """What lies in /data/local/tmp, at any depth."""
        return sorted(str(path.relative_to(self.data)) for path in self.data.rglob("*"))

    def commands(self) -> list[str]:
        """Every command that the phone's shell was given, in order."""
        return [path.read_text() for path in sorted((self.state / "log").iterdir(), key=lambda path: path.name)]

    def invocations(self) -> list[dict[str, Any]]:
        """Every run of benchmark_model that began: its "arguments", the "mask" of cores that it got (or None), and
        what it "printed" when it came to its end: "mean_us", and "median_us" where the dialect has it."""
        paths = sorted((self.state / "invocations").iterdir(), key=lambda path: int(path.stem))
        return [json.loads(path.read_text()) for path in paths]

    def processes(self) -> list[str]:
        """The command lines of all that runs on the phone but its daemons."""
        found = []
        for number in self._members():
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
                if number != self._first and words[0] and not self._is_daemon(number):
                    found.append(os.fsdecode(b" ".join(words)).strip())
        return found

    def changeable_state(self) -> dict[str, str]:
        """All that a run may change on the phone and has to put back."""
        found = {"screen": self.get("screen")}
        for folder in (self.state / "settings", self.sys):
            for path in folder.rglob("*"):
                if path.is_file() and path.name != "scaling_cur_freq":
                    found[str(path.relative_to(self.state))] = path.read_text()
        return found

    # what a test sets

    def set(self, **values: object) -> None:
        """Set values of the phone: those of VALUES, and

        - dialect: "interpreter", "interpreter-old" or "litert", and `prefix` "info", "none" or "logcat";
        - fault: what befalls benchmark_model (see its FAULTS); pause_s: it waits so long between its two count lines;
        - haste: what divides the seconds that the phone is told to sleep, and benchmark_model to run at least;
        - on_run: {number of the run: {name: value}}, set when that run begins. Runs of a single inference, which only
          keep the cores busy, are not counted, neither in `begun` nor in `runs`, those that came past the warm-up.

        Numbers in a sequence are given one by one, the last of them for ever.
        """
        for name, value in values.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            if isinstance(value, list | tuple):
                text = " ".join(str(item) for item in value)
            path = self.state / "values" / name
            beside = path.with_name(f".{name}")
            beside.write_text(text)
            beside.replace(path)

    def get(self, name: str) -> str:
        return (self.state / "values" / name).read_text()

    def set_property(self, name: str, value: str) -> None:
        lines = [line for line in self._properties.read_text().splitlines() if not line.startswith(f"{name}=")]
        self._properties.write_text("\n".join([*lines, f"{name}={value}"]) + "\n")

    def reset(self) -> None:
        """Back to a phone as it was at the start, with nothing on it and no past."""
        if self._is_disturbed or self.state_of() != "device":
            self.come_back()
        for number in self._members():
            if number != self._first and not self._is_daemon(number):
                self._kill(number)
        for folder in ("log", "invocations", "values", "settings", "sys"):
            for path in (self.state / folder).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._fill_values()

    def wait_for_run(self, number: int = 1, timeout_s: float = 60) -> None:
        """Until benchmark_model runs for the n-th time (as `runs` counts) and has printed its first count line."""
        wait_until(lambda: int(self.get("runs")) >= number, f"run {number} did not begin", timeout_s)

    # faults

    def vanish(self) -> None:
        """Pull the cable: adb no longer knows the phone."""
        self._tell("unplug")
        self.adb("disconnect")
        self._wait_for_state(None)

    def reboot(self) -> None:
        """End all that runs on the phone, and adbd, which has no time to tidy up."""
        for number in self._members():
            if number != self._first:
                self._kill(number)
        self._tell("unplug")
        self.adb("disconnect")
        self._wait_for_state(None)

    def come_back(self) -> None:
        """Undo every fault of the connection, and `fill_data`."""
        (self.data / ".filler").unlink(missing_ok=True)
        self._tell("unplug")
        self._authorize()
        self._kill_daemons()
        self._start_daemon(DAEMON_PORT)
        self._tell("open")
        self._connect()
        self._is_disturbed = False

    def go_offline(self) -> None:
        """The phone is listed as "offline"."""
        self._tell("mute")
        if not self.listed:
            self.adb("disconnect")
            self._start([str(self.adb_path), "connect", self.serial])
        self._wait_for_state("offline")

    def stall(self) -> None:
        """The phone stays listed as "device", and answers nothing."""
        self._tell("stall")

    def cut_after(self, byte_count: int) -> None:
        """Pull the cable when so many further bytes have gone to the phone."""
        self._tell(f"cut {byte_count}")

    def stall_after(self, byte_count: int) -> None:
        """As `stall`, when so many further bytes have gone to the phone."""
        self._tell(f"hold {byte_count}")

    def garble_after(self, byte_count: int) -> None:
        """When so many further bytes have gone to the phone, the next one arrives changed."""
        self._tell(f"garble {byte_count}")

    def revoke_key(self) -> None:
        """The phone is listed as "unauthorized"."""
        (self.state / "keys/adb_keys").unlink(missing_ok=True)
        self._tell("unplug")
        self.adb("disconnect")
        self._kill_daemons()
        self._start_daemon(DAEMON_PORT)
        self._tell("open")
        if not self.listed:
            self.adb("connect", self.serial)
        self._wait_for_state("unauthorized")

    def kill_server(self) -> None:
        """Kill the server of adb. The next client starts another, which has to connect a phone that is not `listed`."""
        for number in self._members("net"):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
                if b"fork-server" in words:
                    self._kill(number)

    @contextlib.contextmanager
    def second_device(self) -> Iterator[str]:
        """Another serial that adb lists, of the same phone."""
        with contextlib.ExitStack() as stack:
            self._start_relay(stack, RELAY_PORT + 1, DAEMON_PORT)
            serial = f"127.0.0.1:{RELAY_PORT + 1}"
            stack.callback(self.adb, "disconnect", serial)
            self.adb("connect", serial)
            self._wait_for_state("device", serial)
            yield serial

    def fill_data(self, free_bytes: int = 0) -> None:
        """Leave so much room in /data/local/tmp."""
        with (self.data / ".filler").open("wb") as file, contextlib.suppress(OSError):
            while True:
                free = shutil.disk_usage(self.data).free - free_bytes
                if free <= 0:
                    break
                file.write(bytes(min(free, 1 << 20)))
                file.flush()

    # the rig itself

    def _fill_state(self) -> None:
        for name in ("root", "sys", "bin", "home", "keys", "log", "programs", "invocations", "values", "settings"):
            (self.state / name).mkdir()
        self._fill_values()
        shutil.copy2(self._daemon, self.state / self._daemon.name)
        write_program(self.state / "shell", LOGGING_SHELL)
        # the interpreter itself, since one of a virtual environment looks for its folder first
        python = Path(sys.executable).resolve()
        program = f"#!{python} -IS\n" + (HERE / "phone_programs.py").read_text()
        for name in ("dumpsys", "getprop", "input", "nproc", "settings", "sleep", "svc", "taskset", "uname"):
            write_program(self.state / "programs" / name, program)
        launcher = LAUNCHER.format(python=sys.executable, program=HERE / "benchmark_model")
        write_program(self.benchmark_path, launcher)

    @property
    def _properties(self) -> Path:
        return self.state / "properties"

    def _fill_values(self) -> None:
        self.set(**VALUES)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in PROPERTIES.items()))
        cpu = self.sys / "devices/system/cpu"
        for cores, frequencies in CLUSTERS:
            for core in cores:
                for name, value in {
                    "cpuinfo_min_freq": frequencies[0],
                    "cpuinfo_max_freq": frequencies[-1],
                    "scaling_min_freq": frequencies[0],
                    "scaling_max_freq": frequencies[-1],
                    "scaling_cur_freq": frequencies[2],
                    "scaling_governor": GOVERNORS.split()[0],
                    "scaling_available_governors": GOVERNORS,
                    "scaling_available_frequencies": " ".join(str(step) for step in frequencies),
                    "scaling_setspeed": "<unsupported>",
                    "affected_cpus": " ".join(str(member) for member in cores),
                    "related_cpus": " ".join(str(member) for member in cores),
                }.items():
                    path = cpu / f"cpu{core}/cpufreq" / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(f"{value}\n")
                    # `shell` owns these files where it is root outside, so their modes have to keep it out
                    path.chmod(0o644 if self.rooted and name.startswith("scaling_") else 0o444)
                (cpu / f"cpu{core}/online").write_text("1\n")
        for name in ("online", "possible", "present"):
            (cpu / name).write_text("0-7\n")
        for number, (kind, millicelsius) in enumerate(ZONES):
            zone = self.sys / f"class/thermal/thermal_zone{number}"
            zone.mkdir(parents=True)
            (zone / "type").write_text(f"{kind}\n")
            (zone / "temp").write_text(f"{millicelsius}\n")

    def _start_namespaces(self, stack: contextlib.ExitStack) -> int:
        """Start the keeper. Returns the number that the phone's first process has on this machine."""
        seen = {CHECKOUT, Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
        keeper = subprocess.Popen(
            [
                sys.executable,
                str(HERE / "phone_keeper.py"),
                str(self.state),
                str(self.data_bytes),
                *sorted({str(path) for path in seen}),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        stack.callback(keeper.wait, timeout=30)
        stack.callback(keeper.stdout.close)
        stack.callback(keeper.stdin.close)
        line = keeper.stdout.readline()
        if not line:
            raise RigError("the namespaces of the phone could not be made: see above what mount or unshare say")
        return int(line)

    def _enter(self, *kinds: str) -> list[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._first), *user, *(f"--{kind}" for kind in kinds), "--"]

    def _write_client(self) -> None:
        home = self.state / "home"
        lines = [
            "#!/bin/sh",
            f"export HOME={home} TMPDIR={home} ANDROID_ADB_SERVER_PORT={SERVER_PORT}",
            "unset ADB_SERVER_SOCKET ADB_VENDOR_KEYS",
            f'exec {" ".join(self._enter("net"))} {ADB} "$@"',
        ]
        write_program(self.adb_path, "\n".join(lines) + "\n")
        (home / ".android").mkdir()
        subprocess.run([ADB, "keygen", str(home / ".android/adbkey")], check=True, capture_output=True)

    def _authorize(self) -> None:
        shutil.copyfile(self.state / "home/.android/adbkey.pub", self.state / "keys/adb_keys")

    def _start_daemon(self, port: int) -> None:
        user = []
        if not self.rooted:
            # a user of its own without any right, who is the one outside
            user = ["unshare", "--user", f"--map-user={SHELL_USER}", f"--map-group={SHELL_USER}", "--"]
        self._start(
            [
                *self._enter("mount", "net", "pid"),
                *user,
                *("env", "--ignore-environment", "PATH=/system/bin", "ANDROID_ROOT=/system", "ANDROID_DATA=/data"),
                f"ADBD_PORT={port}",
                *(f"/phone/{self._daemon.name}", "--device_banner", "device"),
            ]
        )
        wait_until(lambda: self._is_listening(port), "adbd did not start")

    def _start(self, command: list[str]) -> None:
        with (self.state / "adb.log").open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self._children = [other for other in self._children if other.poll() is None] + [child]

    def _kill_daemons(self) -> None:
        def find() -> list[int]:
            return [number for number in self._members() if self._is_daemon(number)]

        for number in find():
            self._kill(number)
        wait_until(lambda: not find(), "adbd did not end")

    def _is_daemon(self, number: int) -> bool:
        try:
            return Path(f"/proc/{number}/exe").readlink().name == self._daemon.name
        except OSError:  # it has ended
            return False

    def _kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)

    def _is_listening(self, port: int) -> bool:
        rows = itertools.chain.from_iterable(
            Path(f"/proc/{self._first}/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6")
        )
        return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)

    def _start_relay(self, stack: contextlib.ExitStack, port: int, target: int) -> subprocess.Popen[str]:
        relay = subprocess.Popen(
            [*self._enter("net"), sys.executable, "-I", str(HERE / "phone_relay.py"), str(port), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        stack.enter_context(relay)
        stack.callback(relay.kill)
        self._tell("open", relay)
        return relay

    def _tell(self, command: str, relay: subprocess.Popen[str] | None = None) -> None:
        relay = relay or self._relay
        assert relay.stdin is not None
        assert relay.stdout is not None
        relay.stdin.write(command + "\n")
        relay.stdin.flush()
        if relay.stdout.readline() != "ok\n":
            raise RigError(f"the relay ended at {command!r}")
        self._is_disturbed |= command != "open"

    def _connect(self) -> None:
        def is_there() -> bool:
            if self.state_of() == "device":
                return True
            if not self.listed:
                self.adb("connect", self.serial)
            return self.state_of() == "device"

        wait_until(is_there, "the phone did not come online", pause_s=0.1)

    def state_of(self, serial: str | None = None) -> str | None:
        """adb's word for the phone, None when it is not listed."""
        lines = self.adb("devices").stdout.splitlines()[1:]
        return dict(line.split("\t") for line in lines if "\t" in line).get(serial or self.serial)

    def _wait_for_state(self, state: str | None, serial: str | None = None) -> None:
        wait_until(lambda: self.state_of(serial) == state, f"adb does not say {state}", pause_s=0.05)

    def _members(self, kind: str = "pid") -> list[int]:
        """The processes of this machine that are in the phone's namespace."""
        wanted = Path(f"/proc/{self._first}/ns/{kind}").readlink()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "ns" / kind).readlink() == wanted:
                        found.append(int(entry.name))
        return found


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def write_foreign_program(path: Path) -> None:
    """An executable for a processor that is neither this machine's nor the phone's (MIPS)."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + (2).to_bytes(2, "little") + (8).to_bytes(2, "little")
    path.write_bytes(header + bytes(200))
    path.chmod(0o755)


def wait_until(condition: Callable[[], bool], problem: str, timeout_s: float = 30, pause_s: float = 0.01) -> None:
    """Raises: RigError with the problem when the condition does not come true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise RigError(problem)
        time.sleep(pause_s)
