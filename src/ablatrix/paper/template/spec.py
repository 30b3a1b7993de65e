"""What the tables and figures of a paper are made of: the models of its template."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ablatrix.paper.template.figures import FigureSpecs

Source = Literal["cells", "correctness", "workloads", "effects", "attribution"]
Aggregation = Literal[
    "value",
    "only",
    "count",
    "distinct",
    "mean",
    "median",
    "p50",
    "p95",
    "min",
    "max",
    "sum",
    "ratio",
    "outcome",
    "checks",
]
Paragraph = Literal["setup", "fairness", "benefit", "correctness", "claims"]
Filter = Mapping[str, list[str]]


class Spec(BaseModel):
    """Base of every part of a template: frozen, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnSpec(Spec):
    """One column of a table."""

    column: str = Field(
        description="Column of the source. ``knobs`` stands for every knob that varies, ``sizes`` for every "
        "parameter that varies within a workload."
    )
    aggregation: Aggregation = Field(default="value", description="What is made of the rows of a group; see below.")
    filter: Filter = Field(default={}, description="Rows of the source that this column alone takes.")
    over: Literal["ok", "all"] = Field(
        default="ok", description="Trials that a number is made of; in ``cells`` and ``correctness`` alone."
    )
    heading: str = Field(default="", description="Heading; the column's name when empty.")
    unit: str = Field(default="", description="Unit, after ``divide_by``; stands behind the heading in brackets.")
    format: str = Field(default="", description="Python's format of a number, such as .3g or .2f.")
    divide_by: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=1.0, description="Change of unit, before the format; 1048576 makes bytes MiB."
    )

    @field_validator("format")
    @classmethod
    def _formats_a_number(cls, form: str) -> str:
        try:
            format(1.0, form)
        except ValueError as error:
            raise ValueError(f"{form!r} is no format of a number ({error}); .3g or .2f is one") from None
        return form


class TableSpec(Spec):
    """One table: rows are rows of its source, or groups of them."""

    number: Annotated[int, Field(ge=1)] = Field(description="Number in the paper and in the files' names.")
    title: str = Field(description="Title, above the table.")
    caption: str = Field(description="What a reader needs to know; below the title.")
    source: Source = Field(default="cells", description="What rows are made of; see below.")
    filter: Filter = Field(default={}, description="Column -> values of the rows of the source that are kept.")
    group_by: list[str] = Field(
        default=[],
        description="Columns whose distinct values make the rows; ``knobs`` and ``sizes`` as for a column. Empty: each "
        "row of the source is one, which trials do not allow.",
    )
    columns: Annotated[list[ColumnSpec], Field(min_length=1)] = Field(description="Columns from left to right.")
    sort: list[str] = Field(
        default=[], description="Entries of ``group_by`` to order rows by, first ones first; else as the source has it."
    )


class Template(Spec):
    """A paper's tables, figures and paragraphs."""

    version: Literal[1]
    tables: list[TableSpec] = []
    figures: FigureSpecs = []
    text: list[Paragraph] = []
