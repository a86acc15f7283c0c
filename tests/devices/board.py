"""A board that stands in for a real one: the real ssh client and the real sshd, on a loopback port of this machine.

sshd has keys, a configuration and a home of its own, in a mount namespace of its own where /sys tells of a board. The
models run on this machine's processor: what is timed there is this machine. The client is OpenSSH's, with a
configuration of its own: `ssh` on PATH names it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pocketbench.profile.device_entry import DeviceEntry

SSHD = "/usr/sbin/sshd"
SSH = "/usr/bin/ssh"
MODEL = "Raspberry Pi 5 stand-in"
HOST = "pi-stand-in"
START_WAIT_S = 10.0
CORES = ((0, 1_500_000), (1, 2_400_000))
# Inside the namespace: nothing here changes the machine.
ENTER = """
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir /run/sshd
mount --bind "$1" /sys
[ -z "$3" ] || mount -t tmpfs -o "size=$3" tmpfs "$2"
shift 3
exec "$@"
"""


class Board:
    """One board, from `start` until `close`.

    Args:
        packages: a folder with packages that the board's Python has beside ours.
    """

    def __init__(self, folder: Path, *, packages: Path | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.client = folder / "client"
        self._packages = packages
        self._server: subprocess.Popen[bytes] | None = None
        for place in (self.home, self.client, folder / "bin", folder / "tmp", folder / "etc", folder / "sys"):
            place.mkdir(parents=True)
        self.port = _find_port()
        self._write_sys()
        self._write_programs()
        self._write_server()
        self._write_client()

    @property
    def path(self) -> str:
        """PATH of whoever uses the board."""
        return f"{self.client}:{os.environ['PATH']}"

    @property
    def is_on(self) -> bool:
        return self._server is not None

    def describe(self, **values: object) -> DeviceEntry:
        return DeviceEntry(**{"name": "board", "transport": "ssh", "address": HOST, **values})

    def start(self, home_size: str = "") -> None:
        """
        Args:
            home_size: as mount's size= of a disk of its own for the home; "" for the folder's disk.
        """
        assert self._server is None
        sshd = [SSHD, "-D", "-e", "-f", str(self.folder / "etc/sshd_config")]
        enter = ["unshare", "--mount", "sh", "-euc", ENTER, "enter"]
        if os.geteuid() != 0:
            # root of a namespace may mount; sshd is then the user again, who may log in and nobody else
            enter.insert(1, "--map-root-user")
            sshd = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", *sshd]
        arguments = [str(self.folder / "sys"), str(self.home), home_size, *sshd]
        with (self.folder / "sshd.log").open("ab") as log:
            self._server = subprocess.Popen([*enter, *arguments], stderr=log, stdout=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_WAIT_S
        while not _answers(self.port):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd does not start: {(self.folder / 'sshd.log').read_text()}")
            time.sleep(0.02)

    def freeze(self) -> list[int]:
        """All connections go dead without a word: nobody reads or writes on the board's end. Gives the processes."""
        assert self._server is not None
        frozen = [process_id for process_id in list_descendants(self._server.pid) if is_sshd(process_id)]
        for process_id in frozen:
            os.kill(process_id, signal.SIGSTOP)
        return frozen

    def stop(self) -> None:
        """The board is gone: nothing listens, and all connections are cut."""
        if self._server is not None:
            sessions = list_descendants(self._server.pid)
            self._server.kill()
            self._server.wait()
            self._server = None
            _kill_sessions(sessions)

    def cut(self) -> int:
        """Cut all connections; gives how many there were. What ran on the board goes on until it notices."""
        assert self._server is not None
        return _kill_sessions(list_descendants(self._server.pid))

    def close(self) -> None:
        if self._server is not None:
            mine = list_descendants(self._server.pid)
            self.stop()
            for process_id in mine:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)

    def set_temperature(self, celsius: float) -> None:
        (self.folder / "sys/class/thermal/thermal_zone0/temp").write_text(f"{round(celsius * 1000)}\n")

    def list_agents(self) -> list[int]:
        """The processes on the board that run our agent, supervisors and workers."""
        found = []
        marker = str(self.home / ".cache/pocketbench/pocketbench-agent").encode()
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if marker in (place / "cmdline").read_bytes():
                    found.append(int(place.name))
        return sorted(found)

    def list_models(self) -> list[Path]:
        return sorted((self.home / ".cache/pocketbench/models").glob("*"))

    def _write_sys(self) -> None:
        files = {"class/dmi/id/product_name": MODEL}
        for core, max_khz in CORES:
            place = f"devices/system/cpu/cpu{core}/cpufreq"
            files[f"{place}/cpuinfo_max_freq"] = files[f"{place}/scaling_max_freq"] = str(max_khz)
            files[f"{place}/scaling_min_freq"] = files[f"{place}/scaling_cur_freq"] = "1000000"
            files[f"{place}/scaling_governor"] = "ondemand"
        files["class/thermal/thermal_zone0/type"] = "cpu-thermal"
        files["class/thermal/thermal_zone0/temp"] = "45000"
        for name in ("possible", "present", "online"):
            files[f"devices/system/cpu/{name}"] = "0-1"
        for name, text in files.items():
            path = self.folder / "sys" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    def _write_programs(self) -> None:
        """The board's python3 is this environment's, so that it has engines. It starts in the board's own home: sshd
        knows that of the account alone."""
        _write_script(self.folder / "bin/python3", f'cd\nexec "{sys.executable}" "$@"')

    def _write_server(self) -> None:
        etc = self.folder / "etc"
        _make_key(etc / "host_key")
        _make_key(self.client / "key")
        shutil.copy(self.client / "key.pub", etc / "authorized_keys")
        # a path that is not there adds nothing
        packages = self._packages or self.folder / "packages"
        places = f"HOME={self.home} TMPDIR={self.folder / 'tmp'} PATH={self.folder / 'bin'}:/usr/bin:/bin"
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {etc / 'host_key'}",
            f"AuthorizedKeysFile {etc / 'authorized_keys'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"SetEnv {places} PYTHONPATH={packages}",
        ]
        (etc / "sshd_config").write_text("\n".join(lines) + "\n")

    def _write_client(self) -> None:
        lines = [
            f"Host {HOST}",
            "HostName 127.0.0.1",
            f"Port {self.port}",
            f"User {_user()}",
            f"IdentityFile {self.client / 'key'}",
            "IdentitiesOnly yes",
            "IdentityAgent none",
            f"UserKnownHostsFile {self.client / 'known_hosts'}",
            "GlobalKnownHostsFile none",
        ]
        (self.client / "config").write_text("\n".join(lines) + "\n")
        self.know_host(self.folder / "etc/host_key.pub")
        _write_script(self.client / "ssh", f'exec {SSH} -F "{self.client / "config"}" "$@"')

    def know_host(self, public_key: Path) -> None:
        """Write what the client knows of the board's key."""
        (self.client / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public_key.read_text()}")


def wait_until(is_true: Callable[[], object], wait_s: float = 20.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + wait_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def list_descendants(process_id: int) -> list[int]:
    """The processes under a process, those nearest to it first."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(place.name))
    found: list[int] = []
    waiting = [process_id]
    while waiting:
        waiting = [child for parent in waiting for child in children.get(parent, [])]
        found += waiting
    return found


def is_sshd(process_id: int) -> bool:
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(process_id) / "comm").read_text().startswith("sshd")
    return False


def _kill_sessions(processes: list[int]) -> int:
    count = 0
    for process_id in processes:
        if is_sshd(process_id):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
                count += 1
    return count


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "board", "-f", path], check=True)


def _write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
