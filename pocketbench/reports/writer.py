"""The report on disk, in five forms of the same table, and its figures as pictures."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.garbage import paused_collection
from pocketbench.core.jsonio import write_texts
from pocketbench.reports.csv_json import format_csv, format_json
from pocketbench.reports.earlier_pictures import read_earlier_report, remove_earlier_pictures
from pocketbench.reports.figure_files import make_pictures, write_pictures
from pocketbench.reports.html import format_html
from pocketbench.reports.latex import format_latex
from pocketbench.reports.markdown import format_markdown
from pocketbench.reports.paper_layout import make_paper_table
from pocketbench.reports.picture_process import drawing_beside
from pocketbench.reports.records import Table


def write_report_and_pictures(table: Table, folder: Path) -> list[Path]:
    """`write_report`, then report-RUNTIME.svg and report-RUNTIME.png of each figure; they are drawn meanwhile. Those of
    the earlier report in the folder that are not written again are removed.

    Raises:
        FileFault: when the folder can't be written.
    """
    earlier = read_earlier_report(folder)
    with drawing_beside(make_pictures(table)) as finish:
        paths = write_report(table, folder)
        pictures = write_pictures(finish(), folder)
    remove_earlier_pictures(earlier, folder, pictures)
    return [*paths, *pictures]


def write_report(table: Table, folder: Path) -> list[Path]:
    """Write report.md, report.csv, report.json, report.html and report.tex; each appears whole or not at all.

    All are made before the first is written: a failure leaves the old report as it was.

    Raises:
        FileFault: when the folder can't be written.
    """
    with paused_collection():
        texts = {
            "report.md": format_markdown(table),
            "report.csv": format_csv(table),
            "report.json": format_json(table),
            "report.html": format_html(table),
            "report.tex": format_latex(make_paper_table(table)),
        }
    return write_texts(folder, texts)
