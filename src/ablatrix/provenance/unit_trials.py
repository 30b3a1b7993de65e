"""The ok trials of a unit in one mode as arrays: which of them have some levels and a value is asked very often."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import numbered
from ablatrix.analysis.table import BLOCK
from ablatrix.provenance.ranges import Ranges, ranges_of
from ablatrix.provenance.rows import ROW

Mask = NDArray[np.bool_]
Choices = Mapping[str, Sequence[str]]


class UnitTrials:
    """Trials of one unit, mode and role; masks say which of them are meant."""

    def __init__(self, trials: pl.DataFrame) -> None:
        """Take the trials, a row each."""
        self._trials = trials
        self._masks: dict[str, Mask] = {}
        self._levels: dict[str, tuple[NDArray[np.int64], Mapping[str, int]]] = {}

    def with_value(self, metric: str) -> Mask:
        """Return which trials have a positive value of a metric."""
        if metric not in self._masks:
            self._masks[metric] = _mask(self._trials[metric] > 0)
        return self._masks[metric]

    @cached_property
    def is_baseline(self) -> Mask:
        """Which trials are of the baseline."""
        return _mask(self._trials["is_baseline"])

    def among(self, choices: Choices) -> Mask:
        """Return which trials have one of the given levels of each knob that is named."""
        found: Mask = np.ones(self._trials.height, np.bool_)
        for knob, wanted in choices.items():
            numbers, known = self._levels_of(knob)
            chosen = [known[level] for level in wanted if level in known]
            found &= numbers == chosen[0] if len(chosen) == 1 else np.isin(numbers, chosen)
        return found

    def rows(self, mask: Mask) -> Ranges:
        """Return the rows of the trials that are meant."""
        return ranges_of(self._rows[mask])

    def blocks(self, mask: Mask) -> int:
        """Return in how many blocks they are."""
        return int(np.unique(self._blocks[mask]).size)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        return self._trials[ROW].cast(pl.Int64).to_numpy()

    @cached_property
    def _blocks(self) -> NDArray[np.int64]:
        return numbered(self._trials, BLOCK).numbers

    def _levels_of(self, knob: str) -> tuple[NDArray[np.int64], Mapping[str, int]]:
        if knob not in self._levels:
            column = f"knob_{knob}"
            found = numbered(self._trials, [column])
            names = self._trials[column][found.first].to_list()
            self._levels[knob] = found.numbers, {name: number for number, name in enumerate(names) if name is not None}
        return self._levels[knob]


def _mask(known: pl.Series) -> Mask:
    held: Mask = known.fill_null(value=False).to_numpy()
    return held
