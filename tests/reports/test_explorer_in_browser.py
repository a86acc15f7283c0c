"""What a reader does with the table of all results, in a real browser. What must be shown is found in the records, in
Python, and never read from the page's own script."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pocketbench.reports.commands import CommandLister
from pocketbench.reports.details import PartMaker
from pocketbench.reports.explorer import name_results
from pocketbench.reports.html import format_html
from pocketbench.reports.lines import FlatLine, make_lines
from pocketbench.reports.pareto import find_pareto_front
from pocketbench.reports.table import make_table
from tests.reports.paper_samples import make_suite_table
from tests.reports.synthetic import make_artifact, make_example
from tests.reports.test_explorer import judge_by_few
from tests.reports.test_html_in_browser import (
    LEAST_CONTRAST,
    MEASURE_CONTRASTS,
    PATIENCE_MS,
    Visit,
    browser,
    open_report,
)

pytestmark = pytest.mark.slow
__all__ = ["browser"]  # the fixture

TABLE = make_suite_table(widths=(1.0, 0.5))
LINES = make_lines(TABLE)
IDS = name_results(LINES)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(format_html(TABLE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def visit(browser: Browser, path: Path) -> Iterator[Visit]:
    visit = Visit(browser, path, 1280, "light")
    yield visit
    assert visit.complaints == []
    assert visit.requests == [path.as_uri()]


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page as it was when it was opened."""
    visit.page.evaluate("() => { location.hash = 'results=1' }")
    visit.page.wait_for_function("document.getElementById('reset').disabled")
    return visit.page


def list_shown(page: Page) -> list[int]:
    """The lines of the table from top to bottom, as indexes into LINES."""
    shown: list[int] = page.evaluate("[...document.querySelectorAll('#lines tr[data-line]')].map(e => +e.dataset.line)")
    return shown


def find(keep: Callable[[FlatLine], bool]) -> list[int]:
    return [index for index, line in enumerate(LINES) if keep(line)]


def choose(page: Page, key: str, value: str) -> None:
    page.locator(f".chip input[name={key}][value='{value}']").check()


def count_points(page: Page, figure: int) -> int:
    return page.locator(f"#figure-{figure} .mark-symbol.role-mark path").count()


def test_all_lines_are_there_at_first(page: Page) -> None:
    assert list_shown(page) == find(lambda _: True)
    assert page.locator("#count").inner_text() == f"{len(LINES)} results"
    assert count_points(page, 0) == len(find(lambda line: line.median_ns is not None))


def test_chips_of_one_kind_add_up_and_of_two_kinds_narrow_down(page: Page) -> None:
    choose(page, "attention", "ca")
    choose(page, "attention", "se")
    choose(page, "precision", "int8")
    expected = find(lambda line: line.attention in ("ca", "se") and line.precision == "int8")
    assert list_shown(page) == expected
    assert page.locator("#count").inner_text() == f"{len(expected)} of {len(LINES)} results shown"
    page.locator(".chip input[name=attention][value=se]").uncheck()
    assert list_shown(page) == find(lambda line: line.attention == "ca" and line.precision == "int8")


def test_plots_follow_the_filters(page: Page) -> None:
    choose(page, "precision", "int8")
    choose(page, "attention", "ca")
    shown = [LINES[index] for index in list_shown(page)]
    page.wait_for_function(f"document.querySelectorAll('#figure-0 .mark-symbol path').length === {len(shown)}")
    visible = page.locator(".figures figure:visible")
    assert visible.count() == len({line.runtime_name for line in shown})
    assert all("int8" in text for text in visible.locator("figcaption.head").all_inner_texts())


def test_the_front_is_of_what_is_shown(page: Page) -> None:
    choose(page, "runtime", "onnxruntime")
    page.locator("#search").fill("int8")
    shown = [LINES[index] for index in list_shown(page)]
    costs = [(line.median_ns or 0.0, line.top1_fraction or 0.0) for line in shown]
    expected = len(find_pareto_front(costs))
    assert 1 < expected < len(shown)
    page.wait_for_function(f"document.querySelectorAll('#figure-0 .mark-symbol path').length === {len(shown)}")
    filled = page.locator("#figure-0 .mark-symbol.role-mark path:not([fill='var(--surface)'])")
    assert filled.count() == expected


def test_bounds_leave_out_what_is_not_known(page: Page) -> None:
    page.locator("input[name=max-median]").fill("4")
    assert list_shown(page) == find(lambda line: line.median_ns is not None and line.median_ns <= 4e6)
    page.locator("input[name=min-measured]").fill("92")
    expected = find(
        lambda line: (line.median_ns or 9e9) <= 4e6 and line.top1_fraction is not None and line.top1_fraction >= 0.92
    )
    assert expected
    assert list_shown(page) == expected


