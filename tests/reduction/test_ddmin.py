"""Delta debugging on lists, against predicates whose smallest parts are known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.reduction.ddmin import Test, ddmin, ddmin_by_levels, split


def _holds(wanted: set[int]) -> Test[int]:
    return lambda part: wanted <= set(part)


@given(st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), min_size=1))))
def test_ddmin_monotone_predicate_returns_its_one_smallest_part(case: Any) -> None:
    size, wanted = case
    assert ddmin(range(size), _holds(wanted)) == tuple(sorted(wanted))


@given(
    st.integers(2, 16).flatmap(
        lambda size: st.tuples(
            st.just(size), st.sets(st.frozensets(st.integers(0, size - 1), min_size=1), min_size=1, max_size=4)
        )
    )
)
def test_ddmin_several_reasons_leaves_nothing_to_remove(case: Any) -> None:
    size, reasons = case

    def test(part: tuple[int, ...]) -> bool:
        return any(one <= set(part) for one in reasons)

    found = ddmin(range(size), test)
    assert test(found)
    assert not any(test(found[:at] + found[at + 1 :]) for at in range(len(found)))


@given(st.integers(1, 30), st.data())
def test_ddmin_by_levels_is_1_minimal(size: int, data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    width = data.draw(st.integers(1, size))
    coarse = [list(range(size))[at : at + width] for at in range(0, size, width)]
    assert ddmin_by_levels([coarse, [[one] for one in range(size)]], _holds(wanted)) == tuple(sorted(wanted))


def test_ddmin_single_fault_of_1024_asks_few_times() -> None:
    asked = []

    def test(part: tuple[int, ...]) -> bool:
        asked.append(part)
        return 700 in part

    assert ddmin(range(1024), test) == (700,)
    assert len(asked) <= 20


def test_ddmin_equal_units_are_told_apart() -> None:
    assert ddmin([1, 1, 1, 2], lambda part: sum(part) >= 4) == (1, 1, 2)


@pytest.mark.parametrize(("size", "pieces", "sizes"), [(5, 2, [2, 3]), (3, 3, [1, 1, 1]), (1, 1, [1])])
def test_split_gives_neighbouring_parts(size: int, pieces: int, sizes: list[int]) -> None:
    parts = split(range(size), pieces)
    assert [len(one) for one in parts] == sizes
    assert [unit for one in parts for unit in one] == list(range(size))
