"""Why there is no connection to a board, from what ssh and the board's shell said."""

from __future__ import annotations

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.ssh.client import CONNECT_TIMEOUT_S, find_python

SSH_FAILED = 255
NOT_FOUND = 127
# In the order in which they are looked for: one text may hold several.
PROBLEMS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that was known",
        "{forget}, if that is right",
    ),
    ("Host key verification failed", "its host key is not known here", "run `ssh {host}` once and check the key"),
    ("host key is known for", "its host key is not known here", "run `ssh {host}` once and check the key"),
    ("Permission denied", "it refused the login", "{copy}"),
    ("Too many authentication failures", "it refused the login", "name the one key that it takes: key = ..."),
    ("Could not resolve hostname", "nobody knows its name", "check host, and that the board is on the network"),
    ("Connection refused", "nothing listens there", "switch on ssh on the board: sudo systemctl enable --now ssh"),
    ("No route to host", "there is no way to it", "check that the board is on, and on this network"),
    ("Network is unreachable", "there is no way to it", "check this machine's network"),
    ("timed out", f"it did not answer within {CONNECT_TIMEOUT_S} s", "check that the board is on, and on this network"),
)
LAST_WORDS = 200


def explain_end(entry: DeviceEntry, code: int | None, text: str) -> DeviceFault:
    """The fault behind an ssh that ended before the board's Python spoke.

    Args:
        code: its exit status; None where it had to be killed.
        text: what it wrote to stderr.
    """
    words = _find_last_words(text)
    for pattern, what, cure in PROBLEMS:
        if pattern in text:
            return DeviceFault(f"{entry.name}: {what}: {words}", _fill(cure, entry))
    if code == NOT_FOUND or "ommand not found" in text or "No such file" in text or "Unknown command" in text:
        return explain_python(entry, words)
    status = "stopped answering" if code is None else f"ended with exit status {code}"
    who = "ssh" if code in (None, SSH_FAILED) else f"{find_python(entry)} on the board"
    return DeviceFault(f"{entry.name}: {who} {status}: {words or 'it said nothing'}", f"try `ssh {entry.address}`")


def explain_python(entry: DeviceEntry, found: str) -> DeviceFault:
    return DeviceFault(
        f"{entry.name}: there is no {find_python(entry)} there: {found}",
        'install Python 3.9 or newer on it (sudo apt install python3), or name one: python = "~/venv/bin/python"',
    )


def _fill(cure: str, entry: DeviceEntry) -> str:
    key = f"-i {entry.key} " if entry.key is not None else ""
    host = (entry.address or "").rpartition("@")[2]
    return cure.format(
        host=entry.address,
        copy=f"ssh-copy-id {key}{entry.address}, and ssh-add for a key with a passphrase",
        forget=f"ssh-keygen -R {host}, then ssh {entry.address}",
    )


def _find_last_words(text: str) -> str:
    lines = [line.strip("\r @") for line in text.split("\n")]
    words = " | ".join(line for line in lines if line)
    return words if len(words) <= LAST_WORDS else f"...{words[-LAST_WORDS:]}"
