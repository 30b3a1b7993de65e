"""An open page in a browser, and what can be seen of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

Box = dict[str, Any]

OPENED = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
THINNED = """(most) => document.querySelectorAll('tbody').forEach((body) => {
    const found = {};
    const lookOf = (one) => `${one.tagName}|${one.getAttribute('class')}|${one.getAttribute('role')}|${one.hidden}`;
    for (const row of Array.from(body.rows)) {
        const look = [row, ...row.querySelectorAll('*')].map(lookOf).join();
        found[look] = (found[look] || 0) + 1;
        if (found[look] > most) { row.remove(); }
    }
})"""
WIDE_TABLES = """() => Array.from(document.querySelectorAll('.scroll'))
    .filter((box) => box.scrollWidth > box.clientWidth + 1)
    .map((box) => `${box.querySelector('table').id}: ${box.scrollWidth} > ${box.clientWidth}`)"""
AXES = """(place) => Array.from(place.querySelectorAll('.role-axis')).map((axis) => {
    const boxOf = (one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return { text: one.textContent, x, y, width, height };
    };
    const seen = (one) => one.textContent && Number(getComputedStyle(one).opacity) > 0;
    return {
        labels: Array.from(axis.querySelectorAll('.role-axis-label text')).filter(seen).map(boxOf),
        titles: Array.from(axis.querySelectorAll('.role-axis-title text')).filter(seen).map(boxOf),
    };
}).filter((axis) => axis.labels.length)"""
MARKS = """(place) => Array.from(place.querySelectorAll('.mark-symbol path')).map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return { x, y, width, height };
})"""


class Visit:
    """An open page with what it asked for and complained about."""

    def __init__(
        self, browser: Browser, page: Path, width: int = 1280, scheme: Literal["light", "dark"] = "light"
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", color_scheme=scheme
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(page.as_uri())

    def draw(self) -> int:
        """Scroll to each figure until it is drawn; return how many there are."""
        figures = self.page.locator(".chart")
        for index in range(figures.count()):
            figures.nth(index).scroll_into_view_if_needed()
            figures.nth(index).locator("svg").wait_for()
        return figures.count()

    def open_all(self) -> None:
        """Open every folded part."""
        self.page.evaluate(OPENED)

    def thin_out(self, most: int = 3) -> None:
        """Keep as many rows of each table that look the same: a checker of looks takes its time over every cell."""
        self.page.evaluate(THINNED, most)

    @property
    def too_wide(self) -> list[str]:
        """The tables that do not show all of their columns."""
        found: list[str] = self.page.evaluate(WIDE_TABLES)
        return found

    def axes(self, index: int) -> list[dict[str, list[Box]]]:
        """The axes of a figure that have labels, with the boxes of these and of their titles."""
        found: list[dict[str, list[Box]]] = self.page.locator(".chart").nth(index).evaluate(AXES)
        return found

    def marks(self, name: str) -> list[Box]:
        """The boxes of the marks of a figure."""
        found: list[Box] = self.page.locator(f'[data-chart="{name}"]').evaluate(MARKS)
        return found


def covering(boxes: list[Box], slack: float = 0.5) -> list[tuple[Box, Box]]:
    """Return the pairs of boxes that cover each other by more than the slack, in pixels."""
    return [
        (a, b)
        for a, b in itertools.combinations(boxes, 2)
        if a["x"] + a["width"] - slack > b["x"]
        and b["x"] + b["width"] - slack > a["x"]
        and a["y"] + a["height"] - slack > b["y"]
        and b["y"] + b["height"] - slack > a["y"]
    ]


def axis_faults(visit: Visit, index: int) -> list[str]:
    """Return what is wrong with the labels of a figure's axes: too few, cut off, or over each other."""
    place = visit.page.locator(".chart").nth(index)
    box = place.bounding_box()
    assert box is not None
    found = []
    axes = visit.axes(index)
    if len(axes) != 2:
        found.append(f"{len(axes)} axes have labels")
    for axis in axes:
        title = "".join(one["text"] for one in axis["titles"])
        if title.startswith("ratio") and len(axis["labels"]) < 2:
            found.append(f"{title}: labels {[one['text'] for one in axis['labels']]}")
        for one in (*axis["labels"], *axis["titles"]):
            if one["x"] < box["x"] - 1 or one["x"] + one["width"] > box["x"] + box["width"] + 1:
                found.append(f"{one['text']}: cut off")
            if "\N{HORIZONTAL ELLIPSIS}" in one["text"]:
                found.append(f"{one['text']}: shortened")
        found += [f"{a['text']} covers {b['text']}" for a, b in covering(axis["labels"])]
    return found
