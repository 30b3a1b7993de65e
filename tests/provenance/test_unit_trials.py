"""Which trials of a unit have some levels and a value."""

import numpy as np
import polars as pl
import pytest

from ablatrix.provenance.unit_trials import RowNumbers, UnitTrials

TRIALS = pl.DataFrame(
    {
        "run": [0, 0, 0, 0, 0],
        "block_id": ["a", "b", "a", "b", "c"],
        "role": ["measured", "twin", "measured", "measured", "reference"],
        "cell_id": ["base", "base", "fused", "more", "eager"],
        "knob_fusion": ["off", "off", "on", "more", None],
        "knob_tile": ["1", "1", "1", "2", "2"],
        "ms": [1.0, None, 2.0, 0.0, 3.0],
    }
)


def trials(rows: list[int]) -> UnitTrials:
    return UnitTrials(RowNumbers(TRIALS), np.array(rows, np.int64))


@pytest.mark.parametrize(
    ("choices", "found"),
    [
        ({}, [True, True, True, True, True]),
        ({"fusion": ("off",)}, [True, True, False, False, False]),
        ({"fusion": ("off", "more")}, [True, True, False, True, False]),
        ({"fusion": ("on", "more"), "tile": ("2",)}, [False, False, False, True, False]),
        ({"fusion": ("never",)}, [False, False, False, False, False]),
        ({"fusion": ()}, [False, False, False, False, False]),
    ],
)
def test_trials_among_levels_are_those_with_one_of_each(choices: dict[str, tuple[str, ...]], found: list[bool]) -> None:
    assert trials([0, 1, 2, 3, 4]).among(choices).tolist() == found


def test_trials_with_value_are_those_with_a_positive_one() -> None:
    held = trials([0, 1, 2, 3, 4])
    assert held.with_value("ms").tolist() == [True, False, True, False, True]
    assert held.is_controlled.tolist() == [True, True, False, False, False]


def test_rows_and_blocks_of_chosen_trials_are_counted_once() -> None:
    held = trials([0, 2, 3, 4])
    assert held.rows(held.with_value("ms")) == ((0, 0), (2, 2), (4, 4))
    assert held.blocks(held.with_value("ms")) == 2
    assert held.rows(held.among({"tile": ("2",)})) == ((3, 4),)


def test_unit_without_trials_has_no_row() -> None:
    held = trials([])
    assert held.rows(held.with_value("ms") & held.among({"fusion": ("on",)})) == ()
    assert held.blocks(held.is_controlled) == 0
