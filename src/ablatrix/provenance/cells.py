"""Which rows the numbers of a table's groups follow from: all groups in one pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.groups import Whole, combined, numbered, numbered_codes
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, ranges_by, union
from ablatrix.provenance.rows import ROW, Rows
from ablatrix.provenance.units import Unit

Key = tuple[str | None, ...]


def cell_key(values: Sequence[Any]) -> Key:
    """Return what a group is found by: the values of its columns as text."""
    return tuple(None if value is None else str(value) for value in values)


def cell_rows(rows: Rows, groups: Sequence[str], taken: Mapping[str, pl.Expr]) -> dict[Key, dict[str, Ranges]]:
    """Return for each group of trials the rows of each of its statistics.

    Args:
        rows: The trials.
        groups: Columns that make a group.
        taken: The condition on the rows that a statistic takes, by its name.
    """
    found = numbered(rows.trials, groups)
    keys = rows.trials.select(groups)[found.first].rows()
    conditions = [condition.fill_null(value=False).alias(name) for name, condition in taken.items()]
    masks = rows.trials.lazy().select(ROW, *conditions).collect()
    ranges = {name: ranges_by(found, np.flatnonzero(masks[name].to_numpy())) for name in taken}
    return {cell_key(key): {name: ranges[name][index] for name in taken} for index, key in enumerate(keys)}


def ratio_rows(finder: RowFinder, groups: Sequence[str], compared: Mapping[str, str]) -> dict[Key, Ranges]:
    """Return for each group the rows of its ratio to the baseline: its own, and those that it is compared with.

    A trial is compared with the baseline of its compiler; the reference, which belongs to no compiler, with those of
    its blocks.

    Args:
        finder: Where rows are found.
        groups: Columns that make a group, ``mode`` among them.
        compared: The metric by mode.
    """
    trials = finder.rows.trials
    units = list(finder.units.values())
    has_value = pl.any_horizontal((pl.col("mode") == mode) & (pl.col(metric) > 0) for mode, metric in compared.items())
    is_reference = (pl.col("role") == "reference").fill_null(value=False)
    told = trials.lazy().select((IS_OK & has_value).fill_null(value=False).alias("own"), is_reference).collect()
    own = np.flatnonzero(told["own"].to_numpy())
    group, compiler = numbered(trials, groups), numbered(trials, ["compiler"])
    sets, set_of = _units_beside(units, trials)
    codes = combined(
        [
            (group.numbers[own], group.count),
            (set_of[own], len(sets)),
            (told["role"].to_numpy()[own].astype(np.int64), 2),
            (compiler.numbers[own], compiler.count),
        ]
    )
    beside: dict[int, set[int]] = {}
    for row in own[numbered_codes(codes).first].tolist():
        name = None if told["role"][row] else trials["compiler"][row]
        others = [number for number in sets[set_of[row]] if name in (None, units[number].compiler)]
        beside.setdefault(int(group.numbers[row]), set()).update(others)
    bases: dict[tuple[int, str], Ranges] = {}
    ranges = ranges_by(group, own)
    keys = trials.select(groups)[group.first].rows(named=True)
    result = {}
    for place, numbers in beside.items():
        mode = str(keys[place]["mode"])
        for number in numbers:
            if (number, mode) not in bases:
                bases[number, mode] = _of_baseline(finder, units[number], mode, compared[mode])
        compared_with = [bases[number, mode] for number in numbers]
        result[cell_key([*keys[place].values()])] = union([ranges[place], *compared_with])
    return result


def _units_beside(units: Sequence[Unit], trials: pl.DataFrame) -> tuple[list[tuple[int, ...]], Whole]:
    """Return the sets of units, by number, that have an ok trial in a block, and which of them each trial's block has.

    Blocks share few sets: most often each has one unit.
    """
    blocks = numbered(trials, BLOCK)
    of_block: list[tuple[int, ...]] = [()] * blocks.count
    for number, unit in enumerate(units):
        rows = [held[ROW].cast(pl.Int64).to_numpy() for held in unit.ok.values()]
        for block in np.unique(blocks.numbers[np.concatenate([np.empty(0, np.int64), *rows])]).tolist():
            of_block[block] = (*of_block[block], number)
    sets = {held: place for place, held in enumerate(dict.fromkeys(of_block))}
    places = np.array([sets[held] for held in of_block], np.int64)
    return list(sets), places[blocks.numbers]


def _of_baseline(finder: RowFinder, unit: Unit, mode: str, metric: str) -> Ranges:
    """Return the rows that a configuration of the unit is compared with; of paired times, the whole blocks."""
    return finder.of_ratio(unit, mode, metric, unit.baseline, unit.baseline)
