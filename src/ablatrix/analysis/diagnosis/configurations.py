"""The configurations of each workload and compiler with their trials: what proofs, causes and fronts work on."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import Instrument, grouped, knob_order, numbered, ratios_to_baseline, sort_key
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.records.status import Status
from ablatrix.statistics.ratio import Ratio

UNIT = ("workload", "workload_digest", "compiler")
_INDEX = " index"  # no column of a record begins with a space


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
        trials: The trials of each configuration, every status, in run order.
    """

    workload: str
    digest: str
    compiler: str
    levels: Mapping[str, tuple[str, ...]]
    baseline: Settings
    trials: Mapping[Settings, pl.DataFrame]

    @property
    def identity(self) -> tuple[str, str, str]:
        """Workload, its digest, compiler."""
        return self.workload, self.digest, self.compiler

    @property
    def columns(self) -> list[str]:
        """Columns of the knobs that vary, in the order of a configuration's settings."""
        return [f"knob_{knob}" for knob in self.levels]

    def configuration(self, levels: Sequence[str | None]) -> Settings:
        """Return the configuration with these levels, given in the order of `columns`."""
        return tuple(Setting(knob, level) for knob, level in zip(self.levels, levels, strict=True) if level is not None)


def units(trials: pl.DataFrame) -> list[Unit]:
    """Return the configurations of each workload and compiler, sorted; the reference has none."""
    measured = _in_run_order(trials.filter(pl.col("role") == "measured"))
    found, order = [], knob_order(measured)
    for (workload, digest, compiler), part in grouped(measured, UNIT):
        base: dict[str, str | None] = {
            name.removeprefix("baseline_"): next(iter(part[name].drop_nulls().head(1).to_list()), None)
            for name in part.columns
            if name.startswith("baseline_")
        }
        levels = _varying(part, base, order)
        empty = Unit(workload=workload, digest=digest, compiler=compiler, levels=levels, baseline=(), trials={})
        cells = (
            [(empty.configuration(key), cell) for key, cell in grouped(part, empty.columns)] if levels else [((), part)]
        )
        baseline = empty.configuration([base.get(knob) for knob in levels])
        found.append(replace(empty, baseline=baseline, trials=dict(cells)))
    return found


def _in_run_order(trials: pl.DataFrame) -> pl.DataFrame:
    # The table has this order, and to bring every column of a million trials into it once more takes seconds.
    order = trials.select(pl.arg_sort_by("run", "position", "trial_id")).to_series()
    return trials if order.is_sorted() else trials[order]


def ratios_of(
    several: Sequence[Unit], metric: str, mode: str, instrument: Instrument
) -> list[Mapping[Settings, Ratio]]:
    """Return for each unit the ratio of each configuration to the baseline, paired over blocks.

    See `ratios_to_baseline`. It is asked once for them all: asked for each unit, the questions would take most of the
    time.
    """
    found: list[dict[Settings, Ratio]] = [{} for _ in several]
    cells = [
        (number, settings, part)
        for number, unit in enumerate(several)
        if unit.columns
        for settings, part in unit.trials.items()
    ]
    if cells:
        frame = pl.concat(part for *_, part in cells)
        used = (*UNIT, *BLOCK, "mode", "role", "status", "is_baseline", metric)
        numbers = pl.Series(_INDEX, np.repeat(np.arange(len(cells)), [part.height for *_, part in cells]))
        chosen = frame.lazy().select(*dict.fromkeys(used)).with_columns(numbers).filter(pl.col("mode") == mode)
        for (index,), ratio in ratios_to_baseline(chosen.collect(), metric, [_INDEX], instrument).items():
            number, settings, _ = cells[index]
            found[number][settings] = ratio
    return list(found)


def by_block(trials: pl.DataFrame, metric: str, mode: str) -> dict[tuple[Any, ...], float]:
    """Return the positive values of the ok trials of one configuration in one mode, by block."""
    # Lazy: only what is read is filtered, not every column.
    ok = trials.lazy().filter(IS_OK & (pl.col("mode") == mode) & (pl.col(metric) > 0)).select(*BLOCK, metric).collect()
    return {tuple(block): value for *block, value in ok.iter_rows()}


def joined(unit: Unit) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the trials of all configurations of a unit, in order, and which configuration each is of."""
    parts = list(unit.trials.values())
    return pl.concat(parts), np.repeat(np.arange(len(parts), dtype=np.int64), [part.height for part in parts])


def by_blocks(unit: Unit, metric: str, mode: str) -> NDArray[np.float64]:
    """Return what `by_block` gives of every configuration: a row a block, a column a configuration, NaN without one.

    Blocks are sorted by run and id.
    """
    whole, numbers = joined(unit)
    values = whole[metric].cast(pl.Float64).to_numpy()
    held = (whole["status"] == Status.OK.value) & (whole["mode"] == mode)
    chosen = held.to_numpy() & (values > 0)
    block = numbered(whole, BLOCK)
    found: NDArray[np.float64] = np.full((block.count, len(unit.trials)), math.nan)
    found[block.numbers[chosen], numbers[chosen]] = values[chosen]
    order: NDArray[np.int64] = whole[block.first].select(pl.arg_sort_by(BLOCK)).to_series().cast(pl.Int64).to_numpy()
    return found[order]


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
