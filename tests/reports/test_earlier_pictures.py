from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.reports.csv_json import format_json
from pocketbench.reports.earlier_pictures import read_earlier_report, remove_earlier_pictures
from pocketbench.reports.figure_files import name_figure_files
from pocketbench.reports.figures import make_figures
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from pocketbench.reports.writer import write_report_and_pictures
from tests.reports.synthetic import make_accuracy, make_artifact, make_sessions, make_spec

LITERT = {"report-litert-1-thread-tflite-fp32.svg", "report-litert-1-thread-tflite-fp32.png"}
TWO_THREADS = {"report-litert-2-threads-tflite-fp32.svg", "report-litert-2-threads-tflite-fp32.png"}
USERS = {
    "report-litert-2-threads-tflite-fp32-paper.svg",
    "report-litert-2-threads-tflite-fp32.pdf",
    "report-final.png",
    "Report-litert.svg",
    "notes.txt",
}


def make_small_table(*thread_counts: int) -> Table:
    file, other = make_artifact(make_spec()), make_artifact(make_spec("se"))
    results = [
        replace(run, plan=replace(run.plan, thread_count=count))
        for count in thread_counts
        for place, each in enumerate((file, other))
        for run in make_sessions(each, 4.0 + place)
    ]
    measured = {"origin": "measured", "dataset": "flowers", "split": "test", "image_count": 100}
    return make_table(
        [], results, [make_accuracy(0.9, artifact_sha256=each.sha256, **measured) for each in (file, other)]
    )


def list_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith("report.")}


def test_pictures_of_a_runtime_that_is_gone_go_and_nothing_else(tmp_path: Path) -> None:
    write_report_and_pictures(make_small_table(1, 2), tmp_path)
    assert list_names(tmp_path) == LITERT | TWO_THREADS
    for name in USERS:
        (tmp_path / name).write_text("the user's", encoding="utf-8")
    paths = write_report_and_pictures(make_small_table(1), tmp_path)
    assert list_names(tmp_path) == LITERT | USERS
    assert all(path.exists() for path in paths)
    assert all((tmp_path / name).read_text(encoding="utf-8") == "the user's" for name in USERS)


@pytest.mark.parametrize("earlier", [None, "", "{}", '{"format": 99, "kind": "Table", "data": {}}'])
def test_without_a_report_that_says_what_it_wrote_nothing_goes(tmp_path: Path, earlier: str | None) -> None:
    for name in TWO_THREADS:
        (tmp_path / name).write_text("who knows whose", encoding="utf-8")
    if earlier is not None:
        (tmp_path / "report.json").write_text(earlier, encoding="utf-8")
    assert read_earlier_report(tmp_path) == earlier
    remove_earlier_pictures(earlier, tmp_path, [])
    assert list_names(tmp_path) == TWO_THREADS


def test_a_folder_in_the_place_of_a_picture_is_said(tmp_path: Path) -> None:
    table = make_small_table(2)
    (name,) = name_figure_files([figure.title for figure in make_figures(table)])
    (tmp_path / f"{name}.svg").mkdir()
    with pytest.raises(FileFault, match=r"can't remove .*2-threads"):
        remove_earlier_pictures(format_json(table), tmp_path, [])
