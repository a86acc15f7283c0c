"""The benchmark_model of a phone: where it is, whether it can run there, and which one it is."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import DeviceFault, FileFault
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.elf import HEADER_BYTES, parse_elf_abi
from pocketbench.profile.adb.facts import read_abis
from pocketbench.profile.adb.folder import program_path
from pocketbench.profile.adb.push import hash_file, push_file, read_sha256
from pocketbench.profile.device_entry import DeviceEntry

ENGINE = "benchmark_model"
ON_DEVICE = "device:"
DOWNLOADS = (
    "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/lite/tools/nightly/latest/"
)
DOWNLOAD_NAMES = {"arm64-v8a": "android_aarch64_benchmark_model", "armeabi-v7a": "android_arm_benchmark_model"}
LITERT_DOWNLOADS = "https://developers.google.com/edge/litert/models/measurement"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkProgram:
    """A benchmark_model: its place on the phone and its content. `source` is the file of this machine that is pushed
    there, None for one that is there already; `sha256` is None where the phone can't take it."""

    path: str
    source: Path | None
    sha256: str | None


def find_cure(abi: str | None) -> str:
    """How to get the program, and how to name it."""
    names = [DOWNLOAD_NAMES[abi]] if abi in DOWNLOAD_NAMES else list(DOWNLOAD_NAMES.values())
    addresses = " or ".join(DOWNLOADS + name for name in names)
    return (
        f"download {addresses} (LiteRT's own: {LITERT_DOWNLOADS}), then name it in devices.toml: "
        f'engines = {{ {ENGINE} = "PATH" }}, or "{ON_DEVICE}PATH" for one that is on the phone'
    )


def find_local_program(entry: DeviceEntry, abis: tuple[str, ...]) -> Path | None:
    """The program of this machine that is to be pushed; None where the entry names one on the phone.

    Raises: DeviceFault, FileFault when there is none, or it is for another processor.
    """
    place = entry.engines.get(ENGINE)
    abi = abis[0] if abis else None
    if place is None:
        raise DeviceFault(f"{entry.name} has no {ENGINE} to run models with", find_cure(abi))
    if place.startswith(ON_DEVICE):
        return None
    path = Path(place)
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise FileFault(
            f"can't read {ENGINE} of {entry.name}: {path}: {error.strerror or error}", find_cure(abi)
        ) from error
    try:
        built_for = parse_elf_abi(header)
    except ValueError as error:
        raise DeviceFault(f"{path} is {error}", find_cure(abi)) from error
    if built_for is not None and abis and built_for not in abis:
        raise DeviceFault(f"{path} is built for {built_for}, and {entry.name} runs {', '.join(abis)}", find_cure(abi))
    return path


def find_program(client: AdbClient, entry: DeviceEntry) -> BenchmarkProgram:
    """The entry's benchmark_model.

    Raises:
        ConnectionFault: when the phone does not answer.
        DeviceFault, FileFault: when there is none, or it can't run on the phone.
    """
    source = find_local_program(entry, read_abis(client))
    if source is not None:
        sha256 = hash_file(source)
        return BenchmarkProgram(path=program_path(sha256), source=source, sha256=sha256)
    path = entry.engines[ENGINE].removeprefix(ON_DEVICE)
    if not posixpath.isabs(path) or client.read(["test", "-f", path, "-a", "-x", path]) is None:
        raise DeviceFault(
            f"{path!r} on {entry.name} is no program", "give its absolute path, and chmod 755 it; or give a path here"
        )
    return BenchmarkProgram(path=path, source=None, sha256=read_sha256(client, path))


def place_program(client: AdbClient, program: BenchmarkProgram) -> None:
    """Have the program on the phone, ready to run. Raises: ConnectionFault; DeviceFault when it does not fit."""
    if program.source is not None and program.sha256 is not None:
        push_file(client, program.source, program.sha256, program.path, executable=True)
