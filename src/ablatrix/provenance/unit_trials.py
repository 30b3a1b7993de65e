"""The ok trials of a unit in one mode as arrays: which of them have some levels and a value is asked very often."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import Whole, controlled_cells, numbered
from ablatrix.analysis.table import BLOCK
from ablatrix.provenance.ranges import Ranges, ranges_of

Mask = NDArray[np.bool_]
Choices = Mapping[str, Sequence[str]]


class RowNumbers:
    """The rows of all trials as arrays, made once for all units."""

    def __init__(self, trials: pl.DataFrame) -> None:
        """Take all rows, in order."""
        self._trials = trials
        self._masks: dict[str, Mask] = {}
        self._levels: dict[str, tuple[Whole, Mapping[str, int]]] = {}

    def with_value(self, metric: str) -> Mask:
        """Return which rows have a positive value of a metric."""
        if metric not in self._masks:
            self._masks[metric] = _mask(self._trials[metric] > 0)
        return self._masks[metric]

    @cached_property
    def is_controlled(self) -> Mask:
        """Which rows are of a configuration that the A/A control is of: the baseline, and that of a further build."""
        return _mask(self._trials["cell_id"].is_in(controlled_cells(self._trials).implode()))

    @cached_property
    def blocks(self) -> Whole:
        """The block of each row by its number."""
        return numbered(self._trials, BLOCK).numbers

    def levels(self, knob: str) -> tuple[Whole, Mapping[str, int]]:
        """Return the level of a knob in each row by its number, and the numbers by level."""
        if knob not in self._levels:
            found = numbered(self._trials, [f"knob_{knob}"])
            names = self._trials[f"knob_{knob}"][found.first].to_list()
            self._levels[knob] = found.numbers, {name: number for number, name in enumerate(names) if name is not None}
        return self._levels[knob]


class UnitTrials:
    """Trials of one unit, mode and role; masks say which of them are meant."""

    def __init__(self, every: RowNumbers, rows: Whole) -> None:
        """Take all rows, and those of the unit."""
        self._every, self._rows = every, rows
        self._levels: dict[str, tuple[Whole, Mapping[str, int]]] = {}

    def with_value(self, metric: str) -> Mask:
        """Return which trials have a positive value of a metric."""
        return self._every.with_value(metric)[self._rows]

    @property
    def is_controlled(self) -> Mask:
        """Which trials are of a configuration that the A/A control is of."""
        return self._every.is_controlled[self._rows]

    def among(self, choices: Choices) -> Mask:
        """Return which trials have one of the given levels of each knob that is named."""
        found: Mask = np.ones(self._rows.size, np.bool_)
        for knob, wanted in choices.items():
            if knob not in self._levels:
                numbers, known = self._every.levels(knob)
                self._levels[knob] = numbers[self._rows], known
            numbers, known = self._levels[knob]
            chosen = [known[level] for level in wanted if level in known]
            found &= numbers == chosen[0] if len(chosen) == 1 else np.isin(numbers, chosen)
        return found

    def at(self, choices: Choices) -> Whole:
        """Return the rows of the trials that have one of the given levels of each knob that is named."""
        return self._rows[self.among(choices)]

    def rows(self, mask: Mask) -> Ranges:
        """Return the rows of the trials that are meant."""
        return ranges_of(self._rows[mask])

    def beside(self, rows: Whole) -> Whole:
        """Return which of some rows are in a block of these trials."""
        blocks = self._every.blocks
        own = np.zeros(int(blocks.max(initial=-1)) + 1, np.bool_)
        own[blocks[self._rows]] = True
        return rows[own[blocks[rows]]]

    def blocks(self, mask: Mask) -> int:
        """Return in how many blocks they are."""
        return int(np.count_nonzero(np.bincount(self._every.blocks[self._rows[mask]])))  # sorting takes much longer


def _mask(known: pl.Series) -> Mask:
    held: Mask = known.fill_null(value=False).to_numpy()
    return held
