"""Which rows the numbers of a table's groups follow from: all groups in one pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.groups import numbered
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, ranges_by, ranges_of, union
from ablatrix.provenance.rows import ROW, Rows
from ablatrix.provenance.units import Unit

Key = tuple[str | None, ...]
_UNIT, _COMPILER = "unit", "unit_compiler"


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
    own = trials.lazy().filter(IS_OK & has_value)
    is_compared = (pl.col("role") == "reference") | (pl.col("compiler") == pl.col(_COMPILER))
    needed = list(dict.fromkeys((*groups, *BLOCK, "role", "compiler", ROW)))
    found = (
        own.select(needed)
        .join(_units_of_blocks(units, trials).lazy(), on=BLOCK, how="left")
        .group_by(list(groups), maintain_order=True)
        .agg(pl.col(ROW), pl.col(_UNIT).filter(is_compared).drop_nulls().unique())
        .collect()
    )
    bases: dict[tuple[int, str], Ranges] = {}
    result = {}
    keys = found.select(groups).iter_rows(named=True)
    for key, of_key, own_rows in zip(keys, found[_UNIT].to_list(), found[ROW], strict=True):
        mode = str(key["mode"])
        for number in of_key:
            if (number, mode) not in bases:
                bases[number, mode] = _of_baseline(finder, units[number], mode, compared[mode])
        others = [bases[number, mode] for number in of_key]
        result[cell_key([key[name] for name in groups])] = union([ranges_of(own_rows), *others])
    return result


def _units_of_blocks(units: Sequence[Unit], trials: pl.DataFrame) -> pl.DataFrame:
    """Return which units, by number, have an ok trial in each block."""
    empty = trials.select(BLOCK).clear()
    parts = [
        held.select(BLOCK)
        .unique()
        .with_columns(pl.lit(number).alias(_UNIT), pl.lit(unit.compiler).cast(pl.Categorical()).alias(_COMPILER))
        for number, unit in enumerate(units)
        for held in (*unit.ok.values(), empty)
    ]
    return pl.concat(parts)


def _of_baseline(finder: RowFinder, unit: Unit, mode: str, metric: str) -> Ranges:
    """Return the rows that a configuration of the unit is compared with; of paired times, the whole blocks."""
    return finder.of_ratio(unit, mode, metric, unit.baseline, unit.baseline)
