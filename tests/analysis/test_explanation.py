"""The smallest sets of levels that tell bad configurations from good ones, held against trying everything."""

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.analysis.diagnosis.configurations import Condition, Conditions, Setting, Settings, described
from ablatrix.analysis.diagnosis.explanation import MAX_SETS, Explanation, explain, has

GRID = [
    tuple(Setting(knob, level) for knob, level in zip("abc", levels, strict=True))
    for levels in itertools.product(("0", "1", "2"), ("0", "1"), ("0", "1"))
]


def parsed(text: str) -> Settings:
    return tuple(Setting(*word.split("=")) for word in text.split())


LEVELS = {"a": "012", "b": "01", "c": "01"}
Wide = tuple[tuple[str, frozenset[str]], ...]  # the levels that each knob may have


def every_set() -> list[Wide]:
    """All sets of the grid: for each knob some of its levels, or all."""
    choices = [
        [(knob, frozenset(some)) for count in range(1, len(all_) + 1) for some in itertools.combinations(all_, count)]
        for knob, all_ in LEVELS.items()
    ]
    return list(itertools.product(*choices))


def holds(row: Settings, wide: Wide) -> bool:
    return all(held.level in allowed for held, (_, allowed) in zip(row, wide, strict=True))


def size(wide: Wide) -> int:
    return sum(len(allowed) < len(LEVELS[knob]) for knob, allowed in wide)


def smallest_by_trying(bad: list[Settings], good: list[Settings]) -> set[frozenset[Wide]]:
    fitting = [one for one in every_set() if not any(holds(row, one) for row in good)]
    widest = [
        one
        for one in fitting
        if any(holds(row, one) for row in bad)
        and not any(
            other != one and all(b >= a for (_, a), (_, b) in zip(one, other, strict=True)) for other in fitting
        )
    ]
    for count in range(1, MAX_SETS + 1):
        found = [
            frozenset(sets)
            for sets in itertools.combinations(widest, count)
            if all(any(holds(row, one) for one in sets) for row in bad)
        ]
        if found:
            least = min(sum(map(size, sets)) for sets in found)
            return {sets for sets in found if sum(map(size, sets)) == least}
    return set()


def widened(conditions: Conditions) -> Wide:
    excluded = {one.knob: one.excluded for one in conditions}
    return tuple((knob, frozenset(levels) - frozenset(excluded.get(knob, ()))) for knob, levels in LEVELS.items())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["bad", "good", "unknown"]), min_size=len(GRID), max_size=len(GRID)))
def test_explanation_search_finds_exactly_all_smallest_ones(states: list[str]) -> None:
    bad = [row for row, state in zip(GRID, states, strict=True) if state == "bad"]
    good = [row for row, state in zip(GRID, states, strict=True) if state == "good"]
    found = explain(bad, good)
    assert {frozenset(map(widened, one)) for one in found} == (smallest_by_trying(bad, good) if bad else set())
    assert len(found) == len({frozenset(one) for one in found})
    for explanation in found:
        assert all(any(has(row, one) for one in explanation) for row in bad)
        assert not any(has(row, one) for row in good for one in explanation)


def texts(found: list[Explanation]) -> list[list[str]]:
    return [[described(one) for one in explanation] for explanation in found]


@pytest.mark.parametrize(
    ("causes", "expected"),
    [
        (["a=1"], ["a=1"]),
        (["a=1 c=1"], ["a=1, c=1"]),
        (["a=1", "b=1 c=1"], ["a=1", "b=1, c=1"]),
        (["a=1", "a=2"], ["a!=0"]),
        (["a=1 b=1", "a=2 b=1"], ["a!=0, b=1"]),
        ([""], ["every configuration"]),
    ],
)
def test_explanation_search_recovers_planted_causes(causes: list[str], expected: list[str]) -> None:
    bad = [row for row in GRID if any(set(parsed(cause)) <= set(row) for cause in causes)]
    assert texts(explain(bad, [row for row in GRID if row not in bad])) == [expected]


def test_explanation_of_nothing_bad_is_none() -> None:
    assert explain([], GRID) == []


def test_explanation_search_names_all_indistinguishable_causes() -> None:
    """a and b were always moved together, so that either may be the cause."""
    found = explain([parsed("a=1 b=1 c=0"), parsed("a=1 b=1 c=1")], [parsed("a=0 b=0 c=0")])
    assert texts(found) == [["a=1"], ["b=1"]]


def test_explanation_by_one_of_forty_levels_left_out_names_it() -> None:
    """Each optimiser is left out in turn; without the guilty one all is well."""
    rows = [(Setting("without", f"pass{number}"), Setting("z", "0")) for number in range(40)]
    (explanation,) = explain([*rows[:7], *rows[8:]], [rows[7]])
    assert described(explanation[0]) == "without!=pass7"


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition("k", ("a",), ("b", "c")), "k=a"),
        (Condition("k", ("a", "b"), ("c", "d")), "k=a|b"),
        (Condition("k", ("a", "b", "d"), ("c", "e")), "k!=c|e"),
    ],
)
def test_condition_is_named_by_shorter_list(condition: Condition, text: str) -> None:
    assert described([condition]) == text


def test_explanation_search_on_scattered_rows_finds_no_small_one() -> None:
    """The parity of five switches: each of the 16 odd rows would need a set of its own."""
    rows = [
        tuple(Setting(k, v) for k, v in zip("abcde", levels, strict=True))
        for levels in itertools.product("01", repeat=5)
    ]
    odd = [row for row in rows if sum(held.level == "1" for held in row) % 2]
    assert explain(odd, [row for row in rows if row not in odd]) == []


@pytest.mark.parametrize("pattern", ["planted", "random"])
def test_explanation_search_over_ten_knobs_takes_seconds(pattern: str) -> None:
    rows = [
        tuple(Setting(f"k{number}", level) for number, level in enumerate(levels))
        for levels in itertools.product("01", repeat=10)
    ]
    chosen = random.Random(3).sample(rows, 64)
    cause = (Setting("k2", "1"), Setting("k7", "0"))
    bad = [row for row in chosen if set(cause) <= set(row)] if pattern == "planted" else chosen[:20]
    start = time.perf_counter()
    found = explain(bad, [row for row in chosen if row not in bad])
    assert time.perf_counter() - start < 5
    if pattern == "planted":
        assert ["k2=1, k7=0"] in texts(found)
