"""What a search for culprits has seen, in a journal, so that one that is killed goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ablatrix.culprits.seen_passes import SeenPasses
from ablatrix.records.part import Level
from ablatrix.troubles import Answer, StepJournal, Wording

JOURNAL_NAME = "culprits.jsonl"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Event):
    """The first line: what is asked.

    Attributes:
        question: Digest of the question and of the study.
    """

    what: Literal["begun"] = "begun"
    version: Literal[1] = 1
    question: str


class Listed(_Event):
    """Which passes changed the program; a search that goes on keeps to them."""

    what: Literal["listed"] = "listed"
    seen: SeenPasses


class Looked(_Event):
    """One look, or the blocks of one question about times.

    Attributes:
        off: Titles of the candidates that were switched off.
        turn: How often the same was looked at before.
        why: What it was for.
        answer: Whether the trouble showed.
        shown: What showed instead, in words; empty where nothing did, or the trouble itself.
        kind, error, message, phase: The failure signature; empty where nothing was wrong.
        doubt: Of times: the chance that the answer is wrong.
        logs: Of times: log ratios to the reference, one a block.
        trials: Trials of the configuration.
        results: Directories of the runs.
    """

    what: Literal["looked"] = "looked"
    off: tuple[str, ...]
    turn: int = 0
    why: str
    answer: Answer
    shown: str = ""
    kind: str = ""
    error: str = ""
    message: str = ""
    phase: str = ""
    told: str = ""
    doubt: float = 0.0
    logs: tuple[float, ...] = ()
    trials: int
    seconds: float
    results: tuple[str, ...]


class Applied(_Event):
    """One look with a limit on how often a culprit is applied.

    Attributes:
        title: Of the culprit.
        limit: So many applications were allowed.
        answer: Whether the trouble showed.
    """

    what: Literal["applied"] = "applied"
    title: str
    limit: int
    answer: Answer
    levels: dict[str, Level] = Field(default_factory=dict)
    trials: int
    seconds: float
    results: tuple[str, ...]


class Cut(_Event):
    """One look at a program that is cut off behind a node.

    Attributes:
        node: Number of the node in graph order.
        answer: Whether its value departs.
        told: What the check said.
    """

    what: Literal["cut"] = "cut"
    node: int
    answer: Answer
    told: str = ""
    trials: int
    seconds: float
    results: tuple[str, ...]


Step = Listed | Looked | Applied | Cut
EVENT: TypeAdapter[Begun | Step] = TypeAdapter(Annotated[Begun | Step, Field(discriminator="what")])


class CulpritJournal(StepJournal[Begun, Step]):
    """An open journal of a search for culprits; see `StepJournal`."""

    def __init__(self, directory: Path, begun: Begun) -> None:
        """Open or begin the journal of a directory.

        Raises:
            TrialError: It is that of another question, another process writes it, or it cannot be read or written.
        """
        super().__init__(directory / JOURNAL_NAME, begun, EVENT, Wording("bisection", "another study or question"))

    @property
    def looks(self) -> list[Looked]:
        """All looks so far."""
        return [one for one in self.events if isinstance(one, Looked)]
