"""One run at a time on a device: a second one would slow both down and be believed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocketbench.core.errors import DeviceFault, FileFault
from pocketbench.profile.agent.lock_file import open_lock


class DeviceInUse(DeviceFault):
    """Another process has the device: what is stored of the same run is that one's."""


@contextlib.contextmanager
def hold_device(identity: str, name: str) -> Iterator[None]:
    """Hold the lock of a device for as long as the block runs; the system lets go of it when the process ends, however
    it ends.

    Args:
        identity: what is one device for every user of this machine: "adb SERIAL".
        name: the device's name, for messages.

    Raises:
        DeviceInUse: at once when another process holds it; names that process.
        FileFault: when the lock can't be written.
    """
    path = lock_path(identity)
    try:
        descriptor = open_lock(path)
    except OSError as error:
        raise FileFault(f"can't lock {name}: {path}: {error.strerror or error}", "remove that file") from error
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = lock.read(20).strip()
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise DeviceInUse(f"{name} is in use: {who} measures on it", "wait until that run is over") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def lock_path(identity: str) -> Path:
    """The lock file of a device: a hash of its identity, which may hold anything."""
    digest = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pocketbench-device-{digest}.lock"
