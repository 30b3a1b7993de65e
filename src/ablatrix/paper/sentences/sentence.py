"""The input of writers of sentences, and what they yield."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.claims import CheckedClaim
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.fragment import Fragment, Name, Said, say
from ablatrix.paper.ledger import Ledger
from ablatrix.provenance.units import Unit


@dataclass(frozen=True)
class Sentence:
    """One sentence (or a few that belong together) that the records support."""

    name: str
    body: Said


@dataclass(frozen=True)
class LeftOut:
    """A sentence that the records do not support."""

    name: str
    reason: Fragment


@dataclass(frozen=True)
class Sources:
    """The input of sentences.

    Attributes:
        ledger: Source of their numbers.
        claims: The checked claims; None if nothing is claimed.
    """

    findings: Findings
    ledger: Ledger
    estimates: Estimates
    claims: Sequence[CheckedClaim] | None = None

    @property
    def trials(self) -> pl.DataFrame:
        """All rows."""
        return self.ledger.rows.trials

    def ok(self, mode: str | None, role: str) -> pl.DataFrame:
        """Return the ok rows of one role, in one mode or in both."""
        kept = IS_OK & (pl.col("role") == role)
        return self.trials.filter(kept if mode is None else kept & (pl.col("mode") == mode))

    def place(self, unit: Unit) -> Fragment:
        """Return how a sentence names a workload on a compiler: by the workload alone if there is one compiler."""
        if len(self.estimates.compilers) == 1:
            return Name(unit.label)
        return say("on_compiler", workload=unit.label, compiler=unit.compiler)


Written = Iterator[Sentence | LeftOut]
Writes = Callable[[Sources], Written]
