"""What the parts of a record share, and what a record says of its stage."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Level = str | int | Finite


class Part(BaseModel):
    """Base of every part of a record: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StagePlan(Part):
    """What a stage of the study spans, for one workload and compiler."""

    number: Count = Field(description="Its place among the stages of the study, from 0.")
    kind: Literal["factorial", "around"] = Field(
        description="factorial: every combination of the levels; around: the centre, and each level by itself."
    )
    knobs: list[str] = Field(description="Knobs that it names, in the order of the study.")
    levels: list[list[Level]] = Field(description="Levels of each of these knobs, in the order of the study.")
    centre: dict[str, Level] = Field(
        description="Configuration that it varies, every knob; the baseline in a factorial stage."
    )
