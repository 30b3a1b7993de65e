"""The base of a study's parts: what holds for every key of a study file."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

_log = logging.getLogger(__name__)


class Part(BaseModel):
    """Base of a study's parts: frozen, unknown keys are faults; a renamed key is read by its old spelling, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    old_spellings: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _read_old_spellings(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        read = dict(given)
        for new, old in cls.old_spellings.items():
            if old not in read:
                continue
            if new in read:
                raise ValueError(f"'{old}' is the old spelling of '{new}', and both are given; keep '{new}'")
            _log.warning("study: key '%s' is now called '%s'; the old spelling is still read", old, new)
            read[new] = read.pop(old)
        return read

    def in_old_spelling(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what this part was dumped as, with every renamed key in its first spelling: digests rest on it."""
        parts = {name: value for name, value in self if isinstance(value, Part)}
        return {
            self.old_spellings.get(name, name): parts[name].in_old_spelling(value) if name in parts else value
            for name, value in data.items()
        }
