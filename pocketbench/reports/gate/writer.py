"""The gate's report on disk, in every format, and on the page of a GitHub job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.core.gate_records import GateReport
from pocketbench.core.jsonio import dump_record, write_texts
from pocketbench.reports.gate.benchmark_action import format_benchmark_action
from pocketbench.reports.gate.bmf import format_bmf
from pocketbench.reports.gate.comment import format_comment
from pocketbench.reports.gate.junit import format_junit
from pocketbench.reports.gate.otava import format_otava
from pocketbench.reports.gate.summary import format_summary

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
STEP_SUMMARY_LIMIT = 1024 * 1024
"""GitHub shows no summary of a step that is larger. Unit: bytes."""

_CUT = "\n\n</details>\n\n**The summary is cut here: a step may show 1 MiB. The rest is in the report's files.**\n"


def write_gate_files(report: GateReport, folder: Path) -> list[Path]:
    """Write the report in all formats; all are made before the first is written.

    Raises:
        FileFault: when the folder can't be written.
    """
    texts = {
        "summary.md": format_summary(report),
        "comment.md": format_comment(report),
        "junit.xml": format_junit(report),
        "gate.json": dump_record(report) + "\n",
        "bencher.json": format_bmf(report),
        "github-action-benchmark.json": format_benchmark_action(report),
        "otava.csv": format_otava(report),
    }
    return write_texts(folder, texts)


def append_step_summary(text: str, environ: Mapping[str, str]) -> bool:
    """Add the text to the page of the job, where there is one, and say whether there is.

    Raises:
        FileFault: when the file that $GITHUB_STEP_SUMMARY names can't be written.
    """
    path = environ.get(STEP_SUMMARY)
    if not path:
        return False
    try:
        with Path(path).open("ab") as stream:
            stream.write(cut_text(text, STEP_SUMMARY_LIMIT - stream.tell()).encode())
    except OSError as error:
        raise FileFault(
            f"can't write {path}: {error.strerror or error}", f"unset {STEP_SUMMARY}, or let it name a file"
        ) from error
    return True


def cut_text(text: str, limit: int) -> str:
    """The first lines that fit into `limit` bytes with a note that there were more; all of it where it fits.

    Raises nothing and gives "" where not even the note fits.
    """
    data = text.encode()
    if len(data) <= limit:
        return text
    room = limit - len(_CUT)
    return data[: max(0, data.rfind(b"\n", 0, room))].decode() + _CUT if room >= 0 else ""
