"""What the parts of a record share, and what a record says of its stage."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)

MOST_TIME = 1e12
"""Milliseconds or seconds that no trial takes: more is a slip or made up, and sums of it would be no numbers."""
# What the published schema says of them; the bound is a check of what is read, as that of a time is.
_NOT_NEGATIVE = WithJsonSchema({"minimum": 0, "type": "number"})
Milliseconds = Annotated[float, Field(ge=0, le=MOST_TIME, allow_inf_nan=False), _NOT_NEGATIVE]
Seconds = Annotated[float, Field(ge=0, le=MOST_TIME, allow_inf_nan=False), _NOT_NEGATIVE]
Bytes = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LONGEST_NAME, MOST_NAMES, MOST_PARAMETERS = 1000, 1000, 200
"""Characters of a name, and knobs and parameters of one record, beyond which no table or figure can hold them."""
Name = Annotated[str, Field(max_length=LONGEST_NAME), WithJsonSchema({"type": "string"})]
Level = Name | int | Finite


def _is_moment(text: str) -> str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not FIRST_YEAR <= found.year < LAST_YEAR:
        raise ValueError("must be a time in ISO 8601 with its offset, such as 2026-01-01T00:00:00.000Z")
    return text


FIRST_YEAR, LAST_YEAR = 1970, 9000  # a clock that was never set says 1970; offsets must not lead beyond the calendar
Moment = Annotated[str, AfterValidator(_is_moment)]


def _is_path(text: str) -> str:
    if "\0" in text:
        raise ValueError("has a zero character, which no name of a file has")
    return text


FilePath = Annotated[str, AfterValidator(_is_path)]


class Part(BaseModel):
    """Base of every part of a record: frozen, no unknown field.

    Attributes:
        omitted_if_null: Fields that its text does not have where they are null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    omitted_if_null: ClassVar[frozenset[str]] = frozenset()


class ChosenStage(Part):
    """What a stage that follows from results turned out to be: a screening of many knobs, or its confirmation."""

    design: str = Field(description="Design of its configurations, such as a folded Plackett-Burman design.")
    resolution: Count | None = Field(
        default=None, description="Resolution of a screening; null where every combination is known."
    )
    of: str | None = Field(default=None, description="Of a confirmation, the screening whose knobs it confirms.")
    idle: list[str] = Field(
        default_factory=list, description="Knobs that left because they change nothing that is built, in order."
    )
    failed: dict[str, str] = Field(
        default_factory=dict, description="Knobs that left because they fail by themselves, each with the status."
    )
    programs: Count | None = Field(
        default=None, description="Distinct programs of all corners, where these were compiled; else null."
    )
    orders: list[list[Count]] = Field(
        default_factory=list,
        description="Of sampled Shapley shares, the orders in which knobs are moved, by number; empty elsewhere.",
    )


class StagePlan(Part):
    """What a stage of the study spans, for one workload and compiler."""

    number: Count = Field(description="Its place among the stages of the study, from 0.")
    kind: Literal["factorial", "around", "screen"] = Field(
        description="factorial: every combination of the levels; around: the centre, and each level by itself; screen: "
        "a design of many knobs, each at two levels or three."
    )
    knobs: list[str] = Field(description="Knobs that it names, in the order of the study.")
    levels: list[list[Level]] = Field(description="Levels of each of these knobs, in the order of the study.")
    centre: dict[str, Level] = Field(
        description="Configuration that it varies, every knob; the baseline in a factorial stage."
    )
    chosen: ChosenStage | None = Field(
        default=None, description="Of a screening or its confirmation, which have blocks of their own; else null."
    )
    omitted_if_null: ClassVar[frozenset[str]] = frozenset({"chosen"})

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what few stages have, so that records of the others stay as they were."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if value is not None or key not in self.omitted_if_null}
