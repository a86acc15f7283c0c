import json
import re
from html.parser import HTMLParser

from pocketbench.reports.html import format_html
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_accuracy, make_artifact, make_example, make_sessions, make_spec

SCRIPT_COUNT = 4  # the points, what filters and draws them, the charts, and the library that draws
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Collects what a browser would see: texts, elements, addresses; fails on elements that are not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.targets.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not set(self.open) & {"script", "style"}:
            self.texts.append(data)


def make_page() -> str:
    return format_html(make_table(*make_example()))


def test_page_is_small_whole_and_points_only_into_itself() -> None:
    page = make_page()
    assert len(page.encode()) < 2_000_000
    outline = Outline(page)
    assert all(target.startswith(("#note-", "#result-", "#part-")) for target in outline.targets)
    assert {target.removeprefix("#") for target in outline.targets} <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.handlers == []
    assert outline.tags.count("h1") == 1


def test_a_name_that_is_markup_is_text() -> None:
    outline = Outline(make_page())
    assert "<script>alert(1)</script>|*.onnx" in outline.texts
    assert outline.tags.count("script") == SCRIPT_COUNT


def test_everything_foreign_is_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">&amp;\'"'
    file = make_artifact(None, "onnx", file_name=evil)
    other = make_artifact(make_spec(backbone=evil, block=evil, gate=evil))
    base = make_artifact(make_spec(backbone=evil))
    results = [run for item in (file, other, base) for run in make_sessions(item, 5.0, engine=evil)]
    accuracy = make_accuracy(0.5, backbone=evil, source=evil, dataset=evil)
    page = format_html(make_table([], results, [accuracy], title=evil))
    outline = Outline(page)
    assert "img" not in outline.tags
    assert outline.handlers == []
    assert outline.texts.count(evil) >= 3


def test_a_name_can_not_end_the_script() -> None:
    evil = "</script><script>alert(1)</script>"
    files = [make_artifact(None, "onnx", file_name=f"{evil}{index}") for index in range(2)]
    page = format_html(make_table([], [run for file in files for run in make_sessions(file, 5.0, engine=evil)], []))
    outline = Outline(page)
    assert outline.tags.count("script") == SCRIPT_COUNT
    for name, text in {"points": evil, "charts": f"{evil}0"}.items():
        (data,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
        assert text in json.dumps(json.loads(data))


def test_a_report_without_points_says_so_and_carries_no_library() -> None:
    page = format_html(make_table([make_artifact(make_spec())], [], []))
    outline = Outline(page)
    assert outline.tags.count("script") == 1  # the filters of the table
    assert any(text.startswith("No plot: ") for text in outline.texts)
    assert len(page) < 60_000


def test_an_empty_report_is_a_page() -> None:
    assert "Nothing to report" in Outline(format_html(make_table([], [], []))).texts
