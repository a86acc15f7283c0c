from pathlib import Path

import pytest

from pocketbench.cli.gate_view import show_report
from pocketbench.core.errors import FileFault
from pocketbench.core.gate_records import GateReport
from pocketbench.core.jsonio import parse_record
from tests.reports.gate.sample import make_hostile, make_mixed


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_the_verdict_goes_to_stdout_and_the_place_of_the_files_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_report(make_mixed(), as_json=False, folder=tmp_path / "report")
    captured = capsys.readouterr()
    assert captured.out.startswith("failed: 1 of 7 cells")
    assert str(tmp_path / "report") in captured.err
    assert "junit.xml" in captured.err
    assert (tmp_path / "report" / "junit.xml").is_file()


def test_json_is_the_only_thing_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(make_hostile(), as_json=True, folder=tmp_path)
    assert parse_record(capsys.readouterr().out, GateReport, "stdout") == make_hostile()


def test_the_page_of_the_job_gets_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))
    show_report(make_mixed(), as_json=False, folder=tmp_path / "report")
    assert (tmp_path / "page").read_text() == (tmp_path / "report" / "summary.md").read_text()


def test_a_folder_that_can_not_be_written_does_not_hide_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFault):
        show_report(make_mixed(), as_json=False, folder=tmp_path / "file")
    assert capsys.readouterr().out.startswith("failed: 1 of 7 cells")
