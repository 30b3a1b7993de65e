"""Names and titles as a study file has them."""

from typing import Annotated

from pydantic import Field

from ablatrix.documents.spelling import LINE, NAME
from ablatrix.records.metrics import Language

Name = Annotated[str, NAME, Field(max_length=64)]
TitleText = Annotated[str, LINE, Field(max_length=64)]
Title = TitleText | Annotated[dict[Language, TitleText], Field(min_length=1)]