def test_search_takes_every_word(page: Page) -> None:
    page.locator("#search").fill("CBAM  int8 litert")
    assert list_shown(page) == find(
        lambda line: line.attention == "cbam" and line.precision == "int8" and line.engine == "litert"
    )
    page.locator("#search").fill("nothing like that")
    assert list_shown(page) == []
    assert page.locator("#lines .nothing").is_visible()
    page.locator("#reset").click()
    assert len(list_shown(page)) == len(LINES)
    assert page.locator("#search").input_value() == ""


def test_heads_sort_numbers_as_numbers_and_leave_the_unknown_last(page: Page) -> None:
    page.locator("#group").select_option("none")
    head = page.locator("#lines th[data-key=median]")
    known = sorted(find(lambda line: line.median_ns is not None), key=lambda index: LINES[index].median_ns or 0.0)
    unknown = find(lambda line: line.median_ns is None)
    head.locator("button").click()
    assert (list_shown(page), head.get_attribute("aria-sort")) == ([*known, *unknown], "ascending")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    latencies = [LINES[index].median_ns for index in list_shown(page)]
    assert latencies == sorted((ns for ns in latencies if ns is not None), reverse=True) + [None] * len(unknown)
    head.locator("button").click()
    assert (list_shown(page), head.get_attribute("aria-sort")) == (find(lambda _: True), None)
    page.locator("#lines th[data-key=measured] button").click()  # the best first
    assert LINES[list_shown(page)[0]].top1_fraction == max(line.top1_fraction or 0 for line in LINES)


def test_groups_say_how_many_and_which_is_fastest(page: Page) -> None:
    page.locator("#group").select_option("attention")
    heads = page.locator("#lines tr.group th").all_inner_texts()
    assert [head.split()[0] for head in heads] == ["none", "se", "cbam", "ca"]
    members = [LINES[index] for index in find(lambda line: line.attention == "ca")]
    fastest = min(line.median_ns for line in members if line.median_ns is not None)
    assert f"{len(members)} results, fastest {fastest / 1e6:.3g} ms, best top-1 92.9 %" in heads[3]
    assert all(head.get_attribute("scope") == "rowgroup" for head in page.locator("#lines tr.group th").all())


def test_the_best_of_a_group_saw_all_pictures(browser: Browser, tmp_path: Path) -> None:
    page = open_report(browser, judge_by_few(TABLE), tmp_path).page
    page.locator("#group").select_option("attention")
    heads = page.locator("#lines tr.group th").all_inner_texts()
    best = max(line.top1_fraction or 0 for line in LINES if line.attention is None)
    assert f"best top-1 {100 * best:.1f} %" in heads[0]


def test_a_view_is_a_link(page: Page, browser: Browser) -> None:
    choose(page, "attention", "ca")
    page.locator("input[name=max-median]").fill("5")
    page.locator("#group").select_option("precision")
    page.locator("#lines th[data-key=size] button").click()
    page.locator("#colour").select_option("precision")
    address, shown = page.url, list_shown(page)
    assert address.endswith("#attention=ca&max-median=5&group=precision&sort=size&colour=precision")
    other = browser.new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(address)
    assert list_shown(other) == shown
    assert other.locator(".chip input[name=attention][value=ca]").is_checked()
    assert other.locator("input[name=max-median]").input_value() == "5"
    assert other.locator("#colour").input_value() == "precision"
    other.close()


@pytest.mark.parametrize(
    "hash",
    ["attention=%3Cscript%3E&sort=nothing&group=x&max-median=NaN&axis=y&colour=z", "note-1", "result-none", "%E0%A4%A"],
)
def test_an_address_that_makes_no_sense_shows_everything(browser: Browser, path: Path, hash: str) -> None:
    other = browser.new_page()
    other.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    other.on("pageerror", lambda error: errors.append(str(error)))
    other.goto(f"{path.as_uri()}#{hash}")
    assert len(list_shown(other)) == len(LINES)
    assert errors == []
    other.close()


def test_a_click_on_a_point_shows_its_line(page: Page) -> None:
    choose(page, "attention", "ca")
    choose(page, "precision", "int8")
    choose(page, "runtime", "litert")
    choose(page, "network", "mobilenet_v2 0.5, 224 x 224")
    (index,) = list_shown(page)
    page.wait_for_function("document.querySelectorAll('#figure-0 .mark-symbol path').length === 1")
    page.locator("#figure-0 .mark-symbol path").click()
    assert page.locator("#result[open]").get_attribute("data-result") == IDS[index]
    assert page.url.endswith(f"#{IDS[index]}")


