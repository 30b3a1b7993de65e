"""The time of a token over its context, as a table: a line for each model, phase and compiler."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.effects import ContextLine, is_of_line
from ablatrix.page.printed import NOTHING, significant
from ablatrix.page.table import Heading, Row, Shown, Table
from ablatrix.provenance.ranges import ranges_of
from ablatrix.provenance.rows import ROW
from ablatrix.statistics.line import Estimated

LINE = "line"
MICROSECONDS = 1e3  # in a millisecond


def context_table(lines: Sequence[ContextLine], trials: pl.DataFrame) -> Table | None:
    """Return a row a line; None where no model has three contexts.

    Args:
        lines: The lines.
        trials: The rows of the page, in canonical order.
    """
    if not lines:
        return None
    rows = [
        Row(
            [
                Shown(one.model),
                Shown(one.phase),
                Shown(f"{one.batch:,}", one.batch),
                Shown(one.compiler),
                Shown(", ".join(f"{context:,}" for context, _ in one.points)),
                _shown(one.line.slope, MICROSECONDS),
                _shown(one.line.start),
                Shown(NOTHING if one.line.r_squared is None else f"{one.line.r_squared:.4f}", one.line.r_squared, LINE),
            ],
            {LINE: ranges_of(trials.filter(is_of_line(one))[ROW])},
        )
        for one in lines
    ]
    table = Table(
        "contexts",
        "Time of a token over its context: least-squares line through the medians, with 95 % intervals",
        [
            Heading("workload"),
            Heading("phase"),
            Heading("batch", True),
            Heading("compiler"),
            Heading("contexts", wide=True),
            Heading("a token of context (\N{MICRO SIGN}s)", True, "Slope of the line"),
            Heading("without context (ms)", True, "Where the line starts"),
            Heading("R\N{SUPERSCRIPT TWO}", True, "Share of the variation that lies on the line"),
        ],
        rows,
    )
    return table.folded("phase", "batch", "contexts")


def _shown(found: Estimated, factor: float = 1.0) -> Shown:
    value, low, high = (significant(factor * one) for one in (found.value, found.low, found.high))
    return Shown(f"{value} [{low},\N{NO-BREAK SPACE}{high}]", factor * found.value, LINE)
