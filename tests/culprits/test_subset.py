"""The search for the smallest set of candidates, over answers that are made up."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Iterator

import pytest

from ablatrix.culprits.subset import FoundSet, MostLooks, find_set
from ablatrix.statistics.bisection import Relation
from ablatrix.troubles import Answer


class Made:
    """Answers for a fault that some candidates have together, or each of them."""

    def __init__(self, culprits: Collection[int], relation: Relation = "one", needed: Collection[int] = ()) -> None:
        self.culprits, self.relation, self.needed = culprits, relation, {*needed}
        self.hides = False
        self.looks = 0
        self.most = 1000

    def __call__(self, off: frozenset[int], why: str) -> Answer:
        if self.looks >= self.most:
            raise MostLooks
        self.looks += 1
        on = [one not in off for one in self.culprits]
        shows = any(on) if self.relation == "each" else all(on)
        if off & self.needed and not (shows and self.hides):
            return "other"
        return "yes" if shows else "no"


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 33, 64])
def test_find_set_of_one_culprit_names_it_in_few_looks(count: int) -> None:
    for culprit in range(count):
        made = Made([culprit])
        found = find_set(count, made)
        assert (found.ending, found.culprits, found.relation, found.alone) == ("found", (culprit,), "one", True)
        assert made.looks + 3 <= 2 * math.log2(max(count, 2)) + 6


@pytest.mark.parametrize("relation", ["together", "each"])
@pytest.mark.parametrize("size", [2, 3])
def test_find_set_of_several_names_them_and_how_they_belong(relation: Relation, size: int) -> None:
    draw = random.Random(7)
    for _ in range(40):
        culprits = draw.sample(range(20), size)
        found = find_set(20, Made(culprits, relation))
        assert (found.ending, sorted(found.culprits), found.relation) == ("found", sorted(culprits), relation)


def test_find_set_leaves_on_what_the_compiler_needs() -> None:
    draw = random.Random(3)
    for _ in range(40):
        culprit, *needed = draw.sample(range(24), 4)
        found = find_set(24, Made([culprit], needed=needed))
        assert found.culprits == (culprit,)
        assert {*found.stay} <= {*needed}


@pytest.mark.parametrize("size", [1, 2])
def test_find_set_of_a_crash_that_hides_what_the_compiler_needs_names_it(size: int) -> None:
    draw = random.Random(5)
    for _ in range(60):
        chosen = draw.sample(range(24), size + 3)
        made = Made(chosen[:size], "together", needed=chosen[size:])
        made.hides = True
        found = find_set(24, made, hides=True)
        assert (found.ending, sorted(found.culprits)) == ("found", sorted(chosen[:size]))
        assert {*found.stay} <= {*chosen[size:]}


def test_find_set_of_a_crash_before_a_failure_of_six_passes_names_it() -> None:
    # cse (3) crashes while it compiles; without flatten-call-graph (0) the compiler fails after it
    made = Made([3], needed=[0])
    made.hides = True
    found = find_set(6, made, hides=True)
    assert (found.culprits, found.alone) == ((3,), True)
    assert made.looks <= 6


def test_find_set_of_a_fault_of_none_is_not_among() -> None:
    found = find_set(8, lambda off, why: "yes")
    assert found == FoundSet(ending="not_among")


def test_find_set_never_switches_off_what_is_known_to_be_needed() -> None:
    made = Made([5], needed=[1, 2])
    seen: list[frozenset[int]] = []

    def ask(off: frozenset[int], why: str) -> Answer:
        seen.append(off)
        return made(off, why)

    assert find_set(8, ask, [1, 2]).culprits == (5,)
    assert not any(off & {1, 2} for off in seen)


def test_find_set_with_too_few_looks_says_so() -> None:
    made = Made([5])
    made.most = 3
    assert find_set(32, made).ending == "most_looks"


def test_find_set_of_answers_that_contradict_is_unstable() -> None:
    answers: Iterator[Answer] = itertools.chain(["no"], itertools.repeat("yes"))
    assert find_set(8, lambda off, why: next(answers)).ending in {"unstable", "not_among"}
