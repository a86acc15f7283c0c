from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.core.gate_records import GateReport
from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.reports.gate.writer import STEP_SUMMARY_LIMIT, append_step_summary, cut_text, write_gate_files
from tests.reports.gate.sample import make_hostile, make_mixed, make_report


@pytest.mark.parametrize("report", [make_mixed(), make_hostile(), make_report()], ids=["mixed", "hostile", "empty"])
def test_all_formats_of_any_report_are_written(report: GateReport, tmp_path: Path) -> None:
    paths = write_gate_files(report, tmp_path / "gate" / "report")
    assert [path.name for path in paths] == [
        *("summary.md", "comment.md", "junit.xml", "gate.json", "bencher.json"),
        *("github-action-benchmark.json", "otava.csv"),
    ]
    assert all(path.read_text(encoding="utf-8") for path in paths)
    text = (tmp_path / "gate" / "report" / "gate.json").read_text()
    assert parse_record(text, GateReport, "gate.json") == report


def test_the_json_form_gives_the_report_back() -> None:
    for report in (make_mixed(), make_hostile(), make_report()):
        assert parse_record(dump_record(report), GateReport, "stdout") == report


def test_the_summary_is_added_to_the_job(tmp_path: Path) -> None:
    page = tmp_path / "summary"
    page.write_text("before\n")
    assert append_step_summary("ours\n", {"GITHUB_STEP_SUMMARY": str(page)})
    assert page.read_text() == "before\nours\n"


@pytest.mark.parametrize("environ", [{}, {"GITHUB_STEP_SUMMARY": ""}])
def test_elsewhere_there_is_no_summary(environ: dict[str, str]) -> None:
    assert not append_step_summary("ours\n", environ)


def test_a_summary_that_can_not_be_written_is_an_error_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="can't write"):
        append_step_summary("ours\n", {"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "summary")})


def test_the_page_of_a_job_never_grows_beyond_what_github_shows(tmp_path: Path) -> None:
    page = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(page)}
    append_step_summary("before\n" * 10, environ)
    append_step_summary("é line\n" * 200_000, environ)
    data = page.read_bytes()
    assert STEP_SUMMARY_LIMIT - 100 < len(data) <= STEP_SUMMARY_LIMIT
    text = data.decode()
    assert "é line\n\n</details>\n\n**The summary is cut here" in text
    append_step_summary("more\n" * 100, environ)
    assert len(page.read_bytes()) <= STEP_SUMMARY_LIMIT


def test_a_text_is_cut_between_lines_only() -> None:
    text = "line\n" * 100
    assert cut_text(text, 500) == text
    assert cut_text(text, 400).startswith("line\n" * 10)
    assert "lin\n" not in cut_text(text, 399)
    assert cut_text(text, 20) == ""
