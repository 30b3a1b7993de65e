"""The base of every part of a record, and its kinds of numbers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """Base of every part of a record: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")
