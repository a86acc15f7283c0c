"""Another environment's interpreter, looked at before long work starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pocketbench.core.errors import FileFault

TIMEOUT_S = 60.0
PROBE = "import sys; print(sys.version_info[0])"


def check_python(python: Path) -> None:
    """Raises: FileFault when `python` is no Python 3 that starts."""
    inside = [folder / "python" for folder in (python / "bin", python) if (folder / "python").is_file()]
    if python.is_dir():
        cure = f"name its interpreter: {inside[0]}" if inside else "name the interpreter: FOLDER/bin/python"
        raise FileFault(f"{python} is a folder", cure)
    cure = "name the interpreter of the other environment: --base-python FOLDER/bin/python"
    try:
        done = subprocess.run(
            [str(python.absolute()), "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise FileFault(f"can't run {python}: {error.strerror or error}", cure) from error
    except subprocess.TimeoutExpired as error:
        raise FileFault(f"{python} does not answer within {TIMEOUT_S:g} s", cure) from error
    if done.returncode != 0 or done.stdout.strip() != b"3":
        raise FileFault(f"{python} is no Python 3", cure)
