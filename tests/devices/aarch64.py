"""An ARM machine that stands in for a board: Debian's Python for arm64 with our runtimes, run by QEMU.

QEMU translates each instruction: it is hundreds of times slower than the machine under it. What is timed here says
nothing; what is computed does. Nothing is installed: packages are unpacked into a folder of the checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent.parent
QEMU = "qemu-aarch64-static"
MODEL = "Raspberry Pi 5 stand-in"
PACKAGES = ("python3.11", "libstdc++6")
RUNTIMES = ("ai-edge-litert", "flatbuffers", "numpy", "onnxruntime")
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
CORE_COUNT = 4
MAX_KHZ = 2_400_000
# A Cortex-A76. Without the features that the runtimes look for they stop at once.
CPU = """processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""
# A package manager of its own: it knows of nothing that is installed, and of no other architecture.
APT = """Dir "{folder}";
Dir::State::status "{folder}/status";
Dir::Etc::sourcelist "/etc/apt/sources.list";
Dir::Etc::sourceparts "/etc/apt/sources.list.d";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
"""


@dataclass(frozen=True)
class ArmMachine:
    """`root` holds what the machine has; where it has nothing the files of this one are seen."""

    root: Path

    @property
    def python(self) -> list[str]:
        return [QEMU, "-L", str(self.root), str(self.root / "usr/bin/python3.11")]

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(self.root / "opt/runtimes")}


def set_up_machine() -> ArmMachine:
    """The machine, made where it is not there yet, or where a runtime's pinned version changed."""
    wanted = _read_requirements()
    # what it is made of names it, this file too
    digest = hashlib.sha256("\n".join([*PACKAGES, *wanted, Path(__file__).read_text()]).encode()).hexdigest()[:12]
    rig = CHECKOUT / "out/test-rig"
    rig.mkdir(parents=True, exist_ok=True)
    root = rig / f"arm64-{digest}"
    with (rig / "arm64.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            for old in rig.glob("arm64-*"):
                shutil.rmtree(old)
            scratch = rig / f"arm64-{digest}.part"
            _unpack_packages(scratch)
            _unpack_runtimes(scratch, wanted)
            _write_processor(scratch)
            scratch.rename(root)
    return ArmMachine(root)


def _read_requirements() -> list[str]:
    text = (CHECKOUT / "constraints.txt").read_text()
    return [found[0] for name in RUNTIMES if (found := re.search(rf"^{re.escape(name)}==\S+", text, re.MULTILINE))]


def _unpack_packages(root: Path) -> None:
    apt = root / "apt"
    for name in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "etc/apt/preferences.d"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "apt.conf").write_text(APT.format(folder=apt))
    environment = {**os.environ, "APT_CONFIG": str(apt / "apt.conf")}
    for command in (["update"], ["install", "--download-only", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "--quiet", *command], env=environment, check=True, capture_output=True)
    for package in sorted((apt / "var/cache/apt/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    shutil.rmtree(apt)


def _unpack_runtimes(root: Path, wanted: list[str]) -> None:
    platforms = [word for name in (*(f"{name}_aarch64" for name in PLATFORMS), "any") for word in ("--platform", name)]
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", *platforms]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", root / "opt/runtimes", *options, *wanted],
        check=True,
        capture_output=True,
    )


def _write_processor(root: Path) -> None:
    """What the kernel of a board says of its processor; QEMU shows that of the machine under it."""
    (root / "proc").mkdir()
    model = f"Model\t\t: {MODEL}\n"
    (root / "proc/cpuinfo").write_text("".join(CPU.format(core=core) for core in range(CORE_COUNT)) + model)
    cpu = root / "sys/devices/system/cpu"
    everyone = f"0-{CORE_COUNT - 1}\n"
    for core in range(CORE_COUNT):
        files = {
            "cpufreq/cpuinfo_max_freq": MAX_KHZ,
            "cpufreq/cpuinfo_min_freq": 1_500_000,
            "cpufreq/scaling_cur_freq": MAX_KHZ,
            "cpufreq/scaling_governor": "performance",
            "topology/physical_package_id": 0,
            "topology/core_id": core,
            "topology/core_siblings_list": everyone.strip(),
            "topology/thread_siblings_list": core,
        }
        for name, value in files.items():
            path = cpu / f"cpu{core}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
    for name in ("possible", "present", "online"):
        (cpu / name).write_text(everyone)
