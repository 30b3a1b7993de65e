"""What the page looks like at four widths: labels, columns and marks that can be read, and nothing that bars anyone."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ablatrix.analysis.findings import Findings
from ablatrix.page.write import write_page
from tests.page.conftest import Made
from tests.page.looking import Visit, axis_faults, covering
from tests.page.shapes import IN_LONG, SHAPES
from tests.synthetic import tidied

PLANTED = "planted"
WIDTHS = (400, 800, 1280, 1600)
ALL_COLUMNS_FROM = 1280
IN_SHORT = ((400, "light"), (1280, "dark"))
"""Of these, rows that look like others are not looked at; the long form looks at every row in the others."""
pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture(scope="module")
def pages(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Pages of a small study, and of those at the ends of what a study can be; each is made once."""

    @functools.cache
    def page_of(name: str) -> Path:
        if name == PLANTED:
            return made.page
        directory = tmp_path_factory.mktemp("shape")
        return write_page(Findings(tidied(SHAPES[name](directory))), (), directory / "report.html")

    return page_of


SEEN = [*((PLANTED, width) for width in WIDTHS), *itertools.product(SHAPES, (400, ALL_COLUMNS_FROM))]
"""Pages and widths."""
IN_TURN = zip((one for one in SHAPES if one != IN_LONG), itertools.cycle((400, ALL_COLUMNS_FROM)))
SEEN_IN_SHORT = {(PLANTED, 400), (PLANTED, ALL_COLUMNS_FROM), *IN_TURN}


@pytest.fixture(params=[pytest.param(one, marks=[] if one in SEEN_IN_SHORT else pytest.mark.long) for one in SEEN])
def visit(request: pytest.FixtureRequest, browser: Browser, pages: Callable[[str], Path]) -> Iterator[Visit]:
    name, width = request.param
    held = Visit(browser, pages(name), width=width)
    held.draw()
    held.open_all()
    yield held
    held.context.close()


def test_page_of_any_study_can_be_read_at_each_width(visit: Visit) -> None:
    size = visit.page.viewport_size
    assert size is not None
    assert visit.complaints == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert size["width"] < ALL_COLUMNS_FROM or visit.too_wide == []
    figures = visit.page.locator(".chart").count()
    assert {index: faults for index in range(figures) if (faults := axis_faults(visit, index))} == {}
    if visit.page.locator("#cold .chart").count():
        assert visit.marks("chart-cold")
        assert covering(visit.marks("chart-cold")) == []


def serious(visit: Visit) -> list[Any]:
    """What axe-core finds that is serious or worse, with where."""
    found = Axe().run(visit.page).response["violations"]
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:5]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        pytest.param(width, scheme, marks=[] if (width, scheme) in IN_SHORT else pytest.mark.long)
        for width, scheme in itertools.product(WIDTHS, ("light", "dark"))
    ],
)
def test_page_has_no_serious_barrier(
    browser: Browser, made: Made, width: int, scheme: Literal["light", "dark"]
) -> None:
    held = Visit(browser, made.page, width=width, scheme=scheme)
    held.draw()
    held.open_all()
    if (width, scheme) in IN_SHORT:
        held.thin_out()
    assert serious(held) == []
    held.context.close()


def test_page_dialog_has_no_serious_barrier(browser: Browser, made: Made) -> None:
    held = Visit(browser, made.page)
    held.page.locator("#main-hot tbody button.from").first.click()
    held.thin_out()
    assert serious(held) == []
    held.context.close()


def test_page_figures_have_text_alternatives(browser: Browser, made: Made) -> None:
    held = Visit(browser, made.page)
    texts = held.page.evaluate(
        """() => Array.from(document.querySelectorAll('[role=img]'),
            (one) => document.getElementById(one.getAttribute('aria-describedby')).textContent)"""
    )
    assert len(texts) == 15
    fusion = next(line for line in texts[0].splitlines() if line.startswith("fusion"))
    assert "on encoder" in fusion and "on attention" in fusion and "faster on 2" in fusion
    held.context.close()
