"""The smallest sets of levels that tell bad configurations from good ones, held against trying everything."""

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.analysis.diagnosis.configurations import Setting, Settings
from ablatrix.analysis.diagnosis.explanation import MAX_SETS, Explanation, common, explain, has

GRID = [
    tuple(Setting(knob, level) for knob, level in zip("abc", levels, strict=True))
    for levels in itertools.product(("0", "1", "2"), ("0", "1"), ("0", "1"))
]


def parsed(text: str) -> Settings:
    return tuple(Setting(*word.split("=")) for word in text.split())


def every_set() -> list[Settings]:
    """All sets of levels of the grid: for each knob a level, or none."""
    chosen = itertools.product((None, "0", "1", "2"), (None, "0", "1"), (None, "0", "1"))
    return [
        tuple(Setting(knob, level) for knob, level in zip("abc", levels, strict=True) if level is not None)
        for levels in chosen
    ]


def smallest_by_trying(bad: list[Settings], good: list[Settings]) -> set[frozenset[Settings]]:
    fitting = [
        one for one in every_set() if any(has(row, one) for row in bad) and not any(has(row, one) for row in good)
    ]
    for count in range(1, MAX_SETS + 1):
        found = [
            frozenset(sets)
            for sets in itertools.combinations(fitting, count)
            if all(any(has(row, one) for one in sets) for row in bad)
        ]
        if found:
            least = min(sum(map(len, sets)) for sets in found)
            return {sets for sets in found if sum(map(len, sets)) == least}
    return set()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["bad", "good", "unknown"]), min_size=len(GRID), max_size=len(GRID)))
def test_explanation_search_finds_exactly_all_smallest_ones(states: list[str]) -> None:
    bad = [row for row, state in zip(GRID, states, strict=True) if state == "bad"]
    good = [row for row, state in zip(GRID, states, strict=True) if state == "good"]
    found = explain(bad, good)
    assert {frozenset(one) for one in found} == (smallest_by_trying(bad, good) if bad else set())
    assert len(found) == len({frozenset(one) for one in found})


@pytest.mark.parametrize(
    ("is_bad", "expected"),
    [
        (lambda row: has(row, parsed("a=1")), [(parsed("a=1"),)]),
        (lambda row: has(row, parsed("a=1 c=1")), [(parsed("a=1 c=1"),)]),
        (lambda row: has(row, parsed("a=1")) or has(row, parsed("b=1 c=1")), [(parsed("a=1"), parsed("b=1 c=1"))]),
        (lambda row: True, [((),)]),
        (lambda row: False, []),
    ],
)
def test_explanation_search_recovers_planted_causes(is_bad, expected: list[Explanation]) -> None:  # type: ignore[no-untyped-def]
    assert explain([row for row in GRID if is_bad(row)], [row for row in GRID if not is_bad(row)]) == expected


def test_explanation_search_names_all_indistinguishable_causes() -> None:
    """a and b were always moved together, so that either may be the cause."""
    assert explain([parsed("a=1 b=1 c=0"), parsed("a=1 b=1 c=1")], [parsed("a=0 b=0 c=0")]) == [
        (parsed("a=1"),),
        (parsed("b=1"),),
    ]


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
    bad = [row for row in chosen if has(row, cause)] if pattern == "planted" else chosen[:20]
    start = time.perf_counter()
    found = explain(bad, [row for row in chosen if row not in bad])
    assert time.perf_counter() - start < 5
    if pattern == "planted":
        assert (cause,) in found


def test_common_levels_are_shared_by_all_rows() -> None:
    assert common([parsed("a=1 b=0 c=1"), parsed("a=1 b=1 c=1")]) == parsed("a=1 c=1")
