"""From the times of blocks to a sum over groups that is the total difference, with what is left over.

Of a block every series has a time for each round: trials their bursts, profiles their fastest run with and without the
profiler. The levels of all are taken together (`statistics.rounds`): what disturbed a round is taken out of all.
A kernel's time is that of the runs in which it was disturbed least, less what its profiler costs within it. And what
made a whole block slower is taken out of all of its times, so that blocks say what the ratios of their processes do.

Blocks are added until the answer is clear enough (`stopping`), so that an interval is looked at several times. At 99 %
each, so many looks have a false answer among them in about 5 % (Pocock 1977, Biometrika 64(2), table 1: ten looks at
1.06 % each).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ablatrix.errors import TrialError
from ablatrix.explain.grouping import Group
from ablatrix.explain.measuring import TWIN, A, B, name_of
from ablatrix.records.explanation import SpreadMs
from ablatrix.statistics.rounds import LAST, paired_levels
from ablatrix.trials.run import PairedProfiles

QUANTILE = 0.995
"""Of Student's t: upper end of the intervals."""


@dataclass(frozen=True, kw_only=True)
class SideTimes:
    """One configuration in one block, in milliseconds.

    Attributes:
        total: Of ordinary trials.
        plain: In the process that profiles, without the profiler.
        profiled: With it.
        kernels: Of each kernel, without what the profiler costs within it.
        inside: What was taken out of each kernel for that.
    """

    total: float
    plain: float
    profiled: float
    kernels: tuple[float, ...]
    inside: float = 0.0

    @property
    def overhead(self) -> float:
        """What is no kernel."""
        return self.plain - sum(self.kernels)

    def of(self, positions: Sequence[int]) -> float:
        """Return the time of some kernels."""
        return math.fsum(self.kernels[one] for one in positions)


@dataclass(frozen=True, kw_only=True)
class BlockTimes:
    """A block: both configurations, and the twin of the first, which differs by noise alone."""

    a: SideTimes
    b: SideTimes
    twin: float


def block_times(block: PairedProfiles) -> BlockTimes:
    """Return the times of a block of trials A, B and a twin of A, and of profiles of A and B.

    Raises:
        TrialError: A trial or a profile failed.
    """
    _refuse_failures(block)
    series: dict[str, Sequence[float]] = {
        name_of(one.trial): [min(burst) for burst in one.bursts_ms] for one in block.outcomes
    }
    rounds = len(next(iter(series.values())))
    for side, profile in zip((A, B), block.profiles, strict=True):
        assert profile is not None
        series[f"plain {side}"] = profile.plain_ms
        series[f"profiled {side}"] = _fastest_runs(profile.walls_ms, rounds)
    levels = {name: math.exp(level) for name, level in paired_levels(series).items()}
    sides = {}
    for side, profile in zip((A, B), block.profiles, strict=True):
        assert profile is not None
        plain, profiled = levels[f"plain {side}"], levels[f"profiled {side}"]
        kernels = least_times(profile.times_ms)
        inside = cost_inside(kernels, plain, profiled, profile.inside)
        sides[side] = SideTimes(
            total=levels[side],
            plain=plain,
            profiled=profiled,
            kernels=tuple(max(one - inside, 0.0) for one in kernels),
            inside=inside,
        )
    return BlockTimes(a=sides[A], b=sides[B], twin=levels[TWIN])


def cost_inside(kernels: Sequence[float], plain: float, profiled: float, part: float) -> float:
    """Return what a profiler adds to the time of each kernel, in milliseconds.

    A run is longer under the profiler by what it costs for all kernels; a known part of that lies within their times.
    And it is at least so much that all kernels together take no longer than a run without the profiler.

    Args:
        kernels: Times of the kernels, as profiled.
        plain: A run without the profiler.
        profiled: A run with it.
        part: Of the cost for a kernel, what lies within the kernel's own time.
    """
    if not kernels:
        return 0.0
    cost = max(profiled - plain, 0.0) / len(kernels)
    too_long = max(math.fsum(kernels) - plain, 0.0) / len(kernels)
    return max(part * cost, min(cost, too_long))


def at_one_speed(blocks: Sequence[BlockTimes]) -> list[BlockTimes]:
    """Return blocks whose processes without the profiler take what they take in the median block, in geometric mean."""
    speeds = [_mean_of_logs([one.a.total, one.b.total, one.twin, one.a.plain, one.b.plain]) for one in blocks]
    middle = float(np.median(speeds))
    return [_scaled(one, math.exp(middle - speed)) for one, speed in zip(blocks, speeds, strict=True)]


