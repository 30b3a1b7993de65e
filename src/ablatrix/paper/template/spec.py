"""What the tables and figures of a paper are made of: the models of its template."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from ablatrix.paper.template.figures import FigureSpecs, Mode
from ablatrix.paper.template.words import CAPTION_IF, Condition, Words

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
FORMATS = re.compile(r"|[+ ]?,?(?:\.(?:[0-9]|1[0-5]))?[efgEFG%]")
"""Formats of a number: a width or a fill could make a cell of any length."""
BY_INTERVAL = "interval"
"""Format of a number that has as many digits as its interval supports; see `ablatrix.paper.digits`."""


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
    heading: Words = Field(default="", description="Heading; the column's name when empty.")
    unit: Words = Field(default="", description="Unit, after ``divide_by``; stands behind the heading in brackets.")
    format: str = Field(
        default="",
        description="Python's format of a number, such as .3g or .2f; ``interval``: as many digits as the 95 % "
        "interval of a ratio, or of a median, supports.",
    )
    divide_by: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=1.0, description="Change of unit, before the format; 1048576 makes bytes MiB."
    )

    @field_validator("format")
    @classmethod
    def _formats_a_number(cls, form: str) -> str:
        if form == BY_INTERVAL:
            return form
        if not FORMATS.fullmatch(form):
            raise ValueError(
                f"{form!r} is no format of a number that a table takes; .3g, .2f, .1e and .1% are such, with at most "
                "15 digits, a comma or a sign in front (+.1f, ,.0f), and so is interval"
            )
        return form


class TableBase(Spec):
    """What every table has."""

    number: Annotated[int, Field(ge=1)] = Field(description="Number in the paper and in the files' names.")
    title: Words = Field(description="Title, above the table; a text, or one for each language (en, zh).")
    caption: Words = Field(description="What a reader needs to know; below the title.")
    caption_if: Mapping[Condition, Words] = Field(default={}, description=CAPTION_IF)
    appendix: bool = Field(default=False, description="Whether ``paper.tex`` has it in its appendix.")


class TableSpec(TableBase):
    """One table: rows are rows of its source, or groups of them."""

    kind: Literal["rows"] = Field(default="rows", description="Other kinds have a layout of their own; see below.")
    source: Source = Field(default="cells", description="What rows are made of; see below.")
    filter: Filter = Field(default={}, description="Column -> values of the rows of the source that are kept.")
    group_by: list[str] = Field(
        default=[],
        description="Columns whose distinct values make the rows; ``knobs`` and ``sizes`` as for a column. Empty: each "
        "row of the source is one, which trials do not allow.",
    )
    optional: bool = Field(default=False, description="Whether the paper goes without it where it would have no row.")
    columns: Annotated[list[ColumnSpec], Field(min_length=1)] = Field(description="Columns from left to right.")
    sort: list[str] = Field(
        default=[], description="Entries of ``group_by`` to order rows by, first ones first; else as the source has it."
    )


class AblationTableSpec(TableBase):
    """The main table: a row a workload, with the speed-up of each knob alone, of all, and of all but each."""

    kind: Literal["ablation"]
    mode: Mode | None = Field(default=None, description="Mode of the trials; hot where there are hot trials.")


class SetupTableSpec(TableBase):
    """Machine, versions, sizes, baseline and knobs."""

    kind: Literal["setup"]
    knobs: Mapping[str, Words] = Field(default={}, description="Knob -> what it does.")


class MemoryTableSpec(TableBase):
    """A row a workload: planned memory of the baseline, of each knob alone and of all, and peak growth."""

    kind: Literal["memory"]


class PhasesTableSpec(TableBase):
    """A row a workload and configuration: the time of each phase up to the end of the first run."""

    kind: Literal["phases"]
    optional: bool = Field(default=False, description="Whether the paper goes without it where it would have no row.")


class AxesTableSpec(TableBase):
    """A row an effect along an axis of a workload, with a column for each value; a part for each axis and metric."""

    kind: Literal["along_axes"]
    optional: bool = Field(default=False, description="Whether the paper goes without it where it would have no row.")


def _kind_of(table: Any) -> str:
    kind = table.get("kind", "rows") if isinstance(table, Mapping) else getattr(table, "kind", "rows")
    return str(kind)


AnyTable = Annotated[
    Annotated[TableSpec, Tag("rows")]
    | Annotated[AblationTableSpec, Tag("ablation")]
    | Annotated[SetupTableSpec, Tag("setup")]
    | Annotated[MemoryTableSpec, Tag("memory")]
    | Annotated[PhasesTableSpec, Tag("phases")]
    | Annotated[AxesTableSpec, Tag("along_axes")],
    Discriminator(
        _kind_of,
        custom_error_type="unknown_kind",
        custom_error_message="there is no such kind of table; there are: rows, ablation, setup, memory, phases, "
        "along_axes",
    ),
]


class Template(Spec):
    """A paper's tables, figures and paragraphs."""

    version: Literal[1]
    tables: list[AnyTable] = []
    figures: FigureSpecs = []
    text: list[Paragraph] = []


def topic_of(table: AnyTable) -> str:
    """Return what a table is about: its source, or its kind where it has a layout of its own."""
    return table.source if isinstance(table, TableSpec) else table.kind
