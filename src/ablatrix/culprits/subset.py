"""The search for the smallest set of candidates that has a trouble: pure, over whoever answers for a set of them off.

Each search is a binary one over what is switched off first, second, ...: with none off the trouble shows, with all off
it does not, so that somewhere on the way one candidate makes the difference, whatever else matters. That one is tried
alone; if that does not do, the search goes on among those before it, with this one off. This finds k culprits of n in
about k log2 n looks, as the replay method of interaction localisation and Zeller's dd do (Zeller 1999, "Yesterday, my
program worked. Today, it does not. Why?").

Then the other way round: does the trouble show with these alone? If not, it takes others as well: two passes that are
sound alone and wrong together.

A set without which the compiler fails in another way says nothing of the trouble. The candidate that makes this
difference is looked for in the same way, and stays on from then on. A trouble that ends the program, such as a crash,
can hide such a failure, of a candidate that is off already, until the culprit is off: then it is the culprit that makes
the difference. So that one is tried alone first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ablatrix.statistics.bisection import Relation
from ablatrix.troubles import Answer

Ending = Literal["found", "not_among", "unstable", "most_looks"]
MOST_CULPRITS = 4
"""A set of more is not searched for."""


class Ask(Protocol):
    """Answers whether the trouble shows."""

    def __call__(self, off: frozenset[int], why: str) -> Answer:
        """Return it for some candidates switched off.

        Raises:
            MostLooks: No further look is allowed.
        """
        ...


class MostLooks(Exception):
    """As many looks were made as are allowed."""


@dataclass(frozen=True, kw_only=True)
class FoundSet:
    """What a search came to.

    Attributes:
        ending: ``found``; ``not_among``: the trouble stays with all candidates switched off; ``unstable``: what showed
            with some switched off is not what shows with them; ``most_looks``: no answer within the looks allowed.
        culprits: The smallest set, in order.
        relation: ``one``; ``together``: any one of them switched off removes the trouble; ``each``: all have to be off.
        alone: Whether the trouble shows with these alone on; None where that cannot be said.
        stay: Candidates that had to stay on, as the compiler fails in another way without them.
    """

    ending: Ending
    culprits: tuple[int, ...] = ()
    relation: Relation = "one"
    alone: bool | None = None
    stay: tuple[int, ...] = ()


def find_set(count: int, ask: Ask, stay: Sequence[int] = (), *, hides: bool = False) -> FoundSet:
    """Return the smallest set of candidates that has the trouble.

    Args:
        count: How many there are; with none of them off the trouble shows.
        ask: Answers for a set that is off.
        stay: Candidates that are known to be needed: they are never switched off.
        hides: Whether the trouble can come before another failure, which shows only when the trouble is gone.
    """
    search = _Search(ask, [one for one in range(count) if one not in stay], list(stay), hides)
    try:
        return search.run()
    except MostLooks:
        return search.result("most_looks")


@dataclass
class _Search:
    ask_whoever: Ask
    free: list[int]
    stay: list[int]
    hides: bool
    culprits: list[int] = field(default_factory=list)
    relation: Relation = "one"
    alone: bool | None = None
    known: dict[frozenset[int], Answer] = field(default_factory=dict)

    def ask(self, off: Sequence[int] | frozenset[int], why: str) -> Answer:
        """Return what shows with some off; each set is looked at once."""
        key = frozenset(off)
        if key not in self.known:
            self.known[key] = "yes" if not key else self.ask_whoever(key, why)
        return self.known[key]

    def result(self, ending: Ending) -> FoundSet:
        """Return what is known now."""
        return FoundSet(
            ending=ending,
            culprits=tuple(self.culprits),
            relation=self.relation,
            alone=self.alone,
            stay=tuple(self.stay),
        )

    def run(self) -> FoundSet:
        """Search, and return what it came to."""
        if not self.all_off():
            return self.result("not_among")
        if self.culprits:  # one of them alone removes it
            self.find_partners()
            return self.result("found")
        last, off = list(self.free), list[int]()
        while last and len(off) < MOST_CULPRITS:
            place = self.first_that_removes(last, off)
            if place is None:
                return self.result("unstable" if not off else "found")
            off.append(last[place])
            self.culprits = list(off)
            if self.ask(off, f"{'it' if len(off) == 1 else 'these'} alone off") != "yes":
                break
            last = [one for one in last[:place] if one in self.free]
        else:
            return self.result("unstable")
        if self.ask(off, "") != "no":
            return self.result("unstable")
        self.drop_needless(off)
        self.find_partners()
        return self.result("found")

    def all_off(self) -> bool:
        """Switch off all that can be, and return whether that removes the trouble, or one candidate alone does."""
        while self.free:
            answer = self.ask(self.free, "all off")
            if answer in {"yes", "no"}:
                return answer == "no"
            found = self.first_that_breaks(self.free, (), 0, len(self.free))
            if self.removes((), found):
                self.culprits = [found]
                return True
            self.keep_on(found)
        return False

    def removes(self, off: Sequence[int], candidate: int) -> bool:
        """Return whether the trouble goes with a candidate that breaks a larger set, which the trouble hid so far."""
        return self.hides and self.ask([*off, candidate], "is it the one, or does the compiler need it") == "no"

    def first_that_removes(self, candidates: list[int], off: Sequence[int]) -> int | None:
        """Return the first place up to which candidates have to be off, beside some others, for the trouble to go.

        None where what stays on makes it impossible to say. Candidates that have to stay on leave the list.
        """
        low, high = 0, len(candidates)
        while high - low > 1:
            middle = (low + high) // 2
            answer = self.ask([*off, *candidates[:middle]], f"{middle} of {len(candidates)} off")
            if answer == "yes":
                low = middle
            elif answer == "no":
                high = middle
            else:
                found = self.first_that_breaks(candidates, off, low, middle)
                if self.removes(off, found):
                    return candidates.index(found)
                if found in self.free:
                    self.keep_on(found)
                    del candidates[candidates.index(found)]
                    high = len(candidates) if high > len(candidates) else high - 1
                    if self.ask([*off, *candidates[:high]], f"without {high} that can be off") != "no":
                        return None
        return high - 1 if candidates else None

    def first_that_breaks(self, candidates: Sequence[int], off: Sequence[int], low: int, high: int) -> int:
        """Return the candidate between two places with which something else goes wrong."""
        while high - low > 1:
            middle = (low + high) // 2
            if self.ask([*off, *candidates[:middle]], "which of them the compiler needs") in {"yes", "no"}:
                low = middle
            else:
                high = middle
        return candidates[high - 1]

    def keep_on(self, candidate: int) -> None:
        """Leave a candidate on from now on."""
        self.free.remove(candidate)
        self.stay.append(candidate)

    def drop_needless(self, off: Sequence[int]) -> None:
        """Leave out of several culprits those that need not be off, and say how they belong together."""
        for one in off[:-1] if len(off) > 1 else ():
            rest = [other for other in self.culprits if other != one]
            if self.ask(rest, "whether one of them is enough") == "no":
                self.culprits = rest
        self.relation = "one" if len(self.culprits) == 1 else "each"

    def find_partners(self) -> None:
        """See whether the culprits have the trouble alone, and find what else it takes."""
        if self.relation == "each" and self.stay:
            return
        others = [one for one in self.free if one not in self.culprits]
        if not others:
            self.alone = not self.stay or None
            return
        answer, off = self.ask(others, "all others off"), list[int]()
        while answer == "other" and self.hides:
            found = self.first_that_breaks(others, off, 0, len(others))
            others.remove(found)
            if self.removes(off, found):
                self.culprits.append(found)
                self.relation = "together"
            else:
                self.keep_on(found)
            answer = self.ask(others, "all others off")
        while answer == "no" and len(self.culprits) < MOST_CULPRITS:
            candidates = list(others)
            place = self.first_that_removes(candidates, off)
            if place is None:
                return
            self.culprits.append(candidates[place])
            self.relation = "together"
            off += candidates[:place]
            others = candidates[place + 1 :]
            answer = self.ask([*off, *others], "all but these off")
        self.alone = {"yes": True, "no": False}.get(answer)
