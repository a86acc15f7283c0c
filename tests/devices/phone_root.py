"""The first process of a phone's namespaces: builds Android's file tree over this machine's and waits for its end.

Arguments: STATE (a folder of this machine, `/phone` inside), the bytes of /data/local/tmp, and folders that are seen at
their own path, for the programs that stand in for the phone's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

# what Android's toybox has, without what could reach beyond the namespaces
COMMANDS = """
[ awk base64 basename cat chgrp chmod chown chrt cksum clear cmp comm cp cut date dd df diff dirname dmesg
du echo egrep env expr false fgrep file find flock free getconf grep groups gunzip gzip head hostname id ionice kill
killall ln ls md5sum mkdir mkfifo mktemp mv nice nl nohup od paste pgrep pidof pkill printenv printf ps pwd readlink
realpath renice rm rmdir sed seq setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort split stat strings
sync tail tar tee test time timeout top touch tr true truncate tty uniq unlink uptime usleep vmstat wc which whoami
xargs xxd yes zcat
"""
SEEN = ("/usr", "/lib", "/lib32", "/lib64", "/libx32")
PASSWORDS = "root:x:0:0:root:/:/system/bin/sh\nshell:x:2000:2000:shell:/:/system/bin/sh\n"
GROUPS = "root:x:0:\nshell:x:2000:\n"


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def show(source: Path, target: Path) -> None:
    """Make a file or folder of this machine visible at a path of the phone, for reading."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    run("mount", "--bind", str(source), str(target))
    run("mount", "-o", "remount,bind,ro", str(target))


def build_tree(root: Path, state: Path, data_bytes: int, folders: list[Path]) -> None:
    """Mount Android's folders under `root`."""
    run("mount", "-t", "tmpfs", "-o", "mode=755", "phone", str(root))
    for name in SEEN:
        source = Path(name)
        if source.is_symlink():
            (root / name[1:]).symlink_to(source.readlink())
        elif source.is_dir():
            show(source, root / name[1:])
    for folder in folders:
        if not folder.is_relative_to("/usr"):
            show(folder, root / folder.relative_to("/"))
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text(PASSWORDS)
    (root / "etc/group").write_text(GROUPS)
    show(Path("/etc/ld.so.cache"), root / "etc/ld.so.cache")
    (root / "dev").mkdir()
    run("mount", "--rbind", "/dev", str(root / "dev"))
    (root / "proc").mkdir()
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    (root / "phone").mkdir()
    run("mount", "--bind", str(state), str(root / "phone"))
    (root / "sys").mkdir()
    run("mount", "--bind", str(state / "sys"), str(root / "sys"))
    temporary = root / "data/local/tmp"
    temporary.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", f"mode=771,size={data_bytes}", "data", str(temporary))
    (root / "data/misc").mkdir()
    (root / "data/misc/adb").symlink_to("/phone/keys")


def fill_programs(root: Path, state: Path) -> None:
    """Give the phone its shell, its tools and the programs that stand in for Android's own."""
    programs = root / "system/bin"
    programs.mkdir(parents=True)
    toybox = Path("/usr/bin/toybox")
    offered = subprocess.run([str(toybox)], check=True, capture_output=True, text=True).stdout.split()
    for command in COMMANDS.split():
        program = toybox if command in offered else Path("/usr/bin", command)
        if program.exists():
            (programs / command).symlink_to(program)
    (programs / "toybox").symlink_to(toybox)
    (programs / "sh").symlink_to("/usr/bin/mksh")
    for stand_in in (state / "programs").iterdir():
        (programs / stand_in.name).unlink(missing_ok=True)
        (programs / stand_in.name).symlink_to(f"/phone/programs/{stand_in.name}")
    # adbd runs each command by this shell, which keeps it first
    (root / "bin").mkdir()
    (root / "bin/sh").symlink_to("/phone/shell")


def main(arguments: list[str]) -> int:
    """Build the tree, make it the root, say so, and wait: the end of this process ends all others of the phone."""
    state = Path(arguments[0])
    root = state / "root"
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    build_tree(root, state, int(arguments[1]), [Path(folder) for folder in arguments[2:]])
    fill_programs(root, state)
    (root / "old").mkdir()
    os.chdir(root)
    run("pivot_root", ".", "old")
    os.chdir("/")
    run("umount", "--lazy", "/old")
    Path("/old").rmdir()
    print("ready", flush=True)
    os.close(1)
    # children that lost their parents are ended by the kernel
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
