"""Rows are numbered by the values of columns: equal numbers for equal values, whatever their kind."""

import polars as pl
import pytest

from ablatrix.analysis.groups import numbering
from ablatrix.analysis.groups.numbering import numbered

TABLE = pl.DataFrame(
    {
        "label": pl.Series(["b", "a", None, "b", "a", "b"], dtype=pl.Categorical()),
        "text": ["x", "x", "y", "x", None, "x"],
        "whole": [2**60, -(2**60), 0, 2**60, -(2**60), 2**60],
        "flag": [True, False, None, True, False, False],
        "real": [0.5, 0.5, 1.5, 0.5, 0.5, 0.5],
        "same": [1, 1, 1, 1, 1, 1],
    }
)


@pytest.mark.parametrize(
    ("columns", "groups"),
    [
        (["label"], [[0, 3, 5], [1, 4], [2]]),
        (["text"], [[0, 1, 3, 5], [2], [4]]),
        (["whole"], [[0, 3, 5], [1, 4], [2]]),
        (["flag"], [[0, 3], [1, 4, 5], [2]]),
        (["real"], [[0, 1, 3, 4, 5], [2]]),
        (["same"], [[0, 1, 2, 3, 4, 5]]),
        (["label", "text"], [[0, 3, 5], [1], [2], [4]]),
        (["same", "flag", "label"], [[0, 3], [1, 4], [2], [5]]),
        (["whole", "label", "text", "flag"], [[0, 3], [1], [2], [4], [5]]),
    ],
)
@pytest.mark.parametrize(("largest", "sparsest"), [(4, 8), (2**62, 8), (2**62, 0)])
def test_rows_of_equal_values_have_one_number(
    columns: list[str], groups: list[list[int]], largest: int, sparsest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "LARGEST", largest)
    monkeypatch.setattr(numbering, "SPARSEST", sparsest)
    found = numbered(TABLE, columns)
    rows = [[row for row, number in enumerate(found.numbers) if number == one] for one in range(found.count)]
    assert sorted(rows) == groups
    assert [own.tolist() for own in found.rows()] == rows
    assert [found.first[number] for number in found.numbers] == [
        next(group[0] for group in groups if row in group) for row in range(TABLE.height)
    ]


def test_table_without_rows_has_no_number() -> None:
    found = numbered(TABLE.clear(), ["label", "text", "whole"])
    assert (found.count, found.numbers.tolist(), found.rows()) == (0, [], [])
