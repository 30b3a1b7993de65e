"""Looks at configurations with candidates switched off; each is kept in the journal and made once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from ablatrix.compilers.catalogue import Level
from ablatrix.culprits.candidates import Candidates
from ablatrix.culprits.journal import CulpritJournal, Looked
from ablatrix.culprits.question import Question
from ablatrix.culprits.subset import MostLooks
from ablatrix.statistics.bisection import SetLook
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.troubles import (
    Answer,
    Configuration,
    Looks,
    Observation,
    Predicate,
    Sight,
    Trouble,
    failure_observation,
)

Tell = Callable[[str], None]
MEASURING, MOST_MEASURING = 3, 9
"""Blocks in which a slow-down, and what is left of it without the culprits, is measured; more while it is undecided."""
ENOUGH = 1.0 - 0.05 / (MOST_MEASURING // MEASURING)
"""Confidence of the interval of what is measured; see `Asking.measure`."""


@dataclass(kw_only=True)
class Asking:
    """Asks of the configuration, with some candidates off, whether it has the trouble.

    Attributes:
        question: What is asked.
        candidates: What can be switched off.
        journal: What was seen.
        looks: Runs the looks.
        tell: Called with a sentence about each look.
        trouble: What is looked for; None until it was seen.
        reference: Of a slow-down: levels of the configuration that is not slow.
    """

    question: Question
    candidates: Candidates
    journal: CulpritJournal
    looks: Looks
    tell: Tell
    trouble: Trouble | None = None
    reference: Mapping[str, Level] = field(default_factory=dict)

    def titles(self, off: Collection[int]) -> tuple[str, ...]:
        """Return the titles of some candidates, in order."""
        return tuple(self.candidates.every[one].title for one in sorted(off))

    def __call__(self, off: frozenset[int], why: str, *, turn: int = 0) -> Answer:
        """Return whether the trouble shows with some candidates off.

        Raises:
            MostLooks: No further look is allowed.
        """
        held = self.held(off, turn)
        return self.look(off, why, turn).answer if held is None else held.answer

    def held(self, off: Collection[int], turn: int = 0) -> Looked | None:
        """Return the look at the same that was made before, if there is one."""
        titles = self.titles(off)
        return next((one for one in self.journal.looks if (one.off, one.turn) == (titles, turn)), None)

    def look(self, off: frozenset[int], why: str, turn: int) -> Looked:
        """Look at the configuration with some candidates off, and keep what it showed.

        Raises:
            MostLooks: No further look is allowed.
        """
        number = len(self.journal.looks) + 1
        if number > self.question.most_looks:
            raise MostLooks
        observed = self.observe(off, f"{number:03d}", turn)
        answer = observed.answer
        if answer == "undecided" and observed.logs:  # as many blocks as allowed; the side is known, with its doubt
            assert self.trouble is not None and self.trouble.ratio is not None
            ratio = paired_ratio(observed.logs).value
            answer = "yes" if ratio**2 > self.trouble.ratio.value else "no"
        shown = observed.trouble
        looked = Looked(
            off=self.titles(off),
            turn=turn,
            why=why,
            answer=answer,
            shown=observed.why or (shown.text if shown is not None and answer == "other" else ""),
            **_signature(shown),
            doubt=observed.doubt,
            logs=observed.logs,
            trials=observed.trials,
            seconds=observed.seconds,
            results=observed.results,
        )
        self.journal.append(looked)
        self.tell(f"look {number}: {self.line(looked)}")
        return looked

    def observe(self, off: frozenset[int], place: str, turn: int) -> Observation:
        """Run the configuration with some candidates off."""
        configuration = self.candidates.without(off)
        if self.trouble is None:  # the first look, which shows what the trouble is
            sight = self.looks.see(configuration, place, self.question.mode_of_looks, turn=turn)
            asked = self.question.known or sight.trouble or Trouble(kind=self.question.kind)
            wanted = asked if asked.kind == self.question.kind else Trouble(kind=self.question.kind)
            return failure_observation(sight, wanted)
        predicate = Predicate(
            looks=self.looks,
            trouble=self.trouble,
            reference=self.reference,
            metric=self.question.metric,
            mode=self.question.mode,
            seen=[one.logs for one in self.journal.looks if one.logs],
        )
        return predicate.ask(configuration, place, turn=turn)

    def measure(self, off: frozenset[int], beside: Mapping[str, Level], why: str) -> Looked:
        """Measure the configuration, with some candidates off, beside another one in a few blocks, and keep that.

        While it is slower and the interval includes 1, as on a noisy machine, further blocks are measured. As it is
        looked at up to three times, the interval has a third of 5 % outside (Bonferroni).
        """
        number = len(self.journal.looks) + 1
        sights: list[Sight] = []
        while True:
            further = f"-{len(sights) + 1}" if sights else ""
            turn = number * 10 + len(sights)
            sights.append(self.sight(self.candidates.without(off), f"{number:03d}{further}", beside, turn))
            logs = tuple(log for one in sights for log in one.logs)
            ratio, trouble = paired_ratio(logs, ENOUGH) if logs else None, sights[-1].trouble
            is_larger = ratio is not None and ratio.value >= 1.0 + self.question.least
            decided = ratio is None or ratio.side != 0 or not is_larger or trouble is not None
            if decided or len(logs) >= MOST_MEASURING:
                break
        slower = is_larger and ratio is not None and ratio.side > 0
        answer: Answer = "other" if trouble is not None else "undecided" if ratio is None else "no"
        shown = trouble.text if trouble is not None else sights[-1].why
        looked = Looked(
            off=self.titles(off),
            turn=-number,
            why=why,
            answer="yes" if slower else answer,
            shown=shown if ratio is None else "",
            **_signature(trouble),
            logs=logs,
            trials=sum(one.trials for one in sights),
            seconds=sum(one.seconds for one in sights),
            results=tuple(one.results for one in sights),
        )
        self.journal.append(looked)
        self.tell(f"look {number}: {self.line(looked)}")
        return looked

    def sight(self, configuration: Configuration, place: str, beside: Mapping[str, Level], turn: int) -> Sight:
        """Measure a configuration beside another one in a few blocks."""
        return self.looks.see(
            configuration,
            place,
            self.question.mode_of_looks,
            reference=beside,
            metric=self.question.metric,
            blocks=MEASURING,
            turn=turn,
        )

    def line(self, looked: Looked) -> str:
        """Return a look in words."""
        all_of = {candidate.title for candidate in self.candidates.every}
        off = {*looked.off}
        on = [one.title for one in self.candidates.every if one.title not in off]
        if not off:
            what = "as it is"
        elif off == all_of:
            what = "without any candidate"
        elif len(off) <= 2:
            what = f"without {' and '.join(looked.off)}"
        elif len(on) <= 2:
            what = f"with {' and '.join(on)} alone"
        else:
            what = f"without {len(off)} of {len(all_of)} candidates"
        return f"{what} ({looked.why}): {self.answer_text(looked)}"

    def answer_text(self, looked: Looked) -> str:
        """Return what a look showed, in words."""
        kind = self.question.kind.replace("_", " ")
        if looked.logs and looked.answer in {"yes", "no", "undecided"}:
            ratio = paired_ratio(looked.logs)
            blocks = f"{ratio.count} block{'s' if ratio.count != 1 else ''}"
            sure = f", {100 * looked.doubt:.2g} % doubt" if looked.doubt > 0.0 else ""
            return f"{ratio.value:.4f} of the reference in {blocks}{sure}"
        if looked.answer in {"yes", "no"}:
            return kind if looked.answer == "yes" else f"not {kind}"
        return looked.shown or looked.answer

    def set_looks(self, group: Collection[int]) -> list[SetLook]:
        """Return the looks that say yes or no, of candidates by their place in a group."""
        place = {self.candidates.every[one].title: position for position, one in enumerate(group)}
        found = []
        for one in self.journal.looks:
            if one.answer in {"yes", "no"} and one.turn >= 0 and {*one.off} <= place.keys():
                off = frozenset(place[title] for title in one.off)
                found.append(SetLook(off, one.answer == "yes", one.doubt if one.logs else None))
        return found

    def seen_trouble(self, looked: Looked) -> Trouble:
        """Return the failure signature that a look showed."""
        return Trouble(
            kind=looked.kind, error=looked.error, message=looked.message, phase=looked.phase, told=looked.told
        )

    def at_slow_down(self, ratio: Ratio, reference: Mapping[str, Level]) -> Asking:
        """Return the same, looking for a slow-down against a reference."""
        return replace(self, trouble=Trouble(kind=self.question.kind, ratio=ratio), reference=reference)


def _signature(trouble: Trouble | None) -> dict[str, str]:
    if trouble is None:
        return {}
    return {name: getattr(trouble, name) for name in ("kind", "error", "message", "phase", "told")}
