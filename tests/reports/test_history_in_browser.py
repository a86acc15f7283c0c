"""The page of `pocketbench history` in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pocketbench.reports.history import make_history, reduce_session
from pocketbench.reports.history_page import write_history
from tests.reports.history_samples import THREADED, make_noisy
from tests.reports.test_html_in_browser import FLAGS, Visit, find_browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = make_noisy([5.0] * 12 + [6.0] * 12) + make_noisy([7.0] * 4, sessions=1, plan=THREADED)
    path = tmp_path_factory.mktemp("page") / "history.html"
    write_history(make_history(filter(None, map(reduce_session, results))), path)
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_commit_is_drawn_and_the_network_is_left_alone(
    browser: Browser, path: Path, width: int, scheme: str
) -> None:
    visit = Visit(browser, path, width, scheme)
    counts = [chart.locator("svg .mark-symbol path").count() for chart in visit.page.locator(".chart").all()]
    assert counts == [24, 4]
    assert visit.complaints == []
    assert visit.requests == [path.as_uri()]
    assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    (mark,) = set(visit.page.locator("svg .mark-text.role-mark text").all_text_contents())
    assert mark.startswith("+")
    visit.page.close()


def test_a_point_says_which_commit_it_is(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path, 1280, "light")
    visit.page.locator("#figure-0 svg .mark-symbol path").first.hover()
    tooltip = visit.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    text = tooltip.inner_text()
    assert "2026-01-01" in text
    assert "commit" in text
    assert "95 % interval, ms" in text
    visit.page.close()
