"""The script that draws the plots of a page: page.js with the Vega libraries in one text.

vl-convert takes 2 s to make it, and makes the same one every time: it is kept in the user's cache folder, with the
version and the hash that it is known by. Where it can't be kept it is made each time.
"""

from __future__ import annotations

import functools
import hashlib
import os
from importlib import metadata, resources
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import write_bytes

CACHE_VARIABLE = "XDG_CACHE_HOME"
FILE_NAME = "plots.js"


@functools.cache
def read_plot_script() -> str:
    """The kept script where it is whole and of these very versions; else a new one, which is kept."""
    source = resources.files("pocketbench.reports").joinpath("page.js").read_text(encoding="utf-8")
    key = f"vl-convert {metadata.version('vl-convert-python')} {hashlib.sha256(source.encode()).hexdigest()}"
    path = find_cached_script()
    kept = None if path is None else _read_kept(path, key)
    if kept is not None:
        return kept
    import vl_convert

    script: str = vl_convert.javascript_bundle(source)
    if path is not None:
        _keep(path, key, script)
    return script


def find_cached_script() -> Path | None:
    """Where the script is kept; None for a user without a home folder."""
    folder = Path(os.environ.get(CACHE_VARIABLE, ""))
    if not folder.is_absolute():  # as its specification says
        try:
            folder = Path.home() / ".cache"
        except RuntimeError:
            return None
    return folder / "pocketbench" / FILE_NAME


def _read_kept(path: Path, key: str) -> str | None:
    """None where there is none, where it is of other versions, and where it is damaged."""
    try:
        head, _, script = path.read_bytes().partition(b"\n")
        return script.decode() if head == _make_head(key, script) else None
    except (OSError, UnicodeDecodeError):
        return None


def _keep(path: Path, key: str, script: str) -> None:
    content = script.encode()
    try:
        write_bytes(path, _make_head(key, content) + b"\n" + content)
    except FileFault:
        return  # the report is the same without


def _make_head(key: str, script: bytes) -> bytes:
    return f"// {key} {hashlib.sha256(script).hexdigest()}".encode()
