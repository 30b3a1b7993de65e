"""The belief over sets of candidates."""

import pytest

from ablatrix.statistics.bisection import SetLook, set_probability

ALL = frozenset(range(8))


def off(*members: int) -> frozenset[int]:
    return frozenset(members)


def with_three(*further: SetLook) -> list[SetLook]:
    """Return looks at a fault of candidate 3."""
    looks = [SetLook(off(), True), SetLook(off(), True), SetLook(ALL, False), SetLook(off(0, 1, 2, 3), False)]
    return [*looks, SetLook(off(0, 1), True), SetLook(off(0, 1, 2), True), *further]


def test_set_probability_grows_with_what_confirms_it() -> None:
    before = set_probability(with_three(), 8, [3], "one")
    after = set_probability(with_three(SetLook(off(3), False), SetLook(ALL - {3}, True)), 8, [3], "one")
    assert 0.5 < before < after
    assert after > 0.95


def test_set_probability_of_a_set_that_looks_contradict_is_small() -> None:
    assert set_probability(with_three(SetLook(off(3), False)), 8, [5], "one") < 0.01


def test_set_probability_tells_together_from_each() -> None:
    both = [SetLook(off(), True), SetLook(off(), True), SetLook(off(1), False), SetLook(off(4), False)]
    alone = [SetLook(ALL, False), SetLook(ALL - {1, 4}, True), SetLook(ALL - {1}, False), SetLook(ALL - {4}, False)]
    looks = [*both, *alone, SetLook(off(1, 2), False), SetLook(off(4, 5), False)]
    assert set_probability(looks, 8, [1, 4], "together") > 0.9
    assert set_probability(looks, 8, [1, 4], "each") < 0.01


def test_set_probability_of_times_takes_their_doubt() -> None:
    sure = [SetLook(one.off, one.shown, 0.001) for one in with_three(SetLook(off(3), False))]
    unsure = [SetLook(one.off, one.shown, 0.3) for one in sure]
    assert set_probability(sure, 8, [3], "one") > set_probability(unsure, 8, [3], "one")


def test_set_probability_of_an_empty_set_is_refused() -> None:
    with pytest.raises(ValueError, match="a set of candidates"):
        set_probability([], 3, [], "one")
