"""The label of a column in figures, and the unit that it is shown in."""

from dataclasses import dataclass

from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.records.metrics import MEMORY, METRICS, TIME, Quantity


@dataclass(frozen=True)
class Scale:
    """How a column is shown.

    Attributes:
        divide_by: Divisor of the values.
    """

    label: str
    divide_by: float


def scale_of(column: str, labels: Labels = ENGLISH) -> Scale:
    """Return label (with unit) and scale of a column; if it is not a metric, the unit follows from its name."""
    quantity = METRICS[column].quantity if column in METRICS else _named_quantity(column)
    unit = quantity.shown_unit if quantity is not None else ""
    return Scale(
        f"{labels.metric(column, _name(column))} ({unit or 'as recorded'})",
        quantity.divide_by if quantity is not None else 1.0,
    )


def ratio_label(column: str, of: str, labels: Labels = ENGLISH) -> str:
    """Return the label of an axis of ratios; ``of`` names the words for what they are ratios of."""
    return labels("ratio_of", name=labels.metric(column, _name(column)), of=labels(of))


def _name(column: str) -> str:
    return METRICS[column].label or column if column in METRICS else column


def _named_quantity(column: str) -> Quantity | None:
    if column.endswith("_bytes"):
        return MEMORY
    return TIME if "_ms" in column else None
