"""Why a configuration lacks a value: counts of blocks by what kept it from having one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_NAMED = 3  # configurations that a reason names; a whole level that fails has many


class Cause(StrEnum):
    """What keeps a configuration from having a value where the status of no trial says it."""

    NO_RECORD = "no_record"
    NO_BASELINE = "no_baseline"
    NO_VALUE = "no_value"


@dataclass(frozen=True)
class Absence:
    """Why a configuration lacks a value in some block or in all.

    Attributes:
        counts: Blocks by the status of the trial, or by the `Cause`, that kept it from having a value there; sorted.
            Empty where no block has run it.
        blocks: All blocks, with or without a value.
    """

    counts: tuple[tuple[str, int], ...]
    blocks: int

    @classmethod
    def of(cls, counts: Mapping[str, int], blocks: int) -> Self:
        """Return an absence from counts in any order; counts of 0 are omitted."""
        return cls(tuple(sorted((kind, count) for kind, count in counts.items() if count)), blocks)

    @property
    def is_not_run(self) -> bool:
        """Whether no block has run the configuration."""
        return not self.counts

    @property
    def kinds(self) -> frozenset[str]:
        """The statuses and causes that kept it from having a value."""
        return frozenset(kind for kind, _ in self.counts)

    @property
    def only_unsupported(self) -> bool:
        """Whether it lacks values for no other reason than that the compiler does not support it."""
        return self.kinds == {"unsupported"}


NOT_RUN = Absence((), 0)


@dataclass(frozen=True)
class Lack:
    """Configurations that lack values for one reason.

    Attributes:
        names: Configurations, as a message names them.
        more: Further ones that are not named.
    """

    absence: Absence
    names: tuple[str, ...]
    more: int = 0

    @classmethod
    def of(cls, absence: Absence, names: Iterable[str]) -> Self:
        """Return a lack that names the first `MAX_NAMED` configurations and counts the others."""
        every = tuple(names)
        return cls(absence, every[:MAX_NAMED], max(len(every) - MAX_NAMED, 0))
