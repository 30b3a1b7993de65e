"""Row indices as stretches of neighbours, and back."""

import pytest

from ablatrix.provenance.ranges import Ranges, count_rows, ranges_of, ranges_text, union


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
