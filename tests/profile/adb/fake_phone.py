"""A phone at the seam where adb is run: answers what adb and the programs of a phone answer, from a state in memory."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pocketbench.core.records import RunPlan
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.clock import Clock
from pocketbench.profile.adb.process import Ran
from tests.profile.parsers.benchmark_text import interpreter_text

SERIAL = "STANDIN1"
ADB = "/usr/bin/adb"
WRAPPED = re.compile(r"\( (?P<line>.*) \) 2>&1 </dev/null; s=\$\?; echo; echo (?P<token>\S+) \$s", re.DOTALL)
PROPERTIES = {
    "ro.product.manufacturer": "Google",
    "ro.product.model": "Pixel 4 stand-in",
    "ro.serialno": SERIAL,
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.build.version.release": "13",
    "ro.build.id": "TP1A.221005.002",
    "ro.board.platform": "msmnile",
}
MEMINFO = "MemTotal:        5732104 kB\nMemFree:          312345 kB\nMemAvailable:    2345678 kB\n"
BATTERY = "Current Battery Service state:\n  USB powered: true\n  level: 80\n  scale: 100\n  temperature: {tenths}\n"
STEPS = {
    **dict.fromkeys(range(4), (300000, 1113600, 1785600)),
    **dict.fromkeys(range(4, 7), (710400, 1401600, 2419200)),
    7: (825600, 1747200, 2841600),
}


class FakePhone:
    """Runs adb's commands (`process.RunProgram`). What it is asked stands in `lines`; tests change its fields.

    `before_run` is called with the words of each run of benchmark_model before it begins; a text that it returns is
    printed in place of the program's, a `Ran` is adb's own end.
    """

    def __init__(self) -> None:
        self.states = {SERIAL: "device"}
        self.properties = dict(PROPERTIES)
        self.files: dict[str, bytes] = {}
        self.stay_on: str | None = None
        self.screen = "Asleep"
        self.is_root = False
        self.tools = {"taskset", "timeout", "sha256sum", "dumpsys", "settings", "svc"}
        self.cores = {
            core: {
                "cpuinfo_max_freq": str(steps[-1]),
                "scaling_governor": "schedutil",
                "scaling_min_freq": str(steps[0]),
                "scaling_max_freq": str(steps[-1]),
                "scaling_cur_freq": str(steps[0]),
                "scaling_available_frequencies": " ".join(map(str, steps)),
            }
            for core, steps in STEPS.items()
        }
        self.loaded_khz: dict[int, int] = {}
        self.battery_tenths = [280]
        self.thermal_status = [0]
        self.available_kib = 1 << 20
        self.processes: list[int] = []
        self.lines: list[list[str]] = []
        self.runs: list[list[str]] = []
        self.times_us: dict[str, list[int]] = {}
        self.before_run: Callable[[list[str]], str | Ran | tuple[int, str] | None] = lambda _: None
        self.push_fault: Callable[[str], Ran | None] = lambda _: None
        self.seconds = 0.0

    # what code under test is given

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self._sleep)

    def client(self, serial: str = SERIAL) -> AdbClient:
        return AdbClient(ADB, serial, "pixel4", self, self.clock)

    def __call__(self, command: Sequence[str], timeout_s: float, output_limit: int) -> Ran:  # noqa: ARG002
        program, *words = command
        assert program == ADB
        self.seconds += 0.01
        if words == ["devices"]:
            lines = [f"{serial}\t{state}" for serial, state in self.states.items()]
            return _say("\n".join(["List of devices attached", *lines, "", ""]))
        if words == ["version"]:
            return _say("Android Debug Bridge version 1.0.41\nVersion 29.0.6-debian\n")
        if words[:1] in (["connect"], ["disconnect"]):
            self.lines.append(words)
            return _say("failed to connect\n")
        assert words[0] == "-s", f"no serial: {words}"
        state = self.states.get(words[1])
        if state != "device":
            text = f"device '{words[1]}' not found" if state is None else f"device {state}"
            return Ran(status=1, output=b"", errors=f"error: {text}\n".encode())
        if words[2] == "push":
            return self._push(Path(words[3]), words[4])
        assert words[2] == "shell"
        assert len(words) == 4
        return self._shell(words[3])

    # what tests ask

    @property
    def changeable(self) -> dict[str, Any]:
        limits = {core: (files["scaling_min_freq"], files["scaling_max_freq"]) for core, files in self.cores.items()}
        return {"stay_on": self.stay_on, "screen": self.screen, "limits": limits}

    # the phone

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def _push(self, source: Path, target: str) -> Ran:
        self.lines.append(["push", target])
        fault = self.push_fault(target)
        if fault is not None:
            self.files[target] = source.read_bytes()[:7]
            return fault
        self.files[target] = source.read_bytes()
        return _say("1 file pushed\n")

    def _shell(self, text: str) -> Ran:
        found = WRAPPED.fullmatch(text)
        assert found, text
        words = shlex.split(found["line"])
        self.lines.append(words)
        answer = self._answer(words)
        if isinstance(answer, Ran):
            return answer
        status, output = answer
        return _say(f"{output}\n{found['token']} {status}\n")

    def _answer(self, words: list[str]) -> tuple[int, str] | Ran:
        if words[:2] == ["sh", "-c"]:
            return self._run_script(words[2], words[4:])
        if any(word.startswith("--graph=") for word in words):
            return self._run_benchmark(words)
        match words:
            case ["getprop"]:
                return 0, "".join(f"[{key}]: [{value}]\n" for key, value in self.properties.items())
            case ["cat", path]:
                fixed = {"/sys/devices/system/cpu/present": "0-7\n", "/proc/meminfo": MEMINFO}
                if path in fixed:
                    return 0, fixed[path]
                if path in self.files:
                    return 0, self.files[path].decode()
                return 1, f"cat: {path}: No such file or directory\n"
            case ["dumpsys", "battery"]:
                tenths = self.battery_tenths.pop(0) if len(self.battery_tenths) > 1 else self.battery_tenths[0]
                return (
                    0,
                    BATTERY.format(tenths=tenths),
                )
            case ["dumpsys", "thermalservice"]:
                status = self.thermal_status.pop(0) if len(self.thermal_status) > 1 else self.thermal_status[0]
                return 0, f"IsStatusOverride: false\nThermal Status: {status}\n"
            case ["dumpsys", "power"]:
                return 0, f"  mWakefulness={self.screen}\n"
            case ["settings", "get", "global", "stay_on_while_plugged_in"]:
                return 0, f"{self.stay_on or 'null'}\n"
            case ["settings", "put", "global", "stay_on_while_plugged_in", value]:
                self.stay_on = value
                return 0, ""
            case ["settings", "delete", "global", "stay_on_while_plugged_in"]:
                self.stay_on = None
                return 0, "Deleted 1 rows\n"
            case ["svc", "power", "stayon", "true"]:
                self.stay_on = "7"
                return 0, ""
            case ["input", "keyevent", key]:
                self.screen = {"KEYCODE_WAKEUP": "Awake", "KEYCODE_SLEEP": "Asleep"}[key]
                return 0, ""
            case ["id", "-u"]:
                return 0, "0\n" if self.is_root else "2000\n"
            case ["mkdir", "-p", _] | ["chmod", "755", _]:
                return 0, ""
            case ["ls", "-1", folder]:
                return 0, "".join(f"{path.removeprefix(folder + '/')}\n" for path in self.files)
            case ["rm", "-f", path]:
                self.files.pop(path, None)
                return 0, ""
            case ["mv", "-f", source, target]:
                self.files[target] = self.files.pop(source)
                return 0, ""
            case ["sha256sum", path]:
                if path not in self.files:
                    return 1, f"sha256sum: {path}: No such file or directory\n"
                return 0, f"{hashlib.sha256(self.files[path]).hexdigest()}  {path}\n"
            case ["df", "-k", _]:
                size, left = 1 << 21, self.available_kib
                return 0, (
                    "Filesystem      1K-blocks    Used Available Use% Mounted on\n"
                    f"/dev/block/dm-8   {size} {size - left}   {left}  50% /data\n"
                )
            case ["test", "-f", path, "-a", "-x", _]:
                return (0 if path in self.files else 1), ""
            case ["kill", "-9", *numbers]:
                self.processes = [number for number in self.processes if str(number) not in numbers]
                return 0, ""
        raise AssertionError(f"nobody expects {words}")

    def _run_script(self, script: str, arguments: list[str]) -> tuple[int, str] | Ran:
        if "cpufreq/$file" in script:
            return 0, self._grep_cores(arguments)
        if '"$@"' in script:
            answer = self._run_benchmark(arguments)
            if isinstance(answer, Ran):
                return answer
            idle = {core: files["scaling_cur_freq"] for core, files in self.cores.items()}
            for core, khz in self.loaded_khz.items():
                self.cores[core]["scaling_cur_freq"] = str(khz)
            text = self._grep_cores(["scaling_cur_freq"])
            for core, clock in idle.items():
                self.cores[core]["scaling_cur_freq"] = clock
            return 0, text
        if "command -v" in script:
            wants_missing = '|| echo "$tool"' in script
            return 0, "".join(f"{tool}\n" for tool in arguments if (tool in self.tools) != wants_missing)
        if "grep -ls" in script:
            return 0, "".join(f"/proc/{number}/cmdline\n" for number in self.processes)
        if "scaling_min_freq" in script:
            core, least, most = arguments
            if not self.is_root:
                return 1, "sh: can't create: Permission denied\n"
            self.cores[int(core)].update(scaling_min_freq=least, scaling_max_freq=most)
            return 0, ""
        if 'echo "$3"' in script:
            self.files[arguments[1]] = f"{arguments[2]}\n".encode()
            return 0, ""
        raise AssertionError(f"nobody expects {script}")

    def _grep_cores(self, files: list[str]) -> str:
        folder = "/sys/devices/system/cpu"
        return "".join(
            f"{folder}/cpu{core}/cpufreq/{file}:{values[file]}\n"
            for file in files
            for core, values in self.cores.items()
            if file in values
        )

    def _run_benchmark(self, words: list[str]) -> tuple[int, str] | Ran:
        self.runs.append(words)
        odd = self.before_run(words)
        if isinstance(odd, Ran | tuple):
            return odd
        if odd is not None:
            return 0, odd
        graph = next(word for word in words if word.startswith("--graph=")).removeprefix("--graph=")
        time_us = self.times_us[graph].pop(0) if self.times_us.get(graph) else 1000
        peak = "93.2383" if "--report_peak_memory_footprint=true" in words else None
        # the median is not the mean
        text = interpreter_text([time_us - 1, time_us, time_us + 9] * 20, percentiles=True, peak=peak)
        return 0, text.replace("/data/local/tmp/m.tflite", graph)


def _say(text: str) -> Ran:
    return Ran(status=0, output=text.encode(), errors=b"")


LOST = Ran(status=255, output=b"", errors=b"")


def is_timing(words: Sequence[str]) -> bool:
    """Whether a run is one that gives a sample."""
    return "--num_runs=50" in words and "--enable_op_profiling=true" not in words


def plan(**changes: Any) -> RunPlan:
    return RunPlan(
        engine="benchmark_model",
        **{"session_count": 1, "round_count": 2, "burst_count": 50, "settle_count": 0, "core_mask": 0x70, **changes},
    )


def write_program(folder: Path) -> Path:
    """A program that runs on any phone."""
    path = folder / "benchmark_model"
    path.write_text("#!/system/bin/sh\n")
    return path
