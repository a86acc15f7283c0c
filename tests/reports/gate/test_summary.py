from html.parser import HTMLParser

from markdown_it import MarkdownIt

from pocketbench.core.gate_records import GateReport
from pocketbench.reports.gate import summary
from pocketbench.reports.gate.comment import format_comment
from pocketbench.reports.gate.summary import format_summary
from tests.reports.gate.sample import HOSTILE, make_cell, make_hostile, make_mixed, make_regressed, make_report

PARTITIONS = "head has 3 partitions of the delegate, base 1: more than base"
OUR_TAGS = {"h2", "h3", "p", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td"} | {
    *("details", "summary", "span")
}


class Page(HTMLParser):
    """The tags, the text, and the rows of the tables of a page."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.comments: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._is_cell = False
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = self._is_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_cell:
            self.tables[-1][-1][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def find_table(page: Page, head: str) -> list[list[str]]:
    (table,) = [table for table in page.tables if table[0][0] == head]
    return table[1:]


def test_the_cells_that_need_a_look_stand_first_and_the_others_in_a_fold() -> None:
    text = format_summary(make_mixed())
    assert text.startswith("## Speed gate: failed: 1 of 7 cells, missing: 1, regressed: 1")
    shown, folded = (table for table in Page(text).tables if table[0][0] == "Model")
    assert [row[2] for row in shown[1:]] == ["failed", "missing", "regressed", "inconclusive", "improved"]
    assert [row[2] for row in folded[1:]] == ["pass", "pass"]
    assert text.index("<summary>2 cells passed</summary>") < text.index("| steady_net.tflite |")


def test_a_row_has_ratio_interval_limit_what_was_detectable_and_the_reason() -> None:
    page = Page(format_summary(make_report(make_regressed())))
    (table,) = [table for table in page.tables if table[0][0] == "Model"]
    assert table == [
        ["Model", "Engine", "Verdict", "Ratio", "99 % interval", "Limit", "Detectable", "Reason"],
        [
            *("slow_net.tflite", "litert, 1 thread", "regressed", "x1.083", "1.071 to 1.095", "x1.030", "x1.051"),
            "8.3 % slower than base, 3 % are allowed",
        ],
    ]


def test_a_regressed_cell_says_where() -> None:
    page = Page(format_summary(make_report(make_regressed())))
    assert find_table(page, "Check") == [["partition_count", "1", "3", "1", PARTITIONS]]
    assert find_table(page, "Time by block") == [
        ["features.3.attention", "0.500", "0.900", "+0.400 (x1.800)"],
        ["features.9.pool", "", "0.100", "new"],
    ]
    assert len(find_table(page, "Time by operator")) == 10
    assert "And 2 more." in page.text
    assert find_table(page, "Operators in the file") == [["TRANSPOSE", "0", "4", "+4"]]


def test_conditions_machine_and_tools_are_told() -> None:
    page = Page(format_summary(make_report(make_regressed())))
    assert "Load average: 0.25 before, 1.50 after" in page.text
    assert "Processor: Example CPU 3000" in page.text
    assert find_table(page, "Tool") == [["ai-edge-litert", "2.3.0", "2.4.0"], ["litert-torch", "none", "0.10.0"]]


def test_checks_for_information_are_in_a_fold() -> None:
    page = Page(format_summary(make_mixed()))
    assert ["steady_net.tflite", "size_bytes", "100", "110", "none", "head has 110 bytes, base 100"] in find_table(
        page, "Of"
    )


def test_a_report_of_passes_opens_its_table() -> None:
    text = format_summary(make_report(make_cell("pass", "net", 1.0)))
    assert "<details open>\n<summary>1 cell passed</summary>" in text


def test_an_empty_report_is_a_page() -> None:
    text = format_summary(make_report())
    assert text.startswith("## Speed gate: pass: no cell was compared\n")
    assert Page(text).tables == []


def test_what_is_wrong_everywhere_is_told_for_some() -> None:
    cells = [make_cell("regressed", f"net{index}", 1.1) for index in range(summary.DETAIL_LIMIT + 5)]
    text = format_summary(make_report(*cells))
    assert text.count("\n### ") == summary.DETAIL_LIMIT
    assert "And 5 more, which are in gate.json." in text


def check_harmless(text: str, report: GateReport) -> None:
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= OUR_TAGS
    allowed = {"style", "open"}  # of a table's column, and of a fold
    assert {name for _, attributes in page.tags for name in attributes} <= allowed
    assert all(len(row) == len(table[0]) for table in page.tables for row in table)
    for trigger in ("@octocat", "#7", "http://", "\u202e", "\x1b"):
        assert trigger not in page.text
    # what is shown is the name itself
    shown = page.text.replace("\u200b", "")
    assert "a|b`c`<img src=x onerror=alert(1)>*x*[l](http://evil.example) # head ?[2J@octocat #7 ?$x$ ?" in shown
    assert text.encode()
    assert HOSTILE in report.base


def test_a_hostile_name_is_text() -> None:
    report = make_hostile()
    check_harmless(format_summary(report), report)


def test_a_hostile_name_is_text_in_a_comment() -> None:
    report = make_hostile()
    text = format_comment(report)
    check_harmless(text, report)
    assert Page(text).comments == [" pocketbench-gate "]
