"""``provenance.json``: the rows and the statistic that each printed number follows from. Schema 1.4.

Each row id is listed once, in the canonical order of `ablatrix.provenance.rows`; numbers refer to ranges of them.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ablatrix.paper.number import STATISTICS, Number, Statistic
from ablatrix.paper.text import Paragraph

PROVENANCE_VERSION = "1.4"
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Index = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """Base of every part: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Format(Part):
    """How a value became a text."""

    spec: str = Field(description="Python format specification.")
    divide_by: Annotated[float, Field(gt=0)] = Field(description="Change of unit, before the format.")


class NumberEntry(Part):
    """One printed number."""

    key: str = Field(description="Its name, each once; also of its macro.")
    text: str = Field(description="As printed, without its unit.")
    value: int | float = Field(description="Unrounded, before the change of unit.")
    unit: str | None = Field(description="Of the printed text; null for a pure number.")
    format: Format
    statistic: Statistic = Field(description=" ".join(f"{name}: {text}" for name, text in STATISTICS.items()))
    parameters: dict[str, Any] = Field(description="What the statistic needs to be told.")
    rows: list[tuple[Index, Index]] = Field(description="First and last index into the rows of each stretch.")


class SentenceEntry(Part):
    """One sentence of a paragraph, as printed before any markup."""

    paragraph: str
    name: str
    text: str
    numbers: list[str] = Field(description="Keys of its numbers, as they follow each other.")
    number_spans: list[tuple[Index, Index]] = Field(description="Where each number stands in the text: start and end.")
    name_spans: list[tuple[Index, Index]] = Field(description="Where names of the records stand in the text.")


class LeftOutEntry(Part):
    """A sentence that the records do not bear."""

    paragraph: str
    sentence: str
    reason: str


class Provenance(Part):
    """The whole file."""

    schema_version: Literal["1.4"]
    language: str
    rows: list[str] = Field(description="Ids of final records; as <run>:<id> where there are several inputs.")
    numbers: list[NumberEntry] = Field(description="By key.")
    sentences: list[SentenceEntry] = Field(description="In the order of the paper.")
    left_out: list[LeftOutEntry]


def provenance_schema_text() -> str:
    """Return the JSON Schema of the file: the same text on every machine."""
    schema = {
        "$schema": JSON_SCHEMA_DIALECT,
        "$id": f"ablatrix/provenance-{PROVENANCE_VERSION}",
        **Provenance.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def provenance_text(
    language: str, rows: Sequence[str], numbers: Iterable[Number], paragraphs: Iterable[Paragraph]
) -> str:
    """Return the file's content: one line for the rows, and one for each number, sentence and omission."""
    held = list(paragraphs)
    parts: dict[str, Sequence[BaseModel]] = {
        "numbers": [_number(one) for one in numbers],
        "sentences": [
            SentenceEntry(
                paragraph=paragraph.name,
                name=one.name,
                text=one.text,
                numbers=[number.key for number, _ in one.numbers],
                number_spans=[span for _, span in one.numbers],
                name_spans=list(one.names),
            )
            for paragraph in held
            for one in paragraph.sentences
        ],
        "left_out": [
            LeftOutEntry(paragraph=paragraph.name, sentence=sentence, reason=reason)
            for paragraph in held
            for sentence, reason in paragraph.left_out
        ],
    }
    lines = [f'"schema_version":"{PROVENANCE_VERSION}"', f'"language":{_json(language)}', f'"rows":{_json(list(rows))}']
    for name, entries in parts.items():
        body = ",\n".join(_json(entry.model_dump(mode="json")) for entry in entries)
        lines.append(f'"{name}":[\n{body}]' if body else f'"{name}":[]')
    return "{" + ",\n".join(lines) + "}\n"


def _number(one: Number) -> NumberEntry:
    return NumberEntry(
        key=one.key,
        text=one.text,
        value=one.value,
        unit=one.form.unit,
        format=Format(spec=one.form.spec, divide_by=one.form.divide_by),
        statistic=one.statistic,
        parameters=dict(one.parameters),
        rows=list(one.rows),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
