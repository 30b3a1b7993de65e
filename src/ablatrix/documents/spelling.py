"""Rules on how a text is spelled, whose faults say the rule in words and not as a regular expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema


@dataclass(frozen=True)
class Spelled:
    """In ``Annotated[str, Spelled(...)]``: the text matches a pattern from its beginning to its end.

    The pattern is in the JSON schema as it is; words end the sentence "must ...".
    """

    pattern: str
    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def _checked(self, value: str) -> str:
        # Not re.match: with it, "$" would take a line break at the end.
        if re.fullmatch(self.pattern.removeprefix("^").removesuffix("$"), value) is None:
            raise PydanticCustomError("spelling", "Must {words}", {"words": self.words})
        return value


NAME = Spelled(
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "begin with a letter or digit and have letters, digits, '.', '_' and '-' alone"
)
LINE = Spelled(r"^\S(.*\S)?$", "be one line that neither begins nor ends with a space")
