"""Row indices as stretches of neighbours, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.analysis.groups.numbering import numbered_codes
from ablatrix.provenance.ranges import Ranges, count_rows, ranges_by, ranges_of, ranges_text, union


@pytest.mark.parametrize(
    ("indices", "ranges", "text"),
    [
        ([], (), ""),
        ([7], ((7, 7),), "7"),
        ([4, 3, 9, 5, 11, 10, 3], ((3, 5), (9, 11)), "3-5,9-11"),
        ([0, 2, 1, 9], ((0, 2), (9, 9)), "0-2,9"),
    ],
)
def test_ranges_of_neighbouring_indices_are_merged(indices: list[int], ranges: Ranges, text: str) -> None:
    assert ranges_of(indices) == ranges
    assert ranges_text(ranges) == text


@pytest.mark.parametrize(
    ("several", "whole", "count"),
    [
        ([], (), 0),
        ([((3, 3),)], ((3, 3),), 1),
        ([((0, 4), (9, 9)), ((5, 5),)], ((0, 5), (9, 9)), 7),
        ([((2, 4),), ((0, 9),)], ((0, 9),), 10),
        ([((7, 7),), ((1, 1),)], ((1, 1), (7, 7)), 2),
    ],
)
def test_union_of_touching_ranges_is_merged(several: list[Ranges], whole: Ranges, count: int) -> None:
    assert union(several) == whole
    assert count_rows(whole) == count


def test_ranges_by_groups_keep_apart_neighbours_of_two_groups() -> None:
    groups = numbered_codes(np.array([0, 0, 1, 1, 0, 2]))
    assert ranges_by(groups, np.array([0, 1, 2, 4])) == [((0, 1), (4, 4)), ((2, 2),), ()]
    assert ranges_by(groups, np.array([], np.int64)) == [(), (), ()]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1))
def test_ranges_by_groups_are_those_of_each_group(held: list[tuple[int, bool]]) -> None:
    groups = numbered_codes(np.array([code for code, _ in held]))
    rows = [row for row, (_, is_meant) in enumerate(held) if is_meant]
    expected = [ranges_of([row for row in rows if groups.numbers[row] == one]) for one in range(groups.count)]
    assert ranges_by(groups, np.array(rows, np.int64)) == expected