def test_a_click_on_a_point_of_one_runtime_shows_its_line(page: Page) -> None:
    figure = page.locator(".figures figure", has_text="litert, 1 thread, tflite int8").first
    figure.locator(".mark-symbol path").first.click()
    line = LINES[IDS.index(page.locator("#result[open]").get_attribute("data-result") or "")]
    assert (line.engine, line.precision) == ("litert", "int8")


def find_ca() -> int:
    (index,) = find(
        lambda line: (line.attention, line.precision, line.engine) == ("ca", "fp32", "litert") and "1.0" in line.network
    )
    return index


def test_details_hold_what_the_records_hold(page: Page) -> None:
    line = LINES[find_ca()]
    page.locator(f"#lines a[href='#{IDS[find_ca()]}']").click()
    text = page.locator("#result").inner_text()
    facts = line.file.graph_facts
    assert facts is not None
    assert line.latency is not None
    for expected in (
        f"{line.latency.median_ns / 1e6:.3g} ms",
        ", ".join(f"{ns / 1e6:.3g}" for ns in line.latency.session_medians_ns) + " ms",
        "10,000 of 10,000",
        "99.8 %",
        "92.9 %",
        f"{facts.parameter_count:,}",
        "99 CONV_2D",
        "on 4 inputs",
        "Example CPU 3000",
        "performance",
        "virtual_machine",
        line.file.sha256 or "",
    ):
        assert expected in text, expected
    kinds = page.locator("#result table").first.inner_text()
    assert "multiply" in kinds
    assert "between operators" in kinds
    page.locator("#result summary", has_text="By stage").click()
    assert "features.1.conv.6" in page.locator("#result details").inner_text()
    commands = [shlex.split(text) for text in page.locator("#result pre").all_inner_texts()]
    assert [command[:2] for command in commands] == [
        ["pocketbench", verb] for verb in ("export", "export", "profile", "accuracy", "report")
    ]


def test_keyboard_alone_opens_steps_and_closes(page: Page) -> None:
    links = page.locator("#lines th[scope=row] a")
    links.nth(0).focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#result")
    assert dialog.get_attribute("data-result") == IDS[0]
    assert dialog.evaluate("e => e.contains(document.activeElement)")
    assert dialog.evaluate("e => document.getElementById(e.getAttribute('aria-labelledby')).textContent") == "baseline"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # the next one
    assert dialog.get_attribute("data-result") == IDS[1]
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.hash") == f"#{IDS[1]}"
    page.locator("#lines th[data-key=median] button").focus()
    page.keyboard.press("Space")
    assert page.locator("#lines th[data-key=median]").get_attribute("aria-sort") == "ascending"
    page.locator(".chip input[name=attention][value=se]").focus()
    page.keyboard.press("Space")
    assert {LINES[index].attention for index in list_shown(page)} == {"se"}


def test_a_point_says_what_it_is_of(page: Page) -> None:
    said = page.locator("#figure-0 .mark-symbol.role-mark path").evaluate_all(
        "es => es.map(({ __data__: { datum } }) => [datum.line, datum.name, datum.where])"
    )
    assert len(said) > 10
    for index, name, where in said:
        line = LINES[index]
        assert (name, where) == (line.row.label, f"{line.network}, {line.runtime_name}")


