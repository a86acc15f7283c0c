from pathlib import Path

import pytest

from pocketbench.reports.markdown import escape_markdown, format_markdown
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_example

GOLDEN = Path(__file__).with_name("report.golden.md")


def test_the_report_is_the_golden_one(tmp_path: Path) -> None:
    artifacts, results, accuracies = make_example()
    text = format_markdown(make_table(artifacts, results, accuracies))
    made = tmp_path / "report.md"
    made.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"compare {made} with {GOLDEN}; copy it there if it is right"


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    artifacts, results, accuracies = make_example()
    columns = None
    tables = 0
    for line in format_markdown(make_table(artifacts, results, accuracies)).splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        cells = line.replace("\\|", "").count("|")
        tables += columns is None
        columns = columns or cells
        assert cells == columns, line
    assert tables == 5  # overview, the layout of papers, two runtimes, files


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("mobilenet_v2_1.0", "mobilenet_v2_1.0"),
        ("_emphasis_ a_", "\\_emphasis\\_ a\\_"),
        ("**x** `y` ~z~", "\\*\\*x\\*\\* \\`y\\` \\~z\\~"),
        ("a|b\nc", "a\\|b c"),
        ("<b> [l](u) &lt;", "\\<b\\> \\[l\\](u) &amp;lt;"),
        ("\\", "\\\\"),
        ("3.50 M", "3.50 M"),
    ],
)
def test_names_are_no_markup(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


def test_an_empty_report_says_so() -> None:
    text = format_markdown(make_table([], [], []))
    assert text.startswith("# Nothing to report\n")
    assert "Nothing was measured for this report." in text
