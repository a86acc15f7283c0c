"""The page of class activations in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pocketbench.reports.grad_cam_page import format_cam_page
from tests.reports.cam_samples import make_figure
from tests.reports.test_html_in_browser import FLAGS, LEAST_CONTRAST, MEASURE_CONTRASTS, Visit, find_browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_whole(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    path = tmp_path / "grad-cam.html"
    path.write_text(format_cam_page(make_figure(columns=13, rows=8, remarks=("a remark",))), encoding="utf-8")
    visit = Visit(browser, path, width, scheme)
    page = visit.page
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith("data:")] == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    maps = page.locator(".cams .cam img")
    assert maps.count() == 8 * 13
    assert all(maps.evaluate_all("images => images.map(i => i.complete && i.naturalWidth === 32)"))
    boxes = page.locator(".cams .cam").evaluate_all("cells => cells.map(c => [c.clientWidth, c.clientHeight])")
    side = 144 if width == 1280 else 104
    assert set(map(tuple, boxes)) == {(side, side)}
    worst = min(page.evaluate(MEASURE_CONTRASTS), key=lambda item: item["contrast"])
    assert worst["contrast"] >= LEAST_CONTRAST, worst
    grid = page.locator(".scroll")
    grid.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    box = page.locator(".cams tbody th").first.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < 40, "the picture stays in view beside the last network"
    page.close()
