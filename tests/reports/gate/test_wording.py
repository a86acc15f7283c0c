from dataclasses import replace

import pytest

from pocketbench.core.gate_records import CellVerdict
from pocketbench.reports.gate.wording import flatten_text, format_headline, name_cell, name_sides, sort_cells
from tests.reports.gate.sample import HOSTILE, make_cell, make_key, make_mixed, make_report


@pytest.mark.parametrize(
    ("cells", "headline"),
    [
        ([], "pass: no cell was compared"),
        ([make_cell("pass", "a")], "pass: 1 of 1 cell"),
        ([make_cell("pass", "a"), make_cell("pass", "b")], "pass: all 2 cells"),
        ([make_cell("pass", "a"), make_cell("regressed", "b")], "regressed: 1 of 2 cells"),
        ([make_cell("pass", "a"), make_cell("improved", "b")], "improved: 1 of 2 cells"),
        ([make_cell("missing", "a"), make_cell("missing", "b")], "missing: all 2 cells"),
        (make_mixed().cells, "failed: 1 of 7 cells, missing: 1, regressed: 1, inconclusive: 1, improved: 1"),
    ],
)
def test_the_headline_counts_what_is_not_a_plain_pass(cells: list[CellVerdict], headline: str) -> None:
    assert format_headline(make_report(*cells)) == headline


def test_the_headline_says_that_inconclusive_cells_were_let_through() -> None:
    report = make_report(make_cell("inconclusive", "a", 1.0))
    assert format_headline(report) == "inconclusive: 1 of 1 cell"
    assert format_headline(replace(report, exit_code=0)).endswith("(inconclusive cells are let through)")


def test_the_worst_cell_comes_first_and_the_slowest_of_equals() -> None:
    cells = [
        make_cell("pass", "a", 1.0),
        make_cell("regressed", "b", 1.1),
        make_cell("missing", "c"),
        make_cell("regressed", "d", 1.2),
    ]
    assert [cell.key.model for cell in sort_cells(cells)] == ["c", "d", "b", "a"]


def test_names_do_not_hang_on_the_runner() -> None:
    assert name_cell(make_key("net")) == name_cell(make_key("net", device_id="host-fedcba987654"))
    assert name_cell(make_key("net")) == "net.tflite on litert, 1 thread"


def test_names_tell_phones_files_and_threads_apart() -> None:
    assert name_cell(make_key("net", thread_count=4, device_id="pixel-7")) == "net.tflite on litert, 4 threads, pixel-7"
    assert name_cell(make_key("net", engine=None)) == "net.tflite"
    assert name_cell(make_key("net", engine=None, file_name="model.onnx")) == "net (model.onnx)"


def test_a_side_is_told_with_its_commit_once() -> None:
    assert name_sides(make_report()) == ("origin/main (1a2b3c4d)", "HEAD (9f8e7d6c)")
    assert name_sides(make_report(base="1a2b3c4", head="dir", head_commit=None)) == ("1a2b3c4", "dir")


def test_a_flat_text_is_printable_unicode() -> None:
    flat = flatten_text(HOSTILE)
    assert flat.isprintable()
    assert flat.encode()
    assert "\u202e" not in flat
