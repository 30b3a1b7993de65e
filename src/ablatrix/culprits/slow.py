"""The search for what makes a configuration slow.

Knobs are searched first, all passes staying as they are. Then passes: where all of them switched off at once is faster,
as for any other trouble, against that. Where neither is, since most help, groups say nothing of one that does not: then
each is left out by itself, all of them beside the configuration in the same hot blocks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ablatrix.compilers.catalogue import Level
from ablatrix.culprits.asking import Asking
from ablatrix.culprits.concluding import finding, found_finding
from ablatrix.culprits.finding import Finding
from ablatrix.culprits.journal import Looked
from ablatrix.culprits.subset import find_set
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.troubles import Answer, Trouble

LEFT_OUT = "each left out by itself"
MOST_AGAIN = 6
"""So many of the largest are left out in a second block."""
MOST_CONFIRMED = 3
"""So many of the largest of these are measured once more, on fresh blocks."""


def find_slow(asking: Asking) -> Finding:
    """Return what makes the configuration slow."""
    return _SlowSearch(asking).run()


@dataclass
class _SlowSearch:
    asking: Asking

    def run(self) -> Finding:
        """Search knobs, then passes."""
        candidates = self.asking.candidates
        knobs = candidates.of_kind("knob")
        passes = [one for one in candidates.of_kind("pass") if not candidates.every[one].needed]
        if not knobs and not passes:
            return finding(self.asking, "no_candidates")
        for group, what in ((knobs, "knobs"), (passes, "passes")):
            if not group:
                continue
            reference = candidates.without(group).full_levels
            measured = self.measure(frozenset(), reference, f"how slow is it against no such {what}")
            if measured.answer == "yes":
                return self.search(group, reference, measured)
            if measured.answer == "other":
                self.asking.trouble = self.asking.seen_trouble(measured)
                return finding(self.asking, "other_trouble")
        return self.leave_out([*knobs, *passes])

    def measure(self, off: frozenset[int], reference: Mapping[str, Level], why: str) -> Looked:
        """Measure beside a reference, unless that is in the journal."""
        titles = self.asking.titles(off)
        held = next((one for one in self.asking.journal.looks if (one.off, one.why) == (titles, why)), None)
        return self.asking.measure(off, reference, why) if held is None else held

    def search(self, group: Sequence[int], reference: Mapping[str, Level], measured: Looked) -> Finding:
        """Search one group of candidates, against all of them off."""
        ratio = paired_ratio(measured.logs)
        asking = self.asking.at_slow_down(ratio, reference)

        def ask(off: frozenset[int], why: str) -> Answer:
            return "no" if len(off) == len(group) else asking(frozenset(group[one] for one in off), why)

        found = find_set(len(group), ask)
        if found.ending != "found":
            return found_finding(asking, found, group, whole=ratio)
        off = found.culprits if found.relation == "each" else found.culprits[:1]
        beside = self.confirm(frozenset(group[one] for one in off))
        return found_finding(asking, found, group, whole=ratio, cured=_ratio(beside), compared=beside.results[0])

    def confirm(self, off: frozenset[int]) -> Looked:
        """Measure the configuration beside the one without the culprits, on fresh blocks."""
        beside = self.asking.candidates.without(off).full_levels
        names = " and ".join(self.asking.titles(off))
        return self.measure(frozenset(), beside, f"beside the same without {names}")

    def leave_out(self, chosen: Sequence[int]) -> Finding:
        """Leave each candidate out by itself, measure the largest once more, and return those that are confirmed."""
        every = self.asking.candidates.every
        least = 1.0 + self.asking.question.least
        self.asking.tell(f"all off at once is not faster, so each of {len(chosen)} is left out by itself")
        self.screen(chosen, turn=1)
        again = self.largest(chosen, 1.0 + self.asking.question.least / 2.0)[:MOST_AGAIN]
        if again:
            self.screen(again, turn=2)
        confirmed = []
        for number in self.largest(again, least)[:MOST_CONFIRMED]:
            beside = self.confirm(frozenset([number]))
            ratio = _ratio(beside)
            if ratio is not None and ratio.side > 0 and ratio.value >= least:
                confirmed.append((every[number], beside.results[0], ratio))
        if not confirmed:
            return finding(self.asking, "no_trouble")
        best = max(confirmed, key=lambda one: one[2].value)
        named = tuple(one for one, _, _ in confirmed)
        sure = 1.0 - (best[2].p_value or 0.0)
        asking = replace(self.asking, trouble=Trouble(kind=self.asking.question.kind, ratio=best[2]))
        return finding(
            asking,
            "found",
            culprits=named,
            relation="one" if len(named) == 1 else "each",
            confidence=sure,
            cured=best[2],
            compared=best[1],
        )

    def largest(self, chosen: Sequence[int], least: float) -> list[int]:
        """Return those of some candidates without which the program is faster by a factor, the largest first."""
        gains: dict[int, float] = {}
        for one in chosen:
            title = self.asking.candidates.every[one].title
            looks = (look for look in self.asking.journal.looks if look.why == LEFT_OUT and look.off == (title,))
            logs = [log for look in looks for log in look.logs]
            if logs:
                gains[one] = math.exp(math.fsum(logs) / len(logs))
        return sorted((one for one, gain in gains.items() if gain >= least), key=lambda one: -gains[one])

    def screen(self, chosen: Sequence[int], turn: int) -> None:
        """Measure the configuration beside the same without each of some candidates, in one hot block."""
        every, asking, place = self.asking.candidates.every, self.asking, f"each-{turn}"
        held = {one.off for one in asking.journal.looks if (one.why, one.turn) == (LEFT_OUT, -turn)}
        left = [one for one in chosen if (every[one].title,) not in held]
        if not left:
            return
        levels = {every[one].knob: every[one].neutral for one in chosen}
        begun = time.monotonic()
        found = asking.looks.see_each(
            asking.candidates.configuration, place, levels, metric=asking.question.metric, turn=turn
        )
        seconds = (time.monotonic() - begun) / len(left)
        for one in left:
            looked = Looked(
                off=(every[one].title,),
                turn=-turn,
                why=LEFT_OUT,
                answer="undecided",
                logs=found[every[one].knob],
                trials=1,
                seconds=seconds,
                results=(place,),
            )
            asking.journal.append(looked)


def _ratio(measured: Looked | None) -> Ratio | None:
    return paired_ratio(measured.logs) if measured is not None and measured.logs else None
