"""Whether a smaller program still has the trouble: every program once, kept in the journal, within bounds."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ablatrix.compilers.catalogue import Level
from ablatrix.errors import AblatrixError
from ablatrix.reduction.journal import Asked, Outcome, ReductionJournal
from ablatrix.reduction.question import OtherTrouble
from ablatrix.troubles import Configuration, Observation, Predicate, Trouble
from ablatrix.workloads.capture import FlatGraph, export_flat

CANDIDATES = "candidates"
FIRST_SET = "input set 0"
"""How the note on a wrong output begins where it is of the inputs that a saved program comes with."""
Tell = Callable[[str], None]


class SpentError(Exception):
    """So many programs, or so long, as the question allows: the smallest one so far is the result.

    Attributes:
        ending: Which bound it was.
    """

    def __init__(self, ending: str) -> None:
        super().__init__(ending)
        self.ending = ending


@dataclass(kw_only=True)
class Judge:
    """Asks programs for one trouble.

    Attributes:
        predicate: Asks configurations for it.
        configuration: The one that has it, of the whole program.
        control: Levels under which a program must not show it; None where the whole one does under those, too.
        journal: What was asked.
        out: Directory; the programs are kept in it.
        most_steps, most_seconds: Bounds.
        tell: Called with a sentence about each step.
        phase: What is being reduced, for people.
        best: The last program that showed it, and so the smallest.
        sure: The last one that was confirmed.
        shown: What that showed.
        is_strict: Whether every program that has the trouble is tried under the reference at once.
    """

    predicate: Predicate
    configuration: Configuration
    control: Mapping[str, Level] | None
    journal: ReductionJournal
    out: Path
    most_steps: int
    most_seconds: float
    tell: Tell
    phase: str = "nodes"
    best: FlatGraph | None = None
    sure: FlatGraph | None = None
    shown: Trouble | None = None
    is_strict: bool = False
    _spent: float = 0.0
    _met: set[str] = field(default_factory=set)

    def has_it(self, graph: FlatGraph | None) -> bool:
        """Return whether a program has the trouble; one that is None is no program.

        Raises:
            SpentError: The bounds are met, and this program was not asked before.
            InterruptedLook: The user stopped it.
        """
        if graph is None:
            return False
        digest = graph.digest()
        held = self.journal.asked.get(digest)
        if held is None:
            held = self._keep(self._ask(graph, digest))
        if held.outcome == "yes" and self.is_strict and self.control is not None and not held.controlled:
            held = self._keep(self._without(held))
        if digest not in self._met:
            self._met.add(digest)
            self._spent += held.seconds
        if held.outcome == "yes":
            self.best = graph
            if self.shown is None or not self.shown.is_slower:
                self.shown = replace(self.predicate.trouble, told=held.told)
        return held.outcome == "yes"

    def confirm(self, graph: FlatGraph) -> bool:
        """Return whether a program that has the trouble is without it under the reference, as it must be.

        Where it is not, every step is tried under the reference from then on, until `relax`.
        """
        self.is_strict = True
        found = self.has_it(graph)
        self.is_strict = not found
        if found:
            self.sure = graph
        return found

    def relax(self) -> None:
        """Try under the reference what a phase ends with alone, as at the beginning."""
        self.is_strict = False

    def _keep(self, asked: Asked) -> Asked:
        self.journal.append(asked)
        self.tell(self._line(asked))
        return asked

    def file(self, digest: str) -> Path:
        """Return where a program is kept."""
        return self.out / CANDIDATES / f"{digest[:16]}.pt2"

    def counts(self) -> dict[str, int]:
        """Return how many programs came to what."""
        return dict(sorted(Counter(one.outcome for one in self.journal.asked.values()).items()))

    def others(self) -> tuple[OtherTrouble, ...]:
        """Return other troubles that parts showed, those that were seen most often first; of each the smallest part."""
        by_text: dict[str, list[Asked]] = {}
        for one in self.journal.asked.values():
            if one.outcome in {"other", "slipped"}:
                by_text.setdefault(one.told, []).append(one)
        found = [
            OtherTrouble(text=text, programs=len(some), example=self.file(min(some, key=lambda one: one.nodes).digest))
            for text, some in by_text.items()
        ]
        return tuple(sorted(found, key=lambda one: -one.programs))

    def _ask(self, graph: FlatGraph, digest: str) -> Asked:
        if len(self.journal.asked) >= self.most_steps:
            raise SpentError("most_steps")
        if self._spent >= self.most_seconds:
            raise SpentError("most_time")
        start, file = time.monotonic(), self.file(digest)
        made = Asked(digest=digest, nodes=len(graph.operations), phase=self.phase, outcome="invalid")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.export.save(export_flat(graph), file)
        except Exception as error:  # torch's exporter raises errors of many kinds
            return _told(made, "invalid", f"it cannot be exported: {_first_line(error)}", start)
        try:
            seen = self.predicate.ask(replace(self.configuration, program=file), digest[:16])
        except AblatrixError as error:
            return _told(made, "invalid", _first_line(error), start)
        outcome, told = self._read(seen)
        if outcome == "yes" and seen.trouble is not None and seen.trouble.is_slower:
            self.shown = seen.trouble
        if outcome in {"no", "undecided", "invalid"}:
            file.unlink(missing_ok=True)
        if outcome != "yes":
            self._forget_prepared()
        return _told(made.model_copy(update={"trials": seen.trials}), outcome, told, start)

    def _without(self, held: Asked) -> Asked:
        """Try a program that has the trouble under the reference, where it must be fine."""
        start, digest = time.monotonic(), held.digest
        assert self.control is not None  # asked for where there is one
        asked = replace(self.configuration, program=self.file(digest)).at(self.control)
        seen = self.predicate.ask(asked, f"{digest[:16]}-without")
        self._forget_prepared()
        spent = {"trials": held.trials + seen.trials, "seconds": held.seconds + time.monotonic() - start}
        if seen.answer == "no":
            return held.model_copy(update={"controlled": True, **spent})
        what = seen.trouble.text if seen.trouble is not None else seen.why
        return held.model_copy(update={"outcome": "slipped", "told": f"without the setting, too: {what}", **spent})

    def _forget_prepared(self) -> None:
        """Remove what was prepared for the step: programs with their weights, which no other step has."""
        for one in (self.predicate.looks.directory / "programs").glob("program-*"):
            shutil.rmtree(one, ignore_errors=True)

    def _read(self, seen: Observation) -> tuple[Outcome, str]:
        wanted = self.predicate.trouble
        told = "" if seen.trouble is None else seen.trouble.told
        if seen.answer == "yes" and seen.trouble is not None and kind_of_wrong(told) != kind_of_wrong(wanted.told):
            return "other", seen.trouble.text
        if seen.answer == "yes" and wanted.kind == "wrong_output" and not told.startswith(FIRST_SET):
            return "no", "only with further inputs"
        if seen.answer == "other" and seen.trouble is not None:
            return "other", seen.trouble.text
        if seen.answer == "undecided" and "not prepared" in seen.why:
            return "invalid", seen.why
        return seen.answer, told if seen.answer == "yes" else seen.why

    def _line(self, one: Asked) -> str:
        words = {
            "yes": "the same trouble, and none without the setting" if one.controlled else "the same trouble",
            "no": "no trouble",
            "other": "another trouble",
            "undecided": "cannot be decided",
            "slipped": "not counted",
            "invalid": "no program to try",
        }[one.outcome]
        told = f" ({one.told[:120]})" if one.told and one.outcome != "yes" else ""
        return f"step {len(self.journal.asked)}, {one.phase}: {one.nodes} operations: {words}{told}"


def kind_of_wrong(note: str) -> str:
    """Return what is wrong with an output, from the note of its check: its shape, its type, their number, or values.

    Errors have none of these notes, and are all of one kind.
    """
    words = {": shape (": "shape", ": dtype ": "type", "the program returned": "number"}
    return next((kind for word, kind in words.items() if word in note), "values")


def _told(made: Asked, outcome: Outcome, told: str, start: float) -> Asked:
    """Return what was asked with what came of it."""
    return made.model_copy(update={"outcome": outcome, "told": told, "seconds": time.monotonic() - start})


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
