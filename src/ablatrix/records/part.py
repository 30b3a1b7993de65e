"""What all parts of a record share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """Base of every part of a record: frozen, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid")
