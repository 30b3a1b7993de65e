"""Names and titles as a study file has them."""

from typing import Annotated

from pydantic import Field

from ablatrix.records.metrics import Language

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
TitleText = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=64)]
Title = TitleText | Annotated[dict[Language, TitleText], Field(min_length=1)]
