"""The section on operators in a real browser: nothing is wider than the page, and what is collapsed opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pocketbench.reports.table import make_table
from tests.reports.operator_samples import make_profiled
from tests.reports.test_html_in_browser import FLAGS, find_browser, open_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_section_fits_and_opens(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    page = open_report(browser, make_table(*make_profiled()), tmp_path, width, scheme).page
    section = page.locator(".operators")
    assert section.locator("h2").inner_text() == "Where the time goes"
    details = section.locator("details")
    assert details.count() == 2
    stages = details.nth(1).locator("table")
    assert not stages.is_visible()
    details.nth(1).locator("summary").click()
    assert stages.is_visible()
    lines = [row.locator("th, td").all_inner_texts() for row in stages.locator("tbody tr:not(.group)").all()]
    assert lines[1] == ["features.1", "2.050 (+0.050)", "features.1.conv.6", "0.650", "0.200", "0.200", "0.250"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in (element.bounding_box() for element in section.locator("p, summary, .scroll").all()):
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    page.close()


def test_the_sums_stand_in_one_table(browser: Browser, tmp_path: Path) -> None:
    page = open_report(browser, make_table(*make_profiled()), tmp_path).page
    table = page.locator(".operators table").first
    lines = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr:not(.group)").all()]
    assert lines[1] == ["+ ca (r 32)", "4.600", "0.900 to 0.905", "2", "0.200", "0.300", "0.400", "+0.900"]
    assert lines[2][0] == "<b>detector</b>.tflite"
    page.close()
