"""One process at a time on a training: two would do the same work twice."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, FileFault
from pocketbench.profile.lock_file import open_lock


@contextlib.contextmanager
def hold_training(path: Path) -> Iterator[None]:
    """Hold the lock of the training whose weights will be at `path`; the system lets go of it however the process ends.

    Raises:
        EnvironmentFault: at once when another process holds it.
        FileFault: when the lock can't be written.
    """
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    lock = Path(tempfile.gettempdir()) / f"pocketbench-training-{digest}.lock"
    try:
        descriptor = open_lock(lock)
    except OSError as error:
        raise FileFault(f"can't lock {path}: {lock}: {error.strerror or error}", "remove that file") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise EnvironmentFault(
            f"another process trains {path.parent.name} {path.stem}", "wait until it is over, or choose another --out"
        ) from error
    finally:
        os.close(descriptor)
