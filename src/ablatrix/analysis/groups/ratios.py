"""Ratios of groups of trials to the study's baseline, paired over blocks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.groups.control import UNIT, Instrument, step_of
from ablatrix.analysis.groups.hosts import HostNumbers, host_columns, host_numbers, means_of_repeats, repeating
from ablatrix.analysis.groups.numbering import Numbered, Real, Whole, means_by, numbered, numbered_codes
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.records.metrics import METRICS
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

_VALUE = " value"  # no column of a record begins with a space
_IS_BASELINE = pl.col("is_baseline") & (pl.col("role") == "measured")
_OF_UNIT = ("workload", "workload_digest", "mode", "role")


def ratios_to_baseline(
    trials: pl.DataFrame, metric: str, groups: Sequence[str], instrument: Instrument | None = None
) -> Mapping[tuple[Any, ...], Ratio]:
    """Return the ratio of each group to the study's baseline, paired over blocks; over hosts, where there are several.

    Only ok trials enter, and only blocks in which the baseline is ok. A trial is compared with the baseline
    of its own compiler; the reference with the baseline of its block's compiler. The baseline's own ratio is
    1 without an interval. Where the A/A control of a unit failed, its intervals are wider by as far as it is off; only
    that of the control itself is not.

    Args:
        trials: The table of trials, or a part of it.
        metric: Column of a positive number.
        groups: Columns that make a group.
        instrument: The controls of the whole results; of ``trials`` by default.
    """
    instrument = instrument or Instrument(trials)
    hosts = host_columns(trials, groups)
    used = list(dict.fromkeys((*groups, *BLOCK, *UNIT, "mode", "role", "is_baseline", *hosts)))
    # Lazy: a copy of every column of a million trials would be made for the few that are read.
    chosen = trials.lazy().filter(IS_OK & (pl.col(metric) > 0) & ~pl.col("role").is_in(["primer", "probe"]))
    ok = chosen.select(*used, pl.col(metric).alias(_VALUE)).collect()
    if ok.is_empty():
        return {}
    block, group = numbered(ok, (*BLOCK, "mode")), numbered(ok, groups)
    compared = _compared(ok, block)
    keys = ok.select(groups)[group.first].rows()
    of_group = group.numbers[compared.rows]
    own, logs = means_by(of_group * block.count + block.numbers[compared.rows], compared.logs)
    allowed = _allowances(ok, compared, of_group, (metric, instrument))
    repeats = _repeats(ok, compared, block, host_numbers(ok.select(hosts)))
    own, logs = means_of_repeats(own, logs, block, repeats)
    ends = np.searchsorted(own, np.arange(1, group.count + 1) * repeats.count)
    result = {}
    for number, (start, end) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
        if start < end:
            result[keys[number]] = paired_ratio(logs[start:end], allowance=allowed[number])
    for number, blocks in _baselines(ok, group).items():
        result[keys[number]] = Ratio(1.0, None, None, blocks)
    return result


@dataclass(frozen=True)
class _Compared:
    """The trials that have a baseline to be compared with.

    Attributes:
        rows: Which they are.
        logs: The logarithm of each, minus that of its baseline.
        bases: That of its baseline.
        beside: The baseline's compiler, by the number of one of its rows.
    """

    rows: Whole
    logs: Real
    bases: Real
    beside: Whole


def _compared(ok: pl.DataFrame, block: Numbered) -> _Compared:
    # The library's logarithm, value by value: that of a vector unit may differ in the last bit.
    logs = np.fromiter(map(math.log, ok[_VALUE].to_list()), np.float64, ok.height)
    workload, compiler = numbered(ok, UNIT[:2]), numbered(ok, UNIT[2:])
    own = numbered_codes(block.numbers * workload.count + workload.numbers)
    is_base = ok.select(_IS_BASELINE.fill_null(value=False)).to_series().to_numpy()
    slots = own.numbers * compiler.count + compiler.numbers
    filled, means = means_by(slots[is_base], logs[is_base])
    bases = np.full(own.count * compiler.count, math.nan)
    bases[filled] = means
    # The reference has no compiler of its own in the block; where several share one, it is compared with none.
    there = ~np.isnan(bases.reshape(own.count, compiler.count))
    only = there.argmax(axis=1)
    alone = np.where(there.sum(axis=1) == 1, bases[np.arange(own.count) * compiler.count + only], math.nan)
    is_reference = ok.select((pl.col("role") == "reference").fill_null(value=False)).to_series().to_numpy()
    base = np.where(is_reference, alone[own.numbers], bases[slots])
    beside = compiler.first[np.where(is_reference, only[own.numbers], compiler.numbers)]
    rows = np.asarray(np.flatnonzero(~np.isnan(base)), np.int64)
    return _Compared(rows, logs[rows] - base[rows], base[rows], beside[rows])


def _repeats(ok: pl.DataFrame, compared: _Compared, block: Numbered, hosts: HostNumbers | None) -> Numbered:
    """Return what repeats: blocks; hosts, in a unit that ran on several."""
    if hosts is None:
        return block
    unit = numbered(ok, ("workload", "workload_digest", "mode"))
    beside = np.full(block.count, ok.height)  # the compiler of each block, of which it has one but for eager
    beside[block.numbers[compared.rows]] = compared.beside
    units = numbered_codes(unit.numbers * (ok.height + 1) + beside[block.numbers])
    return repeating(units.numbers, block, hosts)


def _allowances(
    ok: pl.DataFrame, compared: _Compared, of_group: Whole, measure: tuple[str, Instrument]
) -> Mapping[int, Allowance]:
    """Return what the ratio of each group, by its number, must allow for: the most of any unit that is in it."""
    metric, instrument = measure
    unit = numbered(ok, _OF_UNIT)
    codes = (of_group * unit.count + unit.numbers[compared.rows]) * ok.height + compared.beside
    kinds = numbered_codes(codes)
    first = compared.rows[kinds.first]
    facts = ok.select(_OF_UNIT)[first].rows()
    compilers = ok["compiler"][compared.beside[kinds.first]].to_list()
    known = METRICS.get(metric)
    least = _least(compared, kinds) if known is not None and known.resolution else [0.0] * kinds.count
    found: dict[int, Allowance] = {}
    for number, (workload, digest, mode, role), compiler, log in zip(
        of_group[kinds.first].tolist(), facts, compilers, least, strict=True
    ):
        offset = 0.0 if role == "twin" else instrument.offset(metric, mode, (workload, digest, compiler))
        held = found.get(number, Allowance())
        found[number] = Allowance(max(held.offset, offset), max(held.step, step_of(metric, log)))
    return found


def _least(compared: _Compared, kinds: Numbered) -> list[float]:
    """Return the lower mean of each kind of trials and of their baselines, as logarithms."""
    held = {"kind": kinds.numbers, "log": compared.logs + compared.bases, "base": compared.bases}
    means = pl.DataFrame(held).group_by("kind").agg(pl.col("log", "base").mean()).sort("kind")
    return means.select(pl.min_horizontal("log", "base")).to_series().to_list()


def _baselines(ok: pl.DataFrame, group: Numbered) -> Mapping[int, int]:
    """Return the groups that hold the baseline alone, by their number, each with the number of its blocks."""
    is_other = ok.select((~_IS_BASELINE).fill_null(value=False)).to_series().to_numpy()
    alone = np.bincount(group.numbers, weights=is_other, minlength=group.count) == 0
    rows = np.flatnonzero(alone[group.numbers])
    blocks = ok.select(BLOCK)[rows].with_columns(pl.Series("group", group.numbers[rows]))
    counts = blocks.group_by("group").agg(pl.struct(BLOCK).n_unique().alias("blocks"))
    return dict(counts.iter_rows())
