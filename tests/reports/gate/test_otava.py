import csv
import io
import re

from pocketbench.core.gate_records import GateReport
from pocketbench.reports.gate.otava import format_otava
from tests.reports.gate.sample import make_cell, make_hostile, make_mixed, make_report


def read_rows(report: GateReport) -> list[list[str]]:
    return list(csv.reader(io.StringIO(format_otava(report))))


def test_a_row_a_run() -> None:
    assert read_rows(make_report(make_cell("pass", "net", 1.01))) == [
        ["time", "commit", "net.tflite.litert-1-thread.ms", "net.tflite.litert-1-thread.ratio"],
        ["2026-03-01T11:00:00+01:00", "9f8e7d6c5b4a", "5.05", "1.01"],
    ]


def test_every_metric_is_a_number() -> None:
    heads, values = read_rows(make_mixed())
    assert len(heads) == len(values) == len(set(heads))
    assert [float(value) for value in values[2:]]
    assert "steady_net.tflite.size_bytes" in heads


def test_the_columns_stay_when_a_verdict_changes() -> None:
    good = make_report(make_cell("pass", "a", 1.0), make_cell("pass", "b", 1.0))
    bad = make_report(make_cell("pass", "a", 1.0), make_cell("regressed", "b", 1.2))
    assert read_rows(good)[0] == read_rows(bad)[0]


def test_a_column_needs_no_quotes_and_is_no_formula() -> None:
    heads, values = read_rows(make_hostile())
    assert all(re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._-]*", head) for head in heads)
    assert len(heads) == len(values)


def test_an_empty_report_has_a_time_and_a_commit() -> None:
    assert [len(row) for row in read_rows(make_report())] == [2, 2]


def test_a_file_that_is_called_like_a_formula_is_none() -> None:
    report = make_report(make_cell("pass", "=1+2", 1.0), make_cell("pass", "-x", 1.0))
    assert [head[0] for head in read_rows(report)[0][2:]] == ["x", "x", "1", "1"]
