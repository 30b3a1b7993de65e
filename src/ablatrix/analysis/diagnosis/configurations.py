"""The configurations of each workload and compiler with their trials: what proofs, causes and fronts work on."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import (
    IN_RUN,
    PLAN,
    Instrument,
    Whole,
    grouped,
    host_columns,
    host_numbers,
    is_in_run_order,
    key_order,
    knob_order,
    numbered,
    over_hosts,
    ratios_to_baseline,
    sort_key,
)
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.records.status import Status
from ablatrix.statistics.ratio import Ratio

UNIT = ("workload", "workload_digest", "compiler")
_INDEX, _ROW = " index", " row"  # no column of a record begins with a space


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """One knob at one level."""

    knob: str
    level: str

    @property
    def text(self) -> str:
        """How messages name it."""
        return f"{self.knob}={self.level}"


Settings = tuple[Setting, ...]  # a whole configuration


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """The levels that one knob may have.

    Attributes:
        levels: Those that it may have, of the ones that configurations of the kind in question have; sorted.
        excluded: Those that it must not have, sorted. About any further level nothing is known.
    """

    knob: str
    levels: tuple[str, ...]
    excluded: tuple[str, ...]

    @property
    def text(self) -> str:
        """How messages name it: by the shorter of the two lists."""
        if 1 < len(self.levels) > len(self.excluded):
            return f"{self.knob}!={'|'.join(self.excluded)}"
        return f"{self.knob}={'|'.join(self.levels)}"


Conditions = tuple[Condition, ...]  # one for each of some knobs, all to be met


@dataclass(frozen=True, kw_only=True)
class Unit:
    """The measured trials of one workload (with its parameters) on one compiler.

    Attributes:
        digest: Of the workload: the same name can have several sizes.
        levels: Levels of each knob that has more than one, the baseline's first; knobs in the order of the study.
        baseline: The configuration that the study compares with, in these knobs.
        table: The trials that all units were made of.
        rows: Where the trials of each configuration are in the table, every status, in run order.
    """

    workload: str
    digest: str
    compiler: str
    levels: Mapping[str, tuple[str, ...]]
    baseline: Settings
    table: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False, compare=False)
    rows: Mapping[Settings, Whole] = field(default_factory=dict, repr=False, compare=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """Workload, its digest, compiler."""
        return self.workload, self.digest, self.compiler

    @property
    def columns(self) -> list[str]:
        """Columns of the knobs that vary, in the order of a configuration's settings."""
        return [f"knob_{knob}" for knob in self.levels]

    def part(self, settings: Settings, *columns: str) -> pl.DataFrame:
        """Return the trials of a configuration, none where it has none: some columns, or all if none is named."""
        found = self.table.select(columns) if columns else self.table
        return found[self.rows[settings]] if settings in self.rows else found.clear()

    def trials(self, *columns: str) -> pl.DataFrame:
        """Return the trials of all configurations, one after the other, likewise."""
        found = self.table.select(columns) if columns else self.table
        return found[np.concatenate([*self.rows.values()])] if self.rows else found.clear()

    def numbers(self) -> Whole:
        """Return which configuration each of these trials is of."""
        counts = [rows.size for rows in self.rows.values()]
        return np.repeat(np.arange(len(counts), dtype=np.int64), counts)

    def configuration(self, levels: Sequence[str | None]) -> Settings:
        """Return the configuration with these levels, given in the order of `columns`."""
        return tuple(Setting(knob, level) for knob, level in zip(self.levels, levels, strict=True) if level is not None)


def units(trials: pl.DataFrame, role: Literal["measured", "probe"] = "measured") -> list[Unit]:
    """Return the configurations of each workload and compiler, sorted; the reference has none."""
    read = {*UNIT, *IN_RUN, PLAN}
    names = [name for name in trials.columns if name in read or name.startswith(("knob_", "baseline_"))]
    chosen = trials.lazy().with_row_index(_ROW).filter(pl.col("role") == role).select(_ROW, *names)
    measured = chosen.collect()  # lazy: else every column is copied
    measured = measured if is_in_run_order(measured) else measured.sort(IN_RUN)
    found, order = [], knob_order(measured)
    for (workload, digest, compiler), part in grouped(measured, UNIT):
        base: dict[str, str | None] = {
            name.removeprefix("baseline_"): next(iter(part[name].drop_nulls().head(1).to_list()), None)
            for name in part.columns
            if name.startswith("baseline_")
        }
        levels = _varying(part, base, order)
        empty = Unit(workload=workload, digest=digest, compiler=compiler, levels=levels, baseline=(), table=trials)
        rows = {empty.configuration(key): own for key, own in _rows_by(part, empty.columns)}
        baseline = empty.configuration([base.get(knob) for knob in levels])
        found.append(replace(empty, baseline=baseline, rows=rows))
    return found


