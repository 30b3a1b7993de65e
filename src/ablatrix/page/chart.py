"""A figure of the page as Vega-Lite, made with Altair: the same numbers give the same specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from ablatrix.page.axes import CHARACTERS

# Okabe & Ito's palette. Colours of text, lines and background come from the page, which has a light and a dark theme.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SHAPES: Mapping[str, str] = {
    "circle": "M0-4.5A4.5 4.5 0 1 1 0 4.5A4.5 4.5 0 1 1 0-4.5Z",
    "square": "M-4-4H4V4H-4Z",
    "diamond": "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "triangle-up": "M0-5L5 4.5H-5Z",
    "triangle-down": "M0 5L5-4.5H-5Z",
    "cross": "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
    "triangle-right": "M5 0L-4.5 5V-5Z",
    "triangle-left": "M-5 0L4.5-5V5Z",
}
"""Shapes of marks by Vega's name, with their outline in the key of a figure."""
SWATCH = "M-6-2.2H6V2.2H-6Z"  # the outline in a key of a colour that has no shape
INK, MUTED, LINE, BAND, FAILED = "var(--ink)", "var(--muted)", "var(--line)", "var(--band)", "var(--bad)"
CROSS = "\N{MULTIPLICATION SIGN}"
WIDE = 44  # characters of a name in a line where the page is wide


@dataclass(frozen=True)
class Key:
    """One entry of a figure's key, which is text of the page: it breaks into lines, and is read out.

    Attributes:
        tone: Class of its colour in the page.
        outline: Outline of its shape.
    """

    text: str
    tone: str
    outline: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure.

    Attributes:
        name: Id in the page.
        title: What it shows, as its heading and accessible name.
        spec: The Vega-Lite specification.
        note: How to read it, and what is not in it.
        table: Caption of the table that holds its numbers.
        keys: What its colours and shapes stand for.
        words: What it shows, in sentences: its text alternative, one for each series.
    """

    name: str
    title: str
    spec: Mapping[str, Any]
    note: str
    table: str
    keys: Sequence[Key] = field(default=())
    words: Sequence[str] = field(default=())


def colour_keys(names: Sequence[str]) -> list[Key]:
    """Return the key of names that have a colour and a shape each, in order."""
    outlines = list(SHAPES.values())
    return [Key(name, f"k{index % len(COLOURS)}", outlines[index % len(outlines)]) for index, name in enumerate(names)]


def bar_keys(names: Sequence[str]) -> list[Key]:
    """Return the key of names that have the colour of a bar each, in order."""
    return [Key(name, f"k{index % len(COLOURS)}", SHAPES["square"]) for index, name in enumerate(names)]


def shape_keys(names: Sequence[str]) -> list[Key]:
    """Return the key of names that have a shape each, in order."""
    return [Key(name, "ink", outline) for name, outline in zip(names, SHAPES.values(), strict=False)]


def domain(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    """Return the scale that gives names these colours or shapes, from the start again where they are too few."""
    return alt.Scale(domain=list(names), range=cycled(values, len(names)))


def cycled(values: Sequence[str], number: int) -> list[str]:
    """Return this many values, from the start again where they are too few."""
    return [values[index % len(values)] for index in range(number)]


def finished(chart: alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    """Return the specification: as wide as its container in the page, in the page's fonts and colours."""
    made = chart.properties(
        width="container", height=height, background="transparent"
    ).configure(  # each copies all data
        font="system-ui, sans-serif",
        mark=alt.MarkConfig(aria=False),  # the figure has a text alternative of its own
        view=alt.ViewConfig(stroke=LINE),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor=MUTED,
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            labelSeparation=6,
        ),
    )
    # Against the schema it is held by the tests, not for every page: that takes longer than to make it.
    spec: dict[str, Any] = made.to_dict(validate=False)
    spec["params"] = [*spec.get("params", ()), {"name": CHARACTERS, "value": WIDE}]
    spec["config"]["aria"] = False
    # The address of the schema is not needed.
    return {key: value for key, value in spec.items() if key != "$schema"}
