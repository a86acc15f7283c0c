"""The page in a real browser: what is drawn, in light and dark, on a desk and on a phone, without the network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pocketbench.reports.html import format_html
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_artifact, make_example, make_sessions, make_spec

pytestmark = pytest.mark.slow

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# WCAG 2.2, success criterion 1.4.3: the least contrast of text with what is behind it.
LEAST_CONTRAST = 4.5
PATIENCE_MS = 120_000  # a busy machine is no failure


def find_browser() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if (path := shutil.which(name)) is not None:
            return path
    pytest.fail("no browser to look at the report with: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page that was opened, with everything that it asked for or complained about."""

    def __init__(self, browser: Browser, path: Path, width: int, scheme: str) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("networkidle")
        for chart in self.page.locator(".chart").all():
            chart.locator("svg .mark-symbol path").first.wait_for()


def open_report(browser: Browser, table: Table, folder: Path, width: int = 1280, scheme: str = "light") -> Visit:
    path = folder / "report.html"
    path.write_text(format_html(table), encoding="utf-8")
    visit = Visit(browser, path, width, scheme)
    assert visit.complaints == []
    assert visit.requests == [path.as_uri()]
    return visit


def count_points(page: Page, figure: int) -> int:
    return page.locator(f"#figure-{figure} .mark-symbol.role-mark path").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_whole(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    visit = open_report(browser, make_table(*make_example()), tmp_path, width, scheme)
    page = visit.page
    assert page.title() == "Latency and accuracy of mobilenet_v2 and another file"
    assert page.locator(".chart svg").count() == 3
    # baseline and ca have a top-1; se has none, and the foreign file has none
    assert [count_points(page, figure) for figure in (0, 1, 2)] == [4, 2, 2]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in page.locator(".chart svg").all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["x"] + box["width"] <= width
    names = page.locator("#figure-1 .mark-text.role-mark text").all_text_contents()
    assert set(names) == {"baseline", "ca"}
    page.close()


def test_table_says_what_the_records_say(browser: Browser, tmp_path: Path) -> None:
    page = open_report(browser, make_table(*make_example()), tmp_path).page
    overview = page.locator("section", has=page.get_by_role("heading", name="Overview")).locator("table")
    lines = [row.locator("th, td").all_inner_texts() for row in overview.locator("tbody tr").all()]
    assert [line[0] for line in lines] == [
        "mobilenet_v2 1.0, 224 x 224",
        "baseline",
        "+ se (r 24)",
        "+ ca (r 32)",
        "Other files",
        "<script>alert(1)</script>|*.onnx",
    ]
    ca = [text.split("\n")[0] for text in lines[3]]
    assert ca == [
        *("+ ca (r 32)", "3.95 M", "306.7 M", "74.3 %1"),  # 1 and 4 are the numbers of notes
        *("8.374", "+3.63 (x1.77)", "5.58", "+0.950 (x1.20)", "15.9 MB", "15.9 MB"),
    ]
    assert lines[3][6].split("\n")[1] == "5.46 to 5.71"
    assert lines[2][4] == "–3"
    assert "SIGSEGV" in page.locator("#note-3").inner_text()
    page.close()


def test_phone_scrolls_the_table_and_not_the_page(browser: Browser, tmp_path: Path) -> None:
    page = open_report(browser, make_table(*make_example()), tmp_path, width=390).page
    container = page.get_by_role("region", name="Overview")
    assert container.evaluate("e => e.scrollWidth > e.clientWidth + 100")
    container.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    name = container.locator("tbody th", has_text="+ ca").first.bounding_box()
    assert name is not None
    assert 0 <= name["x"] < 40, "the names stay in view"
    assert page.evaluate("window.scrollX") == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, tmp_path: Path, scheme: str) -> None:
    page = open_report(browser, make_table(*make_example()), tmp_path, scheme=scheme).page
    contrasts = page.evaluate(MEASURE_CONTRASTS)
    assert len(contrasts) > 200
    worst = min(contrasts, key=lambda item: item["contrast"])
    assert worst["contrast"] >= LEAST_CONTRAST, worst
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c < 60)")
    assert dark == (scheme == "dark")
    page.close()


def test_charts_follow_when_the_scheme_changes(browser: Browser, tmp_path: Path) -> None:
    page = open_report(browser, make_table(*make_example()), tmp_path).page
    read_fill = "getComputedStyle(document.querySelector('.chart .mark-text.role-axis-label text')).fill"
    light = page.evaluate(read_fill)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(read_fill) != light
    page.close()


def test_tooltip_shows_names_as_text(browser: Browser, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    files = [make_artifact(None, "onnx", file_name=evil), make_artifact(make_spec(), "onnx")]
    results = [run for file in files for run in make_sessions(file, 5.0 + len(file.file_name) / 10)]
    visit = open_report(browser, make_table([], results, []), tmp_path)
    assert count_points(visit.page, 0) == 2  # against parameters: no top-1 is known
    for point in visit.page.locator("#figure-1 .mark-symbol.role-mark path").all():
        point.hover()
        visit.page.locator("#vg-tooltip-element.visible").wait_for()
    assert visit.page.locator("#vg-tooltip-element img").count() == 0
    assert visit.complaints == []
    visit.page.close()


def test_a_very_long_name_does_not_widen_the_page(browser: Browser, tmp_path: Path) -> None:
    files = [make_artifact(None, "onnx", file_name=f"{'long' * 60}{index}.onnx") for index in range(2)]
    results = [run for file in files for run in make_sessions(file, 5.0)]
    page = open_report(browser, make_table([], results, []), tmp_path, width=390).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in page.locator("tbody tr:not(.group) th").all():
        box = name.bounding_box()
        assert box is not None
        assert box["width"] < 390 / 2, "figures must fit beside the name"
    page.close()


def test_sixty_models_are_sixty_points(browser: Browser, tmp_path: Path) -> None:
    files = [
        make_artifact(make_spec(block, width_ratio=width / 10))
        for width in range(1, 21)
        for block in (None, "se", "ca")
    ]
    results = [run for index, file in enumerate(files) for run in make_sessions(file, 5 + index / 7, sessions=(0,))]
    page = open_report(browser, make_table(files, results, []), tmp_path, width=390).page
    assert count_points(page, 0) == 60
    page.close()


MEASURE_CONTRASTS = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map(v => v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] > 0.99) return c;
    }
    return [255, 255, 255, 1];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "TITLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const isChart = element.closest("svg") !== null;
    if (isChart && style.fill === "none") continue;
    if (isChart && element.getAttribute("stroke") !== null) continue;  // the halo behind a name
    const [one, two] = [light(parse(isChart ? style.fill : style.color)), light(behind(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    found.push({ text: walker.currentNode.data.slice(0, 40), contrast });
  }
  return found;
}"""
