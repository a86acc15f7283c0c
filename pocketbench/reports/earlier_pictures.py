"""Pictures that an earlier report left in the folder of a new one, of figures that the new one has not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.reports.csv_json import parse_json
from pocketbench.reports.figure_files import name_picture_files
from pocketbench.reports.picture_process import PICTURE_SUFFIXES


def read_earlier_report(folder: Path) -> str | None:
    """The report.json in the folder, before a new one is written over it; None where none can be read."""
    try:
        return (folder / "report.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def remove_earlier_pictures(earlier: str | None, folder: Path, written: Iterable[Path]) -> None:
    """Remove the pictures that the earlier report wrote, by their names, and that were not written again.

    Other files are somebody else's, whatever they are called. A report.json that this version can't read says nothing
    about pictures, so none is removed.

    Raises:
        FileFault: when one can't be removed.
    """
    kept = {path.name for path in written}
    left = {
        path.name: path for path in folder.glob("report-*") if path.suffix in PICTURE_SUFFIXES and path.name not in kept
    }
    if earlier is None or not left:  # to name the figures of a large report takes time
        return
    try:
        names = name_picture_files(parse_json(earlier, "report.json"))
    except FileFault:
        return
    for name in left.keys() & names:
        try:
            left[name].unlink(missing_ok=True)
        except OSError as error:
            raise FileFault(
                f"can't remove {left[name]}: {error.strerror or error}", "remove it: its figure is gone"
            ) from error
