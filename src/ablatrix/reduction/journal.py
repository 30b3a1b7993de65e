"""What a reduction has asked, in a journal, so that one that is killed goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ablatrix.troubles import StepJournal, Wording

JOURNAL_NAME = "reduction.jsonl"
Outcome = Literal["yes", "no", "other", "undecided", "slipped", "invalid"]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Event):
    """The first line: the digest of what is asked. A journal goes on for the same question alone."""

    what: Literal["begun"] = "begun"
    version: Literal[1] = 1
    question: str


class Asked(_Event):
    """A program was asked for the trouble.

    Attributes:
        digest: Of the program with all its values.
        nodes: Its operations.
        phase: What was being reduced.
        outcome: ``yes``: the same trouble, ``no``: none, ``other``: another one, ``undecided``: neither can be said,
            ``slipped``: the same, but without the setting too, ``invalid``: it is no program that could be tried.
        controlled: Whether it was tried without the setting, too, and did not show it then.
        told: Of the trouble its message; of another one what it is; of what cannot be tried, why.
        trials, seconds: What it took.
    """

    what: Literal["asked"] = "asked"
    digest: str
    nodes: int
    phase: str
    outcome: Outcome
    controlled: bool = False
    told: str = ""
    trials: int = 0
    seconds: float = 0.0


EVENT: TypeAdapter[Begun | Asked] = TypeAdapter(Annotated[Begun | Asked, Field(discriminator="what")])


class ReductionJournal(StepJournal[Begun, Asked]):
    """An open journal of a reduction."""

    def __init__(self, directory: Path, question: str) -> None:
        """Open or begin the journal of a directory.

        Raises:
            TrialError: See `StepJournal`.
        """
        wording = Wording("reduction", "of another program, configuration, trouble or study")
        super().__init__(directory / JOURNAL_NAME, Begun(question=question), EVENT, wording)

    @property
    def asked(self) -> dict[str, Asked]:
        """Everything that was asked, by the program's digest; the last answer holds."""
        return {one.digest: one for one in self.events}