@pytest.mark.parametrize("index", [1, len(LINES) // 2, len(LINES) - 1])
def test_what_articles_share_is_shown_in_each(page: Page, index: int) -> None:
    """The page holds it once; the records say what has to be there."""
    page.evaluate("id => { location.hash = id }", IDS[index])
    dialog = page.locator("#result[open]")
    dialog.wait_for()
    page.wait_for_function("id => document.getElementById('result').dataset.result === id", arg=IDS[index])
    parts = PartMaker(TABLE).make(LINES[index])
    assert sorted(dialog.locator("h4").all_inner_texts()) == sorted([*(part.title for part in parts), "Make it again"])
    facts = dialog.locator("dd").all_inner_texts()
    assert facts == [value for part in parts for _, value in part.properties]
    sentences = dialog.locator("section:not(.commands) li").all_inner_texts()
    assert sentences == [sentence for part in parts for sentence in part.sentences]
    commands = CommandLister(TABLE).list_commands(LINES[index])
    assert dialog.locator(".commands li p").all_inner_texts() == [command.purpose for command in commands]
    assert dialog.locator("pre").all_inner_texts() == [command.text for command in commands if command.text is not None]
    assert dialog.locator("a.same, [id^=part-]").count() == 0
    page.keyboard.press("Escape")


def test_closing_details_keeps_the_filters(page: Page) -> None:
    choose(page, "attention", "ca")
    shown = list_shown(page)
    page.locator("#lines th[scope=row] a").first.click()
    page.locator("#result .close").click()
    assert list_shown(page) == shown
    assert page.url.endswith("#attention=ca")


def test_a_line_is_a_link(browser: Browser, path: Path) -> None:
    other = browser.new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(f"{path.as_uri()}#{IDS[3]}")
    assert other.locator("#result[open]").get_attribute("data-result") == IDS[3]
    other.keyboard.press("Escape")
    assert len(list_shown(other)) == len(LINES)
    other.close()


def test_other_axes_can_be_drawn(page: Page) -> None:
    page.locator("#axis").select_option("size")
    assert page.locator("#y-title").inner_text() == "file size, MB"
    page.locator("#axis").select_option("published")
    expected = len(find(lambda line: line.published_fraction is not None and line.median_ns is not None))
    page.wait_for_function(f"document.querySelectorAll('#figure-0 .mark-symbol path').length === {expected}")


def test_error_bars_go_both_ways(page: Page) -> None:
    lines = page.locator("#figure-0 .mark-rule.role-mark line")
    boxes = [
        (abs(float(line.get_attribute("x2") or 0)), abs(float(line.get_attribute("y2") or 0))) for line in lines.all()
    ]
    assert len([box for box in boxes if box[0] > 0 and box[1] == 0]) == count_points(page, 0)
    assert len([box for box in boxes if box[1] > 0 and box[0] == 0]) == count_points(page, 0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_details_fit_and_can_be_read(browser: Browser, path: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, path, width, scheme)
    page = visit.page
    page.evaluate("id => { location.hash = id }", IDS[find_ca()])
    page.locator("#result[open]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#result").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.locator("#result").evaluate("e => e.scrollWidth <= e.clientWidth")
    worst = min(page.evaluate(MEASURE_CONTRASTS), key=lambda item: item["contrast"])
    assert worst["contrast"] >= LEAST_CONTRAST, worst
    assert visit.complaints == []
    page.close()


def test_heads_and_names_stay_in_view(browser: Browser, path: Path) -> None:
    page = Visit(browser, path, 390, "light").page
    frame = page.locator(".explorer .scroll")
    frame.evaluate("e => e.scrollTo(e.scrollWidth, 400)")
    top = frame.bounding_box()
    head = page.locator("#lines thead th").first.bounding_box()
    assert top is not None
    assert head is not None
    assert abs(head["y"] - top["y"]) < 3
    assert abs(head["x"] - top["x"]) < 3
    assert page.locator("#lines thead th").last.evaluate("e => getComputedStyle(e).position") == "sticky"
    page.close()


def test_without_javascript_it_is_a_plain_table(browser: Browser, path: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#lines tr[data-line]").count() == len(LINES)
    assert not page.locator("#tools").is_visible()
    assert not page.locator(".plot").is_visible()
    page.locator(f"#lines a[href='#{IDS[0]}']").click()
    article = page.locator(f"[id='{IDS[0]}']")
    assert article.is_visible()
    assert "pocketbench export" in article.inner_text()
    context.close()


def test_many_lines_come_in_lots(browser: Browser, tmp_path: Path) -> None:
    count = 450
    files = [make_artifact(None, "onnx", file_name=f"{number}.onnx", size_bytes=number) for number in range(count)]
    table = make_table(files, [], [])
    path = tmp_path / "report.html"
    path.write_text(format_html(table), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.locator("#lines tr[data-line]").count() == 100
    assert page.locator("#count").inner_text() == f"{count} results"
    page.locator("#lines .more button").evaluate("e => e.click()")
    assert page.locator("#lines tr[data-line]").count() == 200
    page.locator("#lines th[data-key=size] button").click()
    assert page.locator("#lines tr[data-line]").count() == 100
    assert page.locator("#lines tr[data-line] a").nth(10).inner_text() == "10.onnx"
    page.locator("#lines .more").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('#lines tr[data-line]').length >= 200")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#lines tr[data-line]").count() == count
    page.close()


def test_a_foreign_name_is_text_in_its_details(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(format_html(make_table(*make_example())), encoding="utf-8")
    visit = Visit(browser, path, 1280, "light")
    visit.page.get_by_role("link", name="<script>alert(1)</script>|*.onnx").click()
    assert "<script>alert(1)</script>|*.onnx" in visit.page.locator("#result").inner_text()
    assert visit.page.locator("#result script").count() == 0
    assert visit.complaints == []
    visit.page.close()
