"""The file of a lock that all users of a machine share. Runs on Python 3.9 with the standard library alone."""

from __future__ import annotations

import os
from pathlib import Path


def open_lock(path: Path) -> int:
    """A descriptor of the file, to read and write; it is made where it is not there.

    The folder is open to all: no link is followed, and a file that is there is opened without O_CREAT, which Linux
    refuses for another user's file in such a folder.

    Raises: OSError.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:  # another run was faster
        return os.open(path, flags)
    os.fchmod(descriptor, 0o666)  # whatever the umask says
    return descriptor
