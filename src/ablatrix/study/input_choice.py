"""What a study says of an input of a model: a value, a range or a file."""

from typing import Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_serializer,
    model_validator,
)

from ablatrix.study.part import Part


class InputChoice(Part):
    """An input that is drawn from a range, or read from a file."""

    low: StrictInt | StrictFloat | None = Field(default=None, description="Smallest value of a range.")
    high: StrictInt | StrictFloat | None = Field(default=None, description="Largest value of a range.")
    file: str | None = Field(default=None, description="A .npz or .pt file, relative to the study file.")
    key: str | None = Field(default=None, description="Name within the file; the input's own when left out.")

    @model_validator(mode="after")
    def _range_or_file(self) -> "InputChoice":
        ranged = self.low is not None and self.high is not None
        if ranged == (self.file is not None) or (self.low is None) != (self.high is None):
            raise ValueError("an input has either 'low' and 'high', or a 'file'")
        if self.key is not None and self.file is None:
            raise ValueError("'key' goes with 'file'")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


Number = StrictBool | StrictInt | StrictFloat
Values = Number | list[Number] | list[list[Number]] | list[list[list[Number]]]
