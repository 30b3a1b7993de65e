"""The page in a real browser: it works from a file, with the keyboard, on a narrow screen, and asks nobody anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.page.conftest import Made
from tests.page.looking import Visit

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture(scope="module")
def visit(browser: Browser, made: Made) -> Iterator[Visit]:
    held = Visit(browser, made.page)
    yield held
    held.context.close()


def column(page: Page, table: str, place: int) -> list[str]:
    cells = page.locator(f"#{table} tbody tr:not([hidden]) > :nth-child({place + 1})")
    return [text.strip() for text in cells.all_text_contents()]


def place_of(page: Page, table: str, heading: str) -> int:
    return [text.strip() for text in page.locator(f"#{table} thead th").all_text_contents()].index(heading)


def test_page_shows_all_figures_without_requests_or_errors(visit: Visit) -> None:
    assert visit.draw() == 15  # effects, attribution and interactions of the metrics, and cold
    assert not any("could not be drawn" in text for text in visit.page.locator(".chart").all_text_contents())
    assert visit.complaints == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in visit.requests)
    assert visit.page.evaluate("window.broken") is None


def test_page_column_sorts_both_ways_by_value_with_empty_last(visit: Visit) -> None:
    page = visit.page
    place = place_of(page, "cells", "p50 (ms)")
    button = page.locator("#cells thead th").nth(place).locator("button")
    for direction in ("ascending", "descending"):
        button.click()
        assert page.locator("#cells thead th").nth(place).get_attribute("aria-sort") == direction
        shown = column(page, "cells", place)
        known = [float(text.replace(",", "")) for text in shown if text != "\N{EN DASH}"]
        assert len(known) == 35
        assert known == sorted(known, reverse=direction == "descending")
        assert set(shown[len(known) :]) == {"\N{EN DASH}"}
    assert page.locator("#cells thead [aria-sort=ascending], #cells thead [aria-sort=descending]").count() == 1


def test_page_filters_narrow_rows_and_report_remaining_count(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("workload", exact=True).select_option("encoder")
    page.get_by_label("outcome", exact=True).select_option("wrong_output")
    assert page.locator("[data-shown=cells]").text_content() == "1 of 72 rows"
    assert column(page, "cells", 0) == ["encoder"]
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelector('[data-shown=cells]').textContent === '72 of 72 rows'")
    page.get_by_label("search").fill("eager")
    assert set(column(page, "cells", 1)) == {"eager"}
    page.get_by_label("search").fill("encoder whole")
    page.wait_for_function("document.querySelector('[data-shown=cells]').textContent === '18 of 72 rows'")
    assert set(column(page, "cells", 0)) == {"encoder"}
    page.get_by_label("search").fill("fusion=on mode=cold")
    page.wait_for_function("document.querySelector('[data-shown=cells]').textContent === '16 of 72 rows'")
    assert set(column(page, "cells", place_of(page, "cells", "mode"))) == {"cold"}
    assert all("fusion=on" in text for text in column(page, "cells", place_of(page, "cells", "configuration")))
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.querySelector('[data-shown=cells]').textContent === '72 of 72 rows'")


def test_page_row_shows_records_behind_its_numbers(visit: Visit, made: Made) -> None:
    page = visit.page
    row = page.locator("#cells tbody tr", has_text="reference").first
    workload = row.locator("th").text_content()
    row.locator("button.from").click()
    dialog = page.get_by_role("dialog")
    assert "Number of trials by outcome" in (dialog.text_content() or "")
    shown = set((dialog.locator(".ids").first.text_content() or "").split())
    wanted = {
        record.record_id
        for record in made.records
        if record.final and record.role == "reference" and record.workload.name == workload
    }
    assert shown < wanted and len(shown) == 3
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_page_by_keyboard_alone_reaches_and_sorts_results(browser: Browser, made: Made) -> None:
    visit = Visit(browser, made.page)
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#main-hot .sort')"):
            break
    heading = page.locator("#main-hot thead th").first
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "descending"
    names = column(page, "main-hot", 0)
    assert names == sorted(names, reverse=True) == ["encoder", "attention"]
    assert page.locator("#main-hot tfoot th").all_text_contents() == ["geometric mean"]
    visit.context.close()


def test_page_on_narrow_screen_needs_no_sideways_scrolling(browser: Browser, made: Made) -> None:
    visit = Visit(browser, made.page, width=400)
    page = visit.page
    page.locator("[data-chart]").first.scroll_into_view_if_needed()
    page.locator(".chart svg").first.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".scroll").first.evaluate("(box) => box.scrollWidth > box.clientWidth")
    visit.context.close()


def test_page_controls_have_names(visit: Visit) -> None:
    unnamed = visit.page.evaluate(
        """() => Array.from(document.querySelectorAll("button, input, select, [role=img], [role=region], dialog"))
            .filter((one) => !(one.textContent.trim() || one.labels?.length || one.ariaLabel
                || document.getElementById(one.getAttribute("aria-labelledby"))))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []
