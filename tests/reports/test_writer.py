from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.reports import writer
from pocketbench.reports.table import make_table
from pocketbench.reports.writer import write_report
from tests.reports.synthetic import make_example


def test_report_is_five_files(tmp_path: Path) -> None:
    paths = write_report(make_table(*make_example()), tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["report.md", "report.csv", "report.json", "report.html", "report.tex"]
    assert all(path.stat().st_size > 1000 for path in paths)
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)


def test_a_failure_leaves_the_old_report_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(make_table([], [], []), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(_: object) -> str:
        raise RuntimeError("no chart")

    monkeypatch.setattr(writer, "format_html", fail)
    with pytest.raises(RuntimeError):
        write_report(make_table(*make_example()), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine", encoding="utf-8")
    with pytest.raises(FileFault, match="can't write"):
        write_report(make_table([], [], []), tmp_path / "report")
    assert (tmp_path / "report").read_text(encoding="utf-8") == "mine"