def _rows_by(part: pl.DataFrame, columns: Sequence[str]) -> list[tuple[tuple[Any, ...], Whole]]:
    """Return the rows of the table by the values of some columns, in the order of these as `grouped` has it."""
    rows = part[_ROW].cast(pl.Int64).to_numpy()
    found = numbered(part, columns)
    keys = part.select(columns)[found.first].rows() if columns else [()]
    own = [rows[places] for places in found.rows()]
    order = sorted(np.argsort(found.first).tolist(), key=lambda one: key_order(keys[one]))
    return [(keys[one], own[one]) for one in order]


def ratios_of(
    several: Sequence[Unit], metric: str, mode: str, instrument: Instrument
) -> list[Mapping[Settings, Ratio]]:
    """Return for each unit the ratio of each configuration to the baseline, paired over blocks.

    See `ratios_to_baseline`. It is asked once for them all: asked for each unit, the questions would take most of the
    time.
    """
    found: list[dict[Settings, Ratio]] = [{} for _ in several]
    with_knobs = [(number, unit) for number, unit in enumerate(several) if unit.columns]
    cells = [(number, settings) for number, unit in with_knobs for settings in unit.rows]
    if cells:
        places = [rows for _, unit in with_knobs for rows in unit.rows.values()]
        hosts = host_columns(several[0].table)
        used = list(dict.fromkeys((*UNIT, *BLOCK, "mode", "role", "status", "is_baseline", metric, *hosts)))
        frame = several[0].table.select(used)[np.concatenate(places)]
        numbers = pl.Series(_INDEX, np.repeat(np.arange(len(cells)), [rows.size for rows in places]))
        chosen = frame.with_columns(numbers).filter(pl.col("mode") == mode)
        for (index,), ratio in ratios_to_baseline(chosen, metric, [_INDEX], instrument).items():
            number, settings = cells[index]
            found[number][settings] = ratio
    return list(found)


def by_block(trials: pl.DataFrame, metric: str, mode: str) -> dict[tuple[Any, ...], float]:
    """Return the positive values of the ok trials of one configuration in one mode, by block."""
    # Lazy: only what is read is filtered, not every column.
    ok = trials.lazy().filter(IS_OK & (pl.col("mode") == mode) & (pl.col(metric) > 0)).select(*BLOCK, metric).collect()
    return {tuple(block): value for *block, value in ok.iter_rows()}


def by_blocks(unit: Unit, metric: str, mode: str) -> NDArray[np.float64]:
    """Return what `by_block` gives of every configuration: a row a block, a column a configuration, NaN without one.

    Blocks are sorted by run and id. Where the unit ran on several hosts there is a row a host, sorted by name, as if
    all were as fast as their geometric mean: the baseline's value there, times the mean ratio to it in each block.
    """
    hosts = host_columns(unit.table)
    whole, numbers = unit.trials(*BLOCK, "mode", "status", metric, *hosts), unit.numbers()
    values = whole[metric].cast(pl.Float64).to_numpy()
    held = (whole["status"] == Status.OK.value) & (whole["mode"] == mode)
    chosen = held.to_numpy() & (values > 0)
    block = numbered(whole, BLOCK)
    found: NDArray[np.float64] = np.full((block.count, len(unit.rows)), math.nan)
    found[block.numbers[chosen], numbers[chosen]] = values[chosen]
    order: NDArray[np.int64] = whole[block.first].select(pl.arg_sort_by(BLOCK)).to_series().cast(pl.Int64).to_numpy()
    of_rows = host_numbers(whole.filter(pl.Series(chosen)))
    if of_rows is None or unit.baseline not in unit.rows:
        return found[order]
    host = np.full(block.count, -1, np.int64)
    host[block.numbers[chosen]] = of_rows.numbers
    return _at_mean_speed(found[host >= 0], host[host >= 0].tolist(), list(unit.rows).index(unit.baseline))


def _at_mean_speed(values: NDArray[np.float64], hosts: Sequence[int], base: int) -> NDArray[np.float64]:
    """Return a row a host: what configurations take where the baseline takes its geometric mean over hosts."""
    logs = np.log(values)
    bases = over_hosts(logs[:, [base]], hosts, None)[:, 0]
    there = bases[~np.isnan(bases)].tolist()
    found: NDArray[np.float64] = np.exp(over_hosts(logs, hosts, base) + (fmean(there) if there else math.nan))
    return found


def one_step(settings: Settings, change: Setting) -> Settings:
    """Return the configuration with one knob at another level."""
    return tuple(change if held.knob == change.knob else held for held in settings)


def described(settings: Iterable[Setting | Condition]) -> str:
    """Return settings or conditions as a message names them."""
    return ", ".join(held.text for held in settings) or "every configuration"


def _varying(part: pl.DataFrame, base: Mapping[str, str | None], knobs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    levels = {}
    for knob in knobs:
        seen = part[f"knob_{knob}"].drop_nulls().unique().to_list()
        if len(seen) > 1:
            levels[knob] = tuple(sorted(seen, key=lambda level: (level != base.get(knob), sort_key(level))))
    return levels
