"""Configurations against eager: ratios of times to the reference of their own blocks, paired over blocks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from ablatrix.analysis.groups.control import UNIT, Instrument
from ablatrix.analysis.groups.hosts import host_columns, host_numbers
from ablatrix.analysis.groups.numbering import Whole, means_by, numbered
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

_VALUE = " value"  # no column of a record begins with a space
_WORKLOAD = ("workload", "workload_digest")


@dataclass(frozen=True)
class ReferenceRatio:
    """A configuration's time over that of eager in the same block; below 1 is faster than eager.

    Attributes:
        logs: One a block that has both, as a logarithm; one a host, where there are several.
        allowance: What the interval allows for: how far the instrument is off in the unit.
        hosts: Of each of ``logs``, where there are several.
    """

    logs: tuple[float, ...]
    allowance: Allowance
    hosts: tuple[str, ...] = ()

    @cached_property
    def ratio(self) -> Ratio:
        """The geometric mean over blocks, with its interval."""
        return paired_ratio(self.logs, allowance=self.allowance)


class ReferenceRatios:
    """Ratios of configurations to eager on one metric: a time, as step sizes of memory are not allowed for."""

    def __init__(self, trials: pl.DataFrame, metric: str, mode: str, instrument: Instrument) -> None:
        """Take the table of trials; only ok ones enter."""
        self._metric, self._mode, self._instrument = metric, mode, instrument
        knobs = [name for name in trials.columns if name.startswith("knob_")]
        chosen = trials.lazy().filter(IS_OK & (pl.col("mode") == mode) & (pl.col(metric) > 0))
        hosts = host_columns(trials)
        ok = chosen.select(*BLOCK, *UNIT, "role", *knobs, *hosts, pl.col(metric).alias(_VALUE)).collect()
        self._hosts = host_numbers(ok)
        # The library's logarithm, value by value: that of a vector unit may differ in the last bit.
        here = np.fromiter(map(math.log, ok[_VALUE].to_list()), np.float64, ok.height)
        block = numbered(ok, (*BLOCK, *_WORKLOAD))
        is_reference, is_measured = ((ok["role"] == role).to_numpy() for role in ("reference", "measured"))
        references = pl.DataFrame({"block": block.numbers[is_reference], _VALUE: here[is_reference]})
        means = references.group_by("block").agg(pl.col(_VALUE).mean())
        there = np.full(block.count, math.nan)
        there[means["block"].to_numpy()] = means[_VALUE].to_numpy()
        self._logs = here - there[block.numbers]
        self._units: dict[tuple[str, ...], list[tuple[Mapping[str, str | None], Whole]]] = {}
        rows = np.flatnonzero(is_measured & ~np.isnan(self._logs))
        found = numbered(ok.select(*UNIT, *knobs)[rows], (*UNIT, *knobs))
        keys = ok.select(*UNIT, *knobs)[rows[found.first]].rows()
        for key, own in zip(keys, found.rows(), strict=True):
            levels = dict(zip((name.removeprefix("knob_") for name in knobs), key[len(UNIT) :], strict=True))
            self._units.setdefault(tuple(map(str, key[: len(UNIT)])), []).append((levels, rows[own]))

    def of(self, unit: Sequence[str], levels: Mapping[str, str]) -> ReferenceRatio | None:
        """Return the ratio of a configuration; None where no block has both it and eager.

        Args:
            unit: Workload, its digest, compiler.
            levels: Of its knobs.
        """
        configurations = self._units.get(tuple(unit), [])
        rows = [own for held, own in configurations if all(held.get(knob) == at for knob, at in levels.items())]
        if not rows:
            return None
        logs, hosts = self._repeated(np.sort(np.concatenate(rows)))
        offset = self._instrument.offset(self._metric, self._mode, tuple(unit))
        return ReferenceRatio(tuple(logs), Allowance(offset), hosts) if logs else None

    def _repeated(self, rows: Whole) -> tuple[list[float], tuple[str, ...]]:
        """Return the values of rows, one a block; one a host, with their names, where they are of several."""
        logs = self._logs[rows]
        if self._hosts is None or np.unique(self._hosts.numbers[rows]).size < 2:
            return logs.tolist(), ()
        hosts, means = means_by(self._hosts.numbers[rows], logs)
        return means.tolist(), tuple(self._hosts.names[host] for host in hosts.tolist())
