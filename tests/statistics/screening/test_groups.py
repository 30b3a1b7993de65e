"""Group tests: what matters is found in few configurations, and what is not proven is said."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.screening import LeftOut, first_groups, left_out, next_groups

Cost = Callable[[frozenset[int]], float]


def searched(factors: int, cost: Cost, places: int, noise: float, seed: int, repeats: int = 4) -> LeftOut:
    """Search as a run does: rounds of blocks, each with all factors staying and the groups of the round."""
    rng = np.random.default_rng(seed)
    groups: list[tuple[int, ...]] = []
    blocks: list[dict[tuple[int, ...], float]] = []
    new = first_groups(range(factors), places)
    found = LeftOut((), None)
    while new:
        groups += new
        for _ in range(repeats):
            disturbance = float(rng.normal(0.0, 0.03))
            blocks.append(
                {one: disturbance + cost(frozenset(one)) + float(rng.normal(0.0, noise)) for one in ((), *new)}
            )
        table = np.array([[block.get(one, math.nan) for one in ((), *groups)] for block in blocks])
        found = left_out(groups, table, factors)
        new = next_groups(found, places)
        if not new and found.together is None and len(found.free) > 1 and found.free not in groups:
            new = (found.free,)
    return found


def summed(costs: dict[int, float]) -> Cost:
    return lambda gone: math.fsum(costs.get(one, 0.0) for one in gone)


def test_needed_factors_of_55_are_found_in_few_groups() -> None:
    found = searched(55, summed({3: 0.05, 29: 0.1, 30: -0.04}), 14, 0.003, 1)
    assert found.needed == (3, 29, 30)
    assert found.free == tuple(one for one in range(55) if one not in (3, 29, 30))
    assert len(found.tests) <= 14 + 14
    assert found.together is not None
    assert found.together.factors == found.free
    assert not found.together.matters
    ratio = next(one.ratio for one in found.tests if one.factors == (29,))
    assert ratio is not None
    assert ratio.value == pytest.approx(math.exp(0.1), rel=0.01)


def test_factors_that_stand_in_for_each_other_are_joint_and_not_free() -> None:
    found = searched(12, lambda gone: 0.2 if {4, 5} <= gone else 0.0, 4, 0.003, 2)
    assert found.needed == ()
    assert any({4, 5} <= {*one} for one in found.joint)
    assert not {4, 5} & {*found.free}


def test_group_that_does_not_work_is_divided_and_its_factor_needed() -> None:
    groups = [(0, 1), (2, 3), (0,), (1,)]
    rows = [[0.0, math.nan, 0.002, math.nan, -0.001], [0.0, math.nan, -0.003, math.nan, 0.002]]
    table = np.array([*rows, [0.1, math.nan, 0.1, math.nan, 0.101]])
    first = left_out(groups[:2], table[:, :3], 4, fails=[(0, 1)])
    assert next_groups(first, 4) == ((0,), (1,))
    found = left_out(groups, table, 4, fails=[(0, 1), (0,)])
    assert found.needed == (0,)
    assert found.free == (1, 2, 3)


def test_group_without_any_value_is_neither_needed_nor_free() -> None:
    table = np.array([[0.0, math.nan, 0.0], [0.1, math.nan, 0.1003]])
    found = left_out([(0, 1), (2, 3)], table, 4)
    assert (found.needed, found.free, found.undivided) == ((), (2, 3), ())


def test_groups_that_matter_without_room_to_divide_are_undivided() -> None:
    found = left_out([(0, 1), (2, 3)], np.array([[0.0, 0.5, 0.0], [0.1, 0.6, 0.1003], [0.2, 0.7003, 0.2]]), 4)
    assert found.undivided == ((0, 1),)
    assert next_groups(found, 1) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(1, 30))
def test_first_groups_hold_each_factor_once(factors: int, places: int) -> None:
    groups = first_groups(range(factors), places)
    assert [one for group in groups for one in group] == list(range(factors))
    assert len(groups) == min(factors, places)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_chance_of_calling_any_factor_that_does_nothing_is_at_most_5_percent() -> None:
    held = [searched(24, summed({7: 0.05}), 8, 0.01, seed) for seed in range(150)]
    wrong = sum({*one.needed} - {7} != set() or any(7 not in group for group in one.joint) for one in held)
    assert wrong / 150 <= 0.09  # 5 % and two standard errors


def test_columns_must_be_those_of_groups() -> None:
    with pytest.raises(ValueError, match="a column for all and for each of 1 groups"):
        left_out([(0,)], np.zeros((2, 3)), 1)
