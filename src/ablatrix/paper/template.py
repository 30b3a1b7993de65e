"""What the tables and figures of a paper are made of: a YAML file, validated."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ablatrix.documents.load import load_document
from ablatrix.errors import AnalysisError

DEFAULT_TEMPLATE = Path(__file__).with_name("default.yaml")

Aggregation = Literal["value", "median", "mean", "min", "max", "sum", "ratio", "outcome", "checks"]
Paragraph = Literal["fairness", "benefit", "correctness"]
Filter = Mapping[str, list[str]]


class Spec(BaseModel):
    """Base of every part of a template: frozen, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnSpec(Spec):
    """One column of a table."""

    column: str = Field(description="Column of ablation.csv; 'knobs' stands for every knob that varies.")
    aggregation: Aggregation = Field(
        default="value",
        description="value: a column of group_by. ratio: to the baseline, paired over blocks, with its interval. "
        "outcome: ok trials of all, and the other statuses. checks: comparisons made of those asked for.",
    )
    over: Literal["ok", "all"] = Field(default="ok", description="Trials that the aggregation takes.")
    heading: str = Field(default="", description="Heading; the column's name when empty.")
    format: str = Field(default="", description="Python format specification, such as .3g or .2f.")
    divide_by: Annotated[float, Field(gt=0)] = Field(default=1.0, description="Change of unit, before the format.")

    @field_validator("format")
    @classmethod
    def _formats_a_number(cls, form: str) -> str:
        try:
            format(1.0, form)
        except ValueError as error:
            raise ValueError(f"{form!r} is no format of a number ({error}); .3g or .2f is one") from None
        return form


class TableSpec(Spec):
    """One table: rows are groups of trials."""

    number: Annotated[int, Field(ge=1)]
    title: str
    caption: str
    source: Literal["trials"] = "trials"
    filter: Filter = Field(default={}, description="Column -> values that are kept.")
    group_by: list[str] = Field(description="Columns whose distinct values make the rows; 'knobs' as above.")
    columns: Annotated[list[ColumnSpec], Field(min_length=1)]
    sort: list[str] = Field(default=[], description="Columns of group_by to order rows by, first ones first.")


class FigureSpec(Spec):
    """One figure."""

    number: Annotated[int, Field(ge=1)]
    title: str
    caption: str
    kind: Literal["cold_scatter", "main_effects"]
    filter: Filter = Field(default={}, description="Column -> values that are kept.")
    mode: Literal["cold", "hot"] = Field(default="hot", description="main_effects: mode of the trials.")
    metric: str = Field(default="run_ms_paired", description="main_effects: column of the time to compare.")
    knobs: list[str] = Field(
        default=["partition", "reuse", "memory_plan", "fusion"], description="main_effects: one panel each."
    )


class Template(Spec):
    """A paper's tables, figures and paragraphs."""

    version: Literal[1]
    tables: list[TableSpec] = []
    figures: list[FigureSpec] = []
    text: list[Paragraph] = []


def template_schema_text() -> str:
    """Return the JSON Schema of a template file, for editors."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Template.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def load_template(path: str | Path | None = None) -> Template:
    """Read a template, the shipped one when no path is given.

    Raises:
        AnalysisError: The file cannot be read or breaks a rule; one line of the message for each fault.
    """
    try:
        return load_document(Path(path or DEFAULT_TEMPLATE), Template, AnalysisError).value
    except AnalysisError as error:
        raise AnalysisError("\n".join(map(str, error.args))) from None
