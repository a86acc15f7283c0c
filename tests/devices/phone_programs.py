"""Android's own programs, as far as a benchmark asks them: one script behind several names, over the files of /phone.

It is run by Python's `-I -S`, and imports little (no pathlib), so that a call takes some milliseconds.
"""

# ruff: noqa: PTH105, PTH108, PTH110, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import os
import sys

PHONE = "/phone"
CORE_COUNT = 8
PLUGS = {"ac": 1, "usb": 2, "wireless": 4}
ANY_PLUG = 7


def read_value(name: str) -> str:
    """A value of the phone's state. Of several ("410 400 380"), each call takes the next, and the last one stays."""
    path = f"{PHONE}/values/{name}"
    words = read_file(path).split()
    if len(words) > 1:
        write_file(path, " ".join(words[1:]))
    return words[0]


def read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def write_file(path: str, text: str) -> None:
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)


def write_value(name: str, text: str) -> None:
    write_file(f"{PHONE}/values/{name}", text)


def setting_path(space: str, name: str) -> str:
    if space not in ("global", "system", "secure") or "/" in name:
        raise SystemExit(f"Invalid namespace '{space}'")
    return f"{PHONE}/settings/{space}.{name}"


def getprop(arguments: list[str]) -> int:
    properties = dict(line.split("=", 1) for line in read_file(f"{PHONE}/properties").splitlines() if line)
    if arguments:
        print(properties.get(arguments[0], arguments[1] if len(arguments) > 1 else ""))
    else:
        for name in sorted(properties):
            print(f"[{name}]: [{properties[name]}]")
    return 0


def settings(arguments: list[str]) -> int:
    verb, space, name, *rest = [*arguments, "", "", ""][: max(3, len(arguments))]
    path = setting_path(space, name)
    if verb == "get":
        print(read_file(path) if os.path.exists(path) else "null")
    elif verb == "put" and rest and rest[0]:
        write_file(path, rest[0])
    elif verb == "delete":
        print(f"Deleted {int(os.path.exists(path))} rows")
        if os.path.exists(path):
            os.unlink(path)
    else:
        print("Invalid command: " + " ".join(arguments), file=sys.stderr)
        return 255
    return 0


def svc(arguments: list[str]) -> int:
    if arguments[:2] == ["power", "stayon"] and len(arguments) == 3:
        word = arguments[2]
        if word in PLUGS or word in ("true", "false"):
            mask = PLUGS.get(word, ANY_PLUG if word == "true" else 0)
            if mask:  # Android wakes the screen, for else it would stay off
                write_value("screen", "on")
            write_file(setting_path("global", "stay_on_while_plugged_in"), str(mask))
            return 0
    print("Control the power manager\n\nusage: svc power stayon [true|false|usb|ac|wireless]", file=sys.stderr)
    return 1


def press_key(arguments: list[str]) -> int:
    if arguments[:1] != ["keyevent"] or len(arguments) < 2:
        print("Error: Unknown command: " + " ".join(arguments[:1]), file=sys.stderr)
        return 255
    for key in arguments[1:]:
        name = key.removeprefix("KEYCODE_")
        if name in ("WAKEUP", "224"):
            write_value("screen", "on")
        elif name in ("SLEEP", "223"):
            write_value("screen", "off")
        elif name in ("POWER", "26"):
            write_value("screen", "off" if read_value("screen") == "on" else "on")
    return 0


def describe_battery() -> str:
    source = read_value("power_source")
    lines = ["Current Battery Service state:"]
    for name, word in (("AC", "ac"), ("USB", "usb"), ("Wireless", "wireless")):
        lines.append(f"  {name} powered: {'true' if source == word else 'false'}")
    lines += [
        "  Max charging current: 500000",
        "  Max charging voltage: 5000000",
        "  Charge counter: 2246000",
        f"  status: {3 if source == 'none' else 2}",
        "  health: 2",
        "  present: true",
        f"  level: {read_value('battery_level')}",
        "  scale: 100",
        "  voltage: 4198",
        f"  temperature: {read_value('battery_temperature')}",
        "  technology: Li-ion",
    ]
    return "\n".join(lines)


