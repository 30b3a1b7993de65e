"""What a search for culprits came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.culprits.candidates import Candidate
from ablatrix.culprits.journal import Looked
from ablatrix.culprits.question import Question
from ablatrix.statistics.bisection import Relation
from ablatrix.statistics.ratio import Ratio
from ablatrix.troubles import Trouble

Ending = Literal[
    "found", "no_trouble", "other_trouble", "flaky", "no_candidates", "not_among", "unstable", "most_looks"
]


@dataclass(frozen=True, kw_only=True)
class Application:
    """Which application of a culprit it is.

    Attributes:
        title: Of the culprit.
        number: The application with which the trouble begins, from 1.
        count: How many there are.
        told: What the compiler says of that application; empty where it says nothing.
    """

    title: str
    number: int
    count: int
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """The first operation whose value departs from the oracle beyond the tolerance.

    Attributes:
        node: Its name in the program's graph.
        operation: What it computes.
        number: Its place in graph order, from 1.
        count: How many operations there are.
        line: Where the model has it: file and line with the text, or the module; empty where that is not known.
        values: What the check said of its values.
        before: Name of the operation before it whose value was right; empty where it is the first.
    """

    node: str
    operation: str
    number: int
    count: int
    line: str
    values: str
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a search for culprits came to.

    Attributes:
        ending: ``found``: the smallest set; ``no_trouble``: the configuration does not have it; ``other_trouble``: it
            has another one; ``flaky``: it shows in a part of its trials; ``no_candidates``: nothing can be switched
            off; ``not_among``: the trouble stays with all candidates switched off; ``unstable``: looks contradict each
            other; ``most_looks``: no answer within the looks allowed.
        trouble: What showed; None where nothing did.
        culprits: The smallest set.
        relation: ``one``; ``together``: any of them switched off removes the trouble; ``each``: all have to be off.
        alone: Whether the trouble shows with all other candidates off; None where that cannot be said.
        confidence: The probability that it is this set, from all looks; None without one.
        stay: Titles of candidates that were never switched off: without them the compiler fails in another way.
        whole: Of a slow-down: time of the configuration over that of the reference.
        cured: Of a slow-down: its time over that of the same with the culprits switched off, on blocks of its own.
        note: What is to be said of the candidates.
        looks: Every look, in order.
        trials: Trials of all looks, those of references and A/A controls not counted.
        compared: Directory with the configuration beside the one without the culprits; empty without one.
        application, departure: Which application of the culprit it is, and where in the model; None where that was not
            asked or cannot be said.
        why: Why one of these two cannot be said, a sentence each.
    """

    question: Question
    ending: Ending
    trouble: Trouble | None
    candidates: tuple[Candidate, ...] = ()
    culprits: tuple[Candidate, ...] = ()
    relation: Relation = "one"
    alone: bool | None = None
    confidence: float | None = None
    stay: tuple[str, ...] = ()
    whole: Ratio | None = None
    cured: Ratio | None = None
    note: str = ""
    looks: tuple[Looked, ...] = ()
    trials: int = 0
    seconds: float = 0.0
    compared: str = ""
    application: Application | None = None
    departure: Departure | None = None
    why: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether culprits are named, and, of a slow-down, confirmed on blocks of their own."""
        return self.ending == "found" and (self.cured is None or self.cured.side > 0)

    @property
    def shown(self) -> tuple[int, int]:
        """In how many looks at the whole configuration the trouble showed, and how many there were."""
        whole = [one for one in self.looks if not one.off]
        return sum(one.answer == "yes" for one in whole), len(whole)


def finding_data(found: Finding) -> dict[str, Any]:
    """Return a finding as plain data, for JSON."""
    trouble, configuration = found.trouble, found.question.configuration
    return {
        "ending": found.ending,
        "trouble": None
        if trouble is None
        else {
            "kind": trouble.kind,
            "error": trouble.error,
            "message": trouble.told or trouble.message,
            "phase": trouble.phase,
        },
        "workload": configuration.workload,
        "compiler": configuration.compiler,
        "knobs": dict(configuration.full_levels),
        "culprits": [
            {"title": one.title, "kind": one.kind, "level": one.bad, "off": one.neutral} for one in found.culprits
        ],
        "relation": found.relation,
        "alone": found.alone,
        "confidence": found.confidence,
        "stay": list(found.stay),
        "whole": _ratio_data(found.whole),
        "without": _ratio_data(found.cured),
        "application": None if found.application is None else vars(found.application),
        "departure": None if found.departure is None else vars(found.departure),
        "why": list(found.why),
        "note": found.note,
        "candidates": [one.title for one in found.candidates],
        "steps": [one.model_dump(mode="json", exclude={"what"}) for one in found.looks],
        "trials": found.trials,
        "seconds": found.seconds,
        "compared": found.compared,
    }


def _ratio_data(ratio: Ratio | None) -> dict[str, Any] | None:
    if ratio is None:
        return None
    return {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "blocks": ratio.count}
