"""Configurations against eager: ratios of times to the reference of their own blocks, paired over blocks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from ablatrix.analysis.groups.control import UNIT, Instrument
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

_HERE, _REFERENCE = " here", " reference"  # no column of a record begins with a space
_WORKLOAD = ("workload", "workload_digest")


@dataclass(frozen=True)
class ReferenceRatio:
    """A configuration's time over that of eager in the same block; below 1 is faster than eager.

    Attributes:
        logs: One a block that has both, as a logarithm.
        allowance: What the interval allows for: how far the instrument is off in the unit.
    """

    logs: tuple[float, ...]
    allowance: Allowance

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
        ok = chosen.select(*BLOCK, *UNIT, "role", *knobs, pl.col(metric).alias(_HERE)).collect()
        # The library's logarithm, value by value: that of a vector unit may differ in the last bit.
        ok = ok.with_columns(pl.Series(_HERE, list(map(math.log, ok[_HERE].to_list())), pl.Float64()))
        reference = ok.filter(pl.col("role") == "reference").select(*BLOCK, *_WORKLOAD, pl.col(_HERE).alias(_REFERENCE))
        alone = reference.group_by(*BLOCK, *_WORKLOAD).agg(pl.col(_REFERENCE).mean())
        both = ok.filter(pl.col("role") == "measured").join(alone, on=[*BLOCK, *_WORKLOAD])
        parts = both.partition_by(UNIT, as_dict=True, maintain_order=True)
        self._units = {tuple(map(str, key)): part for key, part in parts.items()}

    def of(self, unit: Sequence[str], levels: Mapping[str, str]) -> ReferenceRatio | None:
        """Return the ratio of a configuration; None where no block has both it and eager.

        Args:
            unit: Workload, its digest, compiler.
            levels: Of its knobs.
        """
        part = self._units.get(tuple(unit))
        if part is None:
            return None
        held = part.filter(pl.all_horizontal(pl.lit(True), *(pl.col(f"knob_{k}") == at for k, at in levels.items())))
        logs = (held[_HERE] - held[_REFERENCE]).to_list()
        offset = self._instrument.offset(self._metric, self._mode, tuple(unit))
        return ReferenceRatio(tuple(logs), Allowance(offset)) if logs else None