def describe_thermal() -> str:
    status = read_value("thermal_status")
    skin = f"\tTemperature{{mValue=31.4, mType=3, mName=skin-therm-adc, mStatus={status}}}"
    battery = "\tTemperature{mValue=28.0, mType=2, mName=battery, mStatus=0}"
    return "\n".join(
        [
            "IsStatusOverride: false",
            "ThermalEventListeners:",
            "\tcallbacks: 2",
            "\tkilled: false",
            "\tbroadcasts count: -1",
            "ThermalStatusListeners:",
            "\tcallbacks: 1",
            "\tkilled: false",
            "\tbroadcasts count: -1",
            f"Thermal Status: {status}",
            "Cached temperatures:",
            battery,
            skin,
            "HAL Ready: true",
            "HAL connection:",
            "\tThermalHAL 2.0 connected: yes",
            "Current temperatures from HAL:",
            battery,
            skin,
            "Current cooling devices from HAL:",
            "\tCoolingDevice{mValue=0, mType=3, mName=thermal-devfreq-0}",
            "\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-4}",
            "Temperature static thresholds from HAL:",
        ]
    )


def describe_power() -> str:
    source = read_value("power_source")
    awake = read_value("screen") == "on"
    path = setting_path("global", "stay_on_while_plugged_in")
    stay_on = int(read_file(path)) if os.path.exists(path) else 0
    plug = PLUGS.get(source, 0)
    return "\n".join(
        [
            "POWER MANAGER (dumpsys power)",
            "",
            "Power Manager State:",
            "  Settings power_manager_constants:",
            "    no_cached_wake_locks=true",
            "  mDirty=0x0",
            f"  mWakefulness={'Awake' if awake else 'Asleep'}",
            "  mWakefulnessChanging=false",
            f"  mIsPowered={'true' if plug else 'false'}",
            f"  mPlugType={plug}",
            f"  mBatteryLevel={read_value('battery_level')}",
            "  mBootCompleted=true",
            f"  mStayOn={'true' if stay_on & plug else 'false'}",
            f"  mHoldingDisplaySuspendBlocker={'true' if awake else 'false'}",
            "",
            "Settings and Configuration:",
            "  mScreenOffTimeoutSetting=30000",
            f"  mStayOnWhilePluggedInSetting={stay_on}",
            "",
            f"Display Power: state={'ON' if awake else 'OFF'}",
        ]
    )


def describe_display() -> str:
    state = "ON" if read_value("screen") == "on" else "OFF"
    return "\n".join(
        [
            "DISPLAY MANAGER (dumpsys display)",
            "  mOnlyCore=false",
            "  mSafeMode=false",
            f"  mGlobalDisplayState={state}",
            "",
            "Display Power Controller Locked State:",
            f"  mScreenState={state}",
        ]
    )


SERVICES = {
    "battery": describe_battery,
    "thermalservice": describe_thermal,
    "power": describe_power,
    "display": describe_display,
}


def dumpsys(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in SERVICES:
        print(f"Can't find service: {' '.join(arguments)}", file=sys.stderr)
        return 20
    print(SERVICES[arguments[0]]())
    return 0


def taskset(arguments: list[str]) -> int:
    """Check the mask as toybox and the kernel of a phone with 8 cores do, and run the program on any core."""
    if len(arguments) < 2:
        print("taskset: Needs 2 arguments", file=sys.stderr)
        return 1
    text, *command = arguments
    try:
        mask = int(text, 16) if all(letter in "0123456789abcdefABCDEF" for letter in text) else 0
    except ValueError:
        mask = 0
    if not mask:
        print(f"taskset: bad mask '{text}'", file=sys.stderr)
        return 1
    mask &= (1 << CORE_COUNT) - 1
    if not mask:
        print(f"taskset: failed to set pid {os.getpid()}'s affinity: Invalid argument", file=sys.stderr)
        return 1
    os.environ["PHONE_MASK"] = f"{mask:x}"
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"taskset: exec {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def sleep(arguments: list[str]) -> int:
    seconds = float(arguments[0]) / float(read_value("haste"))
    os.execv("/usr/bin/toybox", ["sleep", f"{seconds:.3f}"])


def nproc(arguments: list[str]) -> int:
    print(CORE_COUNT if arguments else int(os.environ.get("PHONE_MASK", "ff"), 16).bit_count())
    return 0


def uname(arguments: list[str]) -> int:
    facts = {
        "s": "Linux",
        "n": "localhost",
        "r": "4.14.117-stand-in",
        "v": "#1 SMP PREEMPT Fri Apr 10 18:41:19 UTC 2020",
        "m": "aarch64",
        "o": "Android",
    }
    letters = "".join(word.lstrip("-") for word in arguments) or "s"
    print(" ".join(facts[letter] for letter in (facts if "a" in letters else letters)))
    return 0


PROGRAMS = {
    "dumpsys": dumpsys,
    "getprop": getprop,
    "input": press_key,
    "nproc": nproc,
    "settings": settings,
    "sleep": sleep,
    "svc": svc,
    "taskset": taskset,
    "uname": uname,
}

if __name__ == "__main__":
    sys.exit(PROGRAMS[os.path.basename(sys.argv[0])](sys.argv[1:]))
