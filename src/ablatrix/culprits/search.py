"""The search for the passes and settings that have a trouble; it goes on from what its journal holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.canonical import digest_value
from ablatrix.culprits.application import find_application
from ablatrix.culprits.asking import Asking, Tell
from ablatrix.culprits.candidates import Candidates, find_candidates
from ablatrix.culprits.concluding import finding, found_finding
from ablatrix.culprits.departure import find_departure
from ablatrix.culprits.finding import Ending, Finding
from ablatrix.culprits.journal import Applied, Begun, CulpritJournal, Cut, Listed, Looked
from ablatrix.culprits.question import Question
from ablatrix.culprits.seen_passes import SeenPasses, see_passes
from ablatrix.culprits.slow import find_slow
from ablatrix.culprits.subset import MostLooks, find_set
from ablatrix.records.status import Status
from ablatrix.trials.client import KeptServers
from ablatrix.trials.results import Progress
from ablatrix.troubles import Looks

LOCATED = ("found", "not_among", "no_candidates", "unstable")
"""Endings after which a wrong output is looked for in the model."""
TWICE, MOST_TURNS = 2, 5
"""The trouble has to show twice before the search begins; where it does not, so many looks say how often it does."""


def find_culprits(
    question: Question,
    out: Path,
    *,
    seen: SeenPasses | None = None,
    kept: KeptServers | None = None,
    progress: Progress | None = None,
    tell: Tell = lambda text: None,
) -> Finding:
    """Find the smallest set of passes and settings that has a trouble. Again into the same directory it goes on.

    Args:
        question: What is asked.
        out: Directory for the journal, and the run of each look.
        seen: The passes that change the program, where that is known; None: the compiler is asked.
        kept: Fork servers that other searches use, too; by default there are own ones.
        progress: Notified of what happens in each run.
        tell: Called with a sentence about each step.

    Raises:
        StudyError: The question does not fit the study. CompilerError: The compiler is not installed. TrialError: The
        directory cannot be written, or is that of another question. InterruptedLook: The user stopped it.
    """
    question.check()
    question.configuration.entry.refuse_absent()
    out = out.resolve()
    begun = Begun(question=_digest(question))
    with CulpritJournal(out, begun) as journal, Looks(out / "looks", progress, kept) as looks:
        candidates = _listed(question, seen, journal, looks, tell)
        asking = Asking(question=question, candidates=candidates, journal=journal, looks=looks, tell=tell)
        try:
            found = find_slow(asking) if question.is_slower else _FailureSearch(asking).run()
        except MostLooks:
            return finding(asking, "most_looks")
        return _closer(asking, found) if question.closer else found


def _closer(asking: Asking, found: Finding) -> Finding:
    """Return a finding with the application of the culprit, and the place in the model of a wrong output."""
    why: list[str] = []
    application, departure = None, None
    if found.holds and len(found.culprits) == 1 and found.culprits[0].kind == "pass" and not found.question.is_slower:
        culprit = found.culprits[0]
        application, reason = find_application(asking, culprit)
        why += [reason] if reason else []
    if found.question.kind == Status.WRONG_OUTPUT and found.ending in LOCATED:
        departure, reason = find_departure(asking)
        why += [reason] if reason else []
    further = [one for one in asking.journal.events if isinstance(one, Applied | Cut)]
    return replace(
        found,
        application=application,
        departure=departure,
        why=tuple(why),
        trials=found.trials + sum(one.trials for one in further),
        seconds=found.seconds + sum(one.seconds for one in further),
    )


def _digest(question: Question) -> str:
    configuration = question.configuration
    known = question.known
    fields: dict[str, Any] = {name: getattr(question, name) for name in ("kind", "mode", "metric", "least", "passes")}
    return digest_value(
        {
            **fields,
            "known": None if known is None else [known.kind, known.error, known.message],
            "baseline": dict(question.baseline),
            "levels": dict(configuration.full_levels),
            "workload": configuration.workload,
            "compiler": configuration.compiler,
            "study": configuration.study.digest,
        }
    )


def _listed(
    question: Question, seen: SeenPasses | None, journal: CulpritJournal, looks: Looks, tell: Tell
) -> Candidates:
    """Return the candidates; of a search that goes on those that it began with."""
    held = next((one for one in journal.events if isinstance(one, Listed)), None)
    if held is None:
        if seen is None:
            asks = "which passes changed the program is asked of the compiler"
            tell(asks if question.passes else "knobs alone are tried")
        held = Listed(seen=see_passes(question, looks) if seen is None else seen)
        journal.append(held)
    found = find_candidates(question, held.seen)
    knobs, passes = len(found.of_kind("knob")), len(found.of_kind("pass"))
    tell(
        f"{len(found.every)} candidates: {knobs} knobs and {passes} passes" + (f"; {found.note}" if found.note else "")
    )
    return found


@dataclass
class _FailureSearch:
    asking: Asking

    def run(self) -> Finding:
        """See whether the trouble shows, search, and return what it came to."""
        ending = self.verify()
        if ending is not None:
            return finding(self.asking, ending)
        every = self.asking.candidates.every
        if not every:
            return finding(self.asking, "no_candidates")
        stay = [number for number, one in enumerate(every) if one.needed]
        hides = self.asking.question.kind != Status.WRONG_OUTPUT  # which shows in programs that ran to their end
        found = find_set(len(every), self.asking, stay, hides=hides)
        if found.ending == "found":
            off = frozenset(found.culprits if found.relation == "each" else found.culprits[:1])
            if self.asking(off, "once more without", turn=1) != "no":
                found = replace(found, ending="unstable")
        return found_finding(self.asking, found, range(len(every)))

    def verify(self) -> Ending | None:
        """Look at the configuration as it is, and return why there is nothing to search; None where there is."""
        held: list[Looked] = []
        for turn in range(MOST_TURNS):
            why = "does it show" if turn == 0 else "does it show again"
            off = frozenset[int]()
            held.append(self.asking.held(off, turn) or self.asking.look(off, why, turn))
            shown = [one for one in held if one.answer == "yes"]
            if shown and self.asking.trouble is None:
                self.asking.trouble = self.asking.seen_trouble(shown[0])
            if len(shown) == len(held) == TWICE:
                return None
            if turn + 1 >= TWICE and not shown and self.asking.question.known is None:
                break
        if not shown:
            others = [one for one in held if one.answer != "no"]
            if others:
                self.asking.trouble = self.asking.seen_trouble(others[0]) if others[0].kind else None
                return "other_trouble"
            return "no_trouble"
        return "flaky"
