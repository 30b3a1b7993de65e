"""The input of writers of sentences, and what they yield."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from ablatrix.analysis.claims import CheckedClaim
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.fragment import Fragment, Said, Term, say
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.references import Form, References, Subject
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")


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
        references: The tables and figures that sentences can name.
    """

    findings: Findings
    ledger: Ledger
    estimates: Estimates
    claims: Sequence[CheckedClaim] | None = None
    references: References = field(default_factory=References)

    @property
    def trials(self) -> pl.DataFrame:
        """All rows."""
        return self.ledger.rows.trials

    def part(self, condition: pl.Expr, *columns: str) -> pl.DataFrame:
        """Return the rows that meet a condition, with the columns that are read; see `Rows.part`."""
        return self.ledger.rows.part(condition, *columns)

    def ok(self, mode: str | None, role: str, *columns: str) -> pl.DataFrame:
        """Return the ok rows of one role, in one mode or in both, with the columns that are read."""
        kept = IS_OK & (pl.col("role") == role)
        return self.part(kept if mode is None else kept & (pl.col("mode") == mode), *columns)

    @cached_property
    def measured(self) -> pl.DataFrame:
        """The rows of measured trials, whatever became of them, with their workloads."""
        return self.part(pl.col("role") == "measured", "workload", "workload_digest")

    def of_workloads(self, named: Iterable[Sequence[str]]) -> pl.Expr:
        """Return whether a row is a measured one of some workloads, which are given by name and digest."""
        of_one = ((pl.col("workload") == name) & (pl.col("workload_digest") == digest) for name, digest in named)
        return (pl.col("role") == "measured") & pl.any_horizontal(pl.lit(value=False), *of_one)

    def place(self, unit: Unit) -> Fragment:
        """Return how a sentence names a workload on a compiler: by the workload alone if there is one compiler."""
        if len(self.estimates.compilers) == 1:
            return self.workload(unit)
        return say("on_compiler", workload=self.workload(unit), compiler=self.compiler(unit.compiler))

    def workload(self, unit: Unit) -> Term:
        """Return what a workload is called; with the start of its digest where several sizes share the name."""
        size = unit.label.removeprefix(unit.workload)
        return self._term(lambda code: self.findings.titles.workload(unit.workload, code) + size)

    def workload_named(self, name: str) -> Term:
        """Return what the workload with a name is called, whatever its size."""
        return self._term(lambda code: self.findings.titles.workload(name, code))

    def compiler(self, name: str) -> Term:
        """Return what a compiler is called."""
        return self._term(lambda code: self.findings.titles.compiler(name, code))

    def eager(self) -> Fragment:
        """Return what the reference is called."""
        return self.compiler("eager")

    def knob(self, name: str | None) -> Term:
        """Return what a knob is called; one without a title is a word of the study file."""
        titles = self.findings.titles
        called = self._term(lambda code: titles.knob(str(name), code))
        return called if titles.knobs.get(str(name)) else replace(called, is_code=True)

    def level(self, knob: str | None, level: str) -> Term:
        """Return what a level of a knob is called."""
        return self._term(lambda code: self.findings.titles.level(str(knob), level, code))

    @staticmethod
    def _term(title: Callable[[Language], str]) -> Term:
        return Term({code: title(code) for code in LANGUAGES})

    def see(self, subject: Subject, phrase: Form = "see") -> Fragment:
        """Return a reference to the table or figure that shows a subject; nothing where the paper has none."""
        return self.references.to(self.ledger, subject, phrase)


Written = Iterator[Sentence | LeftOut]
Writes = Callable[[Sources], Written]
