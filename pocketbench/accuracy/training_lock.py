"""One process at a time on a training: two would write the same files."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, FileFault


@contextlib.contextmanager
def hold_training(path: Path) -> Iterator[None]:
    """Hold the lock of the training whose weights will be at `path`, and remove what a killed process was writing.

    The system lets go of the lock however the process ends; its file, beside `path`, goes at the end of the block.

    Raises:
        EnvironmentFault: at once when another process holds it.
        FileFault: when the folder can't be written.
    """
    lock = path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _lock_file(lock)
    except BlockingIOError as error:
        raise EnvironmentFault(
            f"another process trains {path.stem} of {path.parent.name}", "wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise FileFault(f"can't lock {lock}: {error.strerror or error}", "check the folder and free space") from error
    try:
        for unfinished in path.parent.glob(f".{glob.escape(path.stem)}.*"):
            unfinished.unlink(missing_ok=True)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _lock_file(lock: Path) -> int:
    """A descriptor that holds the lock. Raises: BlockingIOError when another one does; OSError."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # its last holder may have removed the file between the two calls: then this lock keeps nobody out
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
