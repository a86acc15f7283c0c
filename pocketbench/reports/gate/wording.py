"""What a gate's report says in words, the same in every format; plain text that a format still has to escape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pocketbench.core.errors import one_line
from pocketbench.core.gate_records import VERDICTS, CellKey, CellVerdict, GateReport, Ratio
from pocketbench.core.units import format_ratio

RED_VERDICTS = ("failed", "missing", "regressed", "inconclusive")
"""A cell with one of these needs somebody to look at it."""


def flatten_text(text: str) -> str:
    """The text on one line, without what would move a cursor, turn the writing direction or be no Unicode character."""
    return "".join(character if character.isprintable() else "?" for character in one_line(text))


def format_headline(report: GateReport) -> str:
    """The verdict in words: "regressed: 1 of 6 cells, inconclusive: 2", "pass: all 6 cells"."""
    if not report.cells:
        return f"{report.verdict}: no cell was compared"
    counts = Counter(cell.verdict for cell in report.cells)
    first, *others = [verdict for verdict in VERDICTS if counts[verdict] and verdict != "pass"] or ["pass"]
    cells = "1 cell" if len(report.cells) == 1 else f"{len(report.cells)} cells"
    many = f"all {cells}" if counts[first] == len(report.cells) > 1 else f"{counts[first]} of {cells}"
    text = ", ".join([f"{first}: {many}", *(f"{verdict}: {counts[verdict]}" for verdict in others)])
    is_let_through = counts["inconclusive"] and report.exit_code == 0
    return f"{text} (inconclusive cells are let through)" if is_let_through else text


def sort_cells(cells: Iterable[CellVerdict]) -> list[CellVerdict]:
    """The worst verdict first; among equals the one that slowed down most."""
    return sorted(cells, key=lambda cell: (VERDICTS.index(cell.verdict), -_ratio_of(cell), name_cell(cell.key)))


def name_cell(key: CellKey) -> str:
    """A name that is the same in every run: "net.tflite on litert, 1 thread"; of a file by itself, the file's."""
    return name_file(key) if key.engine is None else f"{name_file(key)} on {name_engine(key)}"


def name_file(key: CellKey) -> str:
    """The file's name, and the model's where the file is called otherwise."""
    return flatten_text(key.file_name if key.file_name.startswith(key.model) else f"{key.model} ({key.file_name})")


def name_engine(key: CellKey) -> str:
    """ "litert, 1 thread"; "file" for what was compared without running it.

    The identity of a host is left out: every runner of a CI service has another.
    """
    if key.engine is None:
        return "file"
    parts = [key.engine]
    if key.thread_count is not None:
        parts.append("1 thread" if key.thread_count == 1 else f"{key.thread_count} threads")
    if key.device_id is not None and key.device_id.partition("-")[0] != "host":
        parts.append(key.device_id)
    return flatten_text(", ".join(parts))


def name_sides(report: GateReport) -> tuple[str, str]:
    """Base and head, each with the beginning of its commit: "origin/main (1a2b3c4d)"."""
    return _name_side(report.base, report.base_commit), _name_side(report.head, report.head_commit)


def format_fine_ratio(ratio: float | None) -> str:
    """Three decimals: a gate decides about single percents. Empty where there is none."""
    return "" if ratio is None else format_ratio(ratio, digits=3)


def format_interval(ratio: Ratio) -> str:
    """ "1.071 to 1.095"; empty where there were too few observations."""
    return "" if ratio.low is None or ratio.high is None else f"{ratio.low:.3f} to {ratio.high:.3f}"


def name_interval(cells: Iterable[CellVerdict]) -> str:
    """The head of a column of intervals: "99 % interval"."""
    confidences = {cell.duel.ratio.confidence for cell in cells if cell.duel is not None}
    return f"{100 * confidences.pop():g} % interval" if len(confidences) == 1 else "interval"


def format_duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _name_side(name: str, commit: str | None) -> str:
    is_told = commit is None or commit.startswith(name)
    return flatten_text(name if is_told else f"{name} ({str(commit)[:8]})")


def _ratio_of(cell: CellVerdict) -> float:
    return cell.duel.ratio.value if cell.duel is not None else 0.0
