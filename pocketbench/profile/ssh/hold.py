"""One run at a time on a board, whoever's it is: the board itself keeps the lock."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.ssh.connection import Connection


def connect_alone(entry: DeviceEntry, archive: Path, token: str) -> Connection:
    """A connection that holds the board until it ends. One of the same token that is still there is ended.

    Raises: as `Connection`, and DeviceFault when another run holds the board.
    """
    connection = Connection(entry, archive)
    try:
        connection.ask("hold", token=token, who=f"{getpass.getuser()} on {platform.node()}")
    except Refusal as refusal:
        connection.close()
        if refusal.kind == "in_use":
            raise DeviceFault(f"{entry.name} is in use: {refusal.message}", "wait until that run is over") from refusal
        raise DeviceFault(f"{entry.name}: {refusal.message}", "check that place on the board") from refusal
    except ConnectionLoss as loss:
        raise DeviceFault(str(loss), f"try `ssh {entry.address}`") from loss
    return connection
