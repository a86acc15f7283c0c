"""The transports by name. A new one is a class like `runner.Runner`, a line here and a test; third parties add theirs
by an entry point."""

from __future__ import annotations

from typing import cast

from pocketbench.core.registry import Entry, Registry
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.runner import Runner

RUNNERS = Registry(
    "transport",
    "pocketbench.runners",
    {
        "host": Entry(target="pocketbench.profile.host_runner:HostRunner", summary="this machine"),
        "adb": Entry(
            target="pocketbench.profile.adb.runner:AdbRunner",
            summary="an Android phone by adb; .tflite through TensorFlow Lite's benchmark_model",
        ),
        "ssh": Entry(
            target="pocketbench.profile.ssh.runner:SshRunner",
            summary="a board or a Mac by ssh; the engines that its Python has",
        ),
    },
)


def make_runner(entry: DeviceEntry) -> Runner:
    """The runner of a device. Raises: UnknownNameError, EnvironmentFault for a plug-in that can't be loaded."""
    return cast(Runner, RUNNERS.load(entry.transport)(entry))
