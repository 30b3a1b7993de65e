"""Levels and configurations as a study file writes them."""

from typing import Annotated

from pydantic import BeforeValidator, Field, StrictFloat, StrictInt, StrictStr

from ablatrix.compilers.catalogue import plain_level

Level = Annotated[StrictStr | StrictInt | StrictFloat, BeforeValidator(plain_level)]
Levels = Annotated[list[Level], Field(min_length=1)]
Knobs = dict[str, Level]
