"""Command lines of the OpenSSH client. Its own configuration, keys, agent and jump hosts stay in force."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping

from pocketbench.core.errors import DeviceFault, FileFault, MissingPackageError, UsageError
from pocketbench.profile.device_entry import DeviceEntry

CONNECT_TIMEOUT_S = 15
# A peer that is gone without a word is noticed after half a minute.
ALIVE_INTERVAL_S = 10
ALIVE_COUNT = 3
RESOLVE_WAIT_S = 30
DEFAULT_PYTHON = "python3"
PYTHON_READY = "pocketbench python"
# What a login shell of any kind passes on unchanged: no quote, backslash, newline or ! inside the single quotes.
# -I: a file of the user's home that is named like a module of Python must not be taken for it.
LISTEN = (
    f'-I -u -c \'import json;print();print("{PYTHON_READY}");'
    'exec(json.loads(open(0,"rb",0,closefd=False).readline()))\''
)
OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": str(CONNECT_TIMEOUT_S),
    "ServerAliveInterval": str(ALIVE_INTERVAL_S),
    "ServerAliveCountMax": str(ALIVE_COUNT),
    # a master that the user opened may be used (it may have taken a password); none is opened here
    "ControlMaster": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "LogLevel": "ERROR",
}
INSTALL_CLIENT = "install the OpenSSH client (Debian: apt install openssh-client)"


def make_command(entry: DeviceEntry) -> list[str]:
    """The command whose stdin and stdout are those of a Python on the board that waits for a program.

    Raises:
        UsageError: for an address that ssh would take for an option.
        FileFault: for a key that is not there.
    """
    return [*_make_prefix(entry), "-T", "--", check_address(entry), f"{quote_program(find_python(entry))} {LISTEN}"]


def find_python(entry: DeviceEntry) -> str:
    return entry.python or DEFAULT_PYTHON


def quote_program(path: str) -> str:
    """A path for any shell; ~ at its beginning is the user's home there."""
    home, slash, rest = path.partition("/")
    return f"{home}/{shlex.quote(rest)}" if home == "~" and slash else shlex.quote(path)


def check_address(entry: DeviceEntry) -> str:
    """Raises: UsageError for one that ssh would take for an option, or that is no single word."""
    address = entry.address or ""
    if (
        not address
        or address.startswith("-")
        or any(letter.isspace() or not letter.isprintable() for letter in address)
    ):
        raise UsageError(f"{entry.name}: {address!r} is no host", "give user@host, or a name of ~/.ssh/config")
    return address


def resolve_host(entry: DeviceEntry) -> dict[str, str]:
    """What the user's configuration makes of the address: "hostname", "user", "port", "proxyjump" and others.

    Raises:
        MissingPackageError: without an OpenSSH client.
        UsageError, FileFault: as `make_command`.
        DeviceFault: for a configuration that it refuses.
    """
    command = [*_make_prefix(entry), "-G", "--", check_address(entry)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=RESOLVE_WAIT_S, check=False
        )
    except FileNotFoundError as error:
        raise MissingPackageError("there is no ssh on this machine", INSTALL_CLIENT) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceFault(f"{entry.name}: ssh does not run: {error}", INSTALL_CLIENT) from error
    if done.returncode:
        raise DeviceFault(f"{entry.name}: ssh refuses its configuration: {done.stderr}", "correct ~/.ssh/config")
    return parse_resolved(done.stdout)


def parse_resolved(text: str) -> dict[str, str]:
    """The first value of each key of `ssh -G`, which prints "key value" lines."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key.lower(), value.strip())
    return found


def identify_host(resolved: Mapping[str, str]) -> str:
    """What is one board for every user and name of this machine: where the connection ends, and by which way."""
    ways = [resolved.get(key, "none") for key in ("proxyjump", "proxycommand")]
    way = next((value for value in ways if value != "none"), "")
    return f"ssh {resolved.get('hostname', '')} {resolved.get('port', '22')} {way}".strip()


def _make_prefix(entry: DeviceEntry) -> list[str]:
    command = ["ssh"]
    for name, value in OPTIONS.items():
        command += ["-o", f"{name}={value}"]
    if entry.key is not None:
        if not entry.key.is_file():  # ssh would go on without it, and be refused
            raise FileFault(f"{entry.name}: there is no key {entry.key}", f"ssh-keygen -t ed25519 -f {entry.key}")
        command += ["-i", str(entry.key), "-o", "IdentitiesOnly=yes"]
    return command
