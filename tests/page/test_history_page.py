"""The page of a history in a real browser: its figures are drawn, and it asks nobody anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ablatrix.analysis.history import find_history, read_run
from ablatrix.page.history import write_history_page
from tests.history_of_builds import build_records, write_run
from tests.page.looking import Visit

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history")
    runs = []
    for day in range(1, 9):
        factors = {"stable": 1.0, "head": 1.05 if day >= 5 else 1.0}
        records = build_records(factors, seed=day, day=day, blocks=3, workloads={"attention": 1.0, "encoder": 1.0})
        file = write_run(path / str(day), records) / "results.jsonl"
        runs.append(read_run(f"run-{day}", file, ["run_ms_paired"]))
    return write_history_page(find_history(runs), path / "history.html")


def test_figure_of_each_series_is_drawn_without_requests_or_errors(browser: Browser, page: Path) -> None:
    visit = Visit(browser, page)
    try:
        assert visit.draw() == 3
        assert "geometric mean of 2 workloads on tvm: run_ms_paired" in visit.page.locator("h3").all_text_contents()
        assert not any("could not be drawn" in text for text in visit.page.locator(".chart").all_text_contents())
        assert visit.complaints == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in visit.requests)
    finally:
        visit.context.close()


def test_narrow_page_has_no_wide_table(browser: Browser, page: Path) -> None:
    visit = Visit(browser, page, width=400)
    try:
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        visit.context.close()
