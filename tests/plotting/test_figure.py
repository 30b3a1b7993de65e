"""What every figure shares: its style, and text that is drawn as it is written."""

from __future__ import annotations

import io

import pytest

from ablatrix.plotting.figure import COLUMN_WIDTH_IN, house_style, new_figure


@pytest.mark.parametrize("name", ["$x^{$", "a$b$c", r"\$\frac{", "cost $"])
def test_name_with_dollars_is_drawn_as_it_is(name: str) -> None:
    """Matplotlib would read it as a formula, and stop at one that is none."""
    with house_style():
        figure = new_figure(1.0, COLUMN_WIDTH_IN)
        figure.suptitle(name)
        figure.savefig(io.BytesIO(), format="pdf")