def changes_at_one_speed(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """Return the second less the first of pairs of times, at the geometric mean of the median pair."""
    speeds = [_mean_of_logs(pair) for pair in pairs]
    middle = float(np.median(speeds))
    return [(two - one) * math.exp(middle - speed) for (one, two), speed in zip(pairs, speeds, strict=True)]


def _mean_of_logs(times: Sequence[float]) -> float:
    return math.fsum(map(math.log, times)) / len(times)


def _scaled(block: BlockTimes, factor: float) -> BlockTimes:
    def side(one: SideTimes) -> SideTimes:
        return SideTimes(
            total=one.total * factor,
            plain=one.plain * factor,
            profiled=one.profiled * factor,
            kernels=tuple(kernel * factor for kernel in one.kernels),
            inside=one.inside * factor,
        )

    return BlockTimes(a=side(block.a), b=side(block.b), twin=block.twin * factor)


def trial_times(block: PairedProfiles) -> tuple[float, float]:
    """Return the times of A and of B in a block of trials alone.

    Raises:
        TrialError: A trial failed.
    """
    _refuse_failures(block)
    bursts = {name_of(one.trial): [min(burst) for burst in one.bursts_ms] for one in block.outcomes}
    levels = paired_levels(bursts)
    return math.exp(levels[A]), math.exp(levels[B])


def _refuse_failures(block: PairedProfiles) -> None:
    for outcome in (*block.outcomes, *block.profiled):
        if outcome.result.error is not None:
            what = "trial" if outcome in block.outcomes else "profile"
            raise TrialError(
                f"the {what} of {outcome.cell.compiler} ({name_of(outcome.trial)}) ended as "
                f"{outcome.result.status}, so that there is nothing to explain: {outcome.result.error.message}"
            )


def least_times(times_ms: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the time of each kernel: the mean of its fastest third of runs, whatever other kernels took in these.

    Whatever disturbs a run stops one kernel or another, and seldom lets a whole run through. As of `paired_levels`, the
    fastest say most.
    """
    times = np.asarray(times_ms, dtype=np.float64)
    count = -(-len(times) // LAST)
    return tuple(map(float, np.sort(times, axis=0)[:count].mean(axis=0))) if times.size else ()


def _fastest_runs(walls_ms: Sequence[float], rounds: int) -> list[float]:
    """Return the time of the fastest profiled run of each round."""
    count = len(walls_ms) // rounds
    return [min(walls_ms[number * count : (number + 1) * count]) for number in range(rounds)]


def spread(values: Sequence[float]) -> SpreadMs:
    """Return the mean of a value over blocks, with its 99 % interval by Student's t."""
    if len(values) < 2:
        return SpreadMs(ms=values[0])
    from scipy import stats

    mean = math.fsum(values) / len(values)
    half = float(stats.t.ppf(QUANTILE, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return SpreadMs(ms=mean, low=mean - half, high=mean + half)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sum of blocks: of each group, of overhead, and what is left over, with the standard error of that."""

    a: Mapping[str, SpreadMs]
    b: Mapping[str, SpreadMs]
    difference: SpreadMs
    noise: SpreadMs
    kernels: SpreadMs
    overhead: SpreadMs
    residual: SpreadMs
    residual_error: float
    groups: tuple[tuple[SpreadMs, SpreadMs, SpreadMs], ...]


def add_up(measured: Sequence[BlockTimes], groups: Sequence[Group]) -> Sums:
    """Return the sums over blocks; groups are those of the kernels of both sides."""
    blocks = at_one_speed(measured)
    total = [one.b.total - one.a.total for one in blocks]
    kernels = [sum(one.b.kernels) - sum(one.a.kernels) for one in blocks]
    overhead = [one.b.overhead - one.a.overhead for one in blocks]
    of_groups = []
    for group in groups:
        first, second = [one.a.of(group.a) for one in blocks], [one.b.of(group.b) for one in blocks]
        difference = [other - one for one, other in zip(first, second, strict=True)]
        of_groups.append((spread(first), spread(second), spread(difference)))
    residual = [t - k - o for t, k, o in zip(total, kernels, overhead, strict=True)]
    return Sums(
        a=_side([one.a for one in blocks]),
        b=_side([one.b for one in blocks]),
        difference=spread(total),
        noise=spread([one.twin - one.a.total for one in blocks]),
        kernels=spread(kernels),
        overhead=spread(overhead),
        residual=spread(residual),
        residual_error=float(np.std(residual, ddof=1)) / math.sqrt(len(blocks)) if len(blocks) > 1 else math.inf,
        groups=tuple(of_groups),
    )


def _side(blocks: Sequence[SideTimes]) -> dict[str, SpreadMs]:
    return {
        "total": spread([one.total for one in blocks]),
        "plain": spread([one.plain for one in blocks]),
        "profiled": spread([one.profiled for one in blocks]),
        "kernels": spread([sum(one.kernels) for one in blocks]),
        "overhead": spread([one.overhead for one in blocks]),
        "inside": spread([one.inside for one in blocks]),
    }
