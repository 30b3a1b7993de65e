"""How far two trials of one configuration lie apart: what a difference has to exceed to be one."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.effects.grid import UNIT
from ablatrix.analysis.groups import grouped
from ablatrix.analysis.table import IS_OK
from ablatrix.statistics.ratio import Ratio, paired_ratio


@dataclass(frozen=True, kw_only=True)
class NoiseFloor:
    """How far an A/A control, a second trial of the baseline, lies from the baseline.

    Attributes:
        digest: Of the workload: the same name can have several sizes.
        ratio: Control over baseline, paired over blocks.
        spread: Largest absolute log ratio of any block: 0.02 is about 2 %.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    ratio: Ratio
    spread: float

    @property
    def reach(self) -> float:
        """The floor of an effect over blocks: the farther end of the control's interval, as an absolute log.

        With one block there is no interval, and the floor is what that block shows.
        """
        if self.ratio.low is None or self.ratio.high is None:
            return self.spread
        return max(-math.log(self.ratio.low), math.log(self.ratio.high))


def noise_floors(trials: pl.DataFrame, metric: str, mode: str, origin: Sequence[str] = ()) -> list[NoiseFloor]:
    """Return the A/A spread of each workload and compiler that has an A/A control in a block with an ok baseline."""
    chosen = (
        IS_OK
        & (pl.col("mode") == mode)
        & (pl.col(metric) > 0)
        & pl.col("role").is_in(["measured", "twin"])
        & pl.col("is_baseline")
    )
    names = [*origin, *UNIT, "run", "block_id", "role", metric]
    ok = trials.lazy().filter(chosen).select(names).collect()  # lazy: else every column is copied
    floors = []
    for unit, part in grouped(ok, [*origin, *UNIT]):
        sides = {role: _by_block(part.filter(pl.col("role") == role), metric) for role in ("measured", "twin")}
        shared = sorted(sides["measured"].keys() & sides["twin"].keys())
        logs = [_mean(sides["twin"][block]) - _mean(sides["measured"][block]) for block in shared]
        if logs:
            workload, digest, compiler, _ = unit[len(origin) :]
            spread = max(map(abs, logs))
            floor = NoiseFloor(
                origin=unit[: len(origin)],
                workload=workload,
                digest=digest,
                compiler=compiler,
                ratio=paired_ratio(logs),
                spread=spread,
            )
            floors.append(floor)
    return floors


def _by_block(part: pl.DataFrame, metric: str) -> dict[tuple[Any, ...], list[float]]:
    rows = sorted(zip(part["run"], part["block_id"], part[metric], strict=True))
    return {
        block: [math.log(row[2]) for row in group]
        for block, group in itertools.groupby(rows, key=lambda row: (row[0], row[1]))
    }


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
