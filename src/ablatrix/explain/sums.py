"""From the times of blocks to a sum over groups that is the total difference, with what is left over.

Of a block every series has a time for each round: trials their bursts; behind their end the same processes their
fastest run with and without the profiler. The levels of those that took turns are taken together
(`statistics.rounds`): what disturbed a round is taken out of all.
A kernel's time is that of the runs in which it was disturbed least, less what its profiler costs within it. Over blocks
times are brought to one speed, and those that differ from all others of their configuration are left out (`typical`),
apart for trials and for what is behind their end; means are over what is left, of the first configuration both.

Blocks are added until the answer is clear enough (`stopping`), so that an interval is looked at several times. At 99 %
each, so many looks have a false answer among them in about 5 % (Pocock 1977, Biometrika 64(2), table 1: ten looks at
1.06 % each).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import numpy as np

from ablatrix.compilers.profiling import KernelProfile
from ablatrix.errors import TrialError
from ablatrix.explain.grouping import Group
from ablatrix.explain.measuring import OTHER_TWIN, TWIN, A, B, name_of
from ablatrix.explain.typical import Fit, Times, fit_blocks
from ablatrix.records.explanation import TIMED, SpreadMs, Timed
from ablatrix.statistics.rounds import LAST, paired_levels
from ablatrix.trials.results import Outcome
from ablatrix.trials.run import PairedProfiles

ROUNDING = 1e-12
"""Part of a run's time, below which a difference of two sums is rounding."""
QUANTILE = 0.995
"""Of Student's t: upper end of the intervals."""


@dataclass(frozen=True, kw_only=True)
class SideTimes:
    """One process of a block, in milliseconds.

    Attributes:
        total: Of its trial, as of any other.
        plain: Behind the trial's end, in turn with runs under the profiler.
        profiled: Of these.
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
        """What is no kernel; zero where rounding alone is left: a profiler's cost is at most what makes it zero."""
        left = self.plain - math.fsum(self.kernels)
        return left if abs(left) > ROUNDING * self.plain else 0.0

    def of(self, positions: Sequence[int]) -> float:
        """Return the time of some kernels."""
        return math.fsum(self.kernels[one] for one in positions)


@dataclass(frozen=True, kw_only=True)
class BlockTimes:
    """A block: both configurations, and the twin of the first, which differs by noise alone."""

    a: SideTimes
    twin: SideTimes
    b: SideTimes


def block_times(block: PairedProfiles) -> BlockTimes:
    """Return the times of a block of trials A, B and a twin of A, and of their profiles.

    Raises:
        TrialError: A trial or a profile failed.
    """
    profiles = profiles_of(block)
    totals = _levels(block.outcomes)
    series: dict[tuple[str, str], Sequence[float]] = {}
    for name, profile in profiles.items():
        series["plain", name] = profile.plain_ms
        series["profiled", name] = _fastest_runs(profile.walls_ms, len(profile.plain_ms))
    levels = {key: math.exp(level) for key, level in paired_levels(series).items()}

    def times(name: str) -> SideTimes:
        profile, plain, profiled = profiles[name], levels["plain", name], levels["profiled", name]
        kernels = least_times(profile.times_ms)
        inside = cost_inside(kernels, plain, profiled, profile.inside)
        return SideTimes(
            total=totals[name],
            plain=plain,
            profiled=profiled,
            kernels=tuple(max(one - inside, 0.0) for one in kernels),
            inside=inside,
        )

    return BlockTimes(a=times(A), twin=times(TWIN), b=times(B))


def profiles_of(block: PairedProfiles) -> dict[str, KernelProfile]:
    """Return the profiles of a block by what their trials are called.

    Raises:
        TrialError: A trial or a profile failed.
    """
    _refuse_failures(block.outcomes)
    return {
        name_of(outcome.trial): profile
        for outcome, profile in zip(block.outcomes, block.profiles, strict=True)
        if profile is not None
    }


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


def trial_times(outcomes: Sequence[Outcome]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the times of A and its twin, and of B and its twin, in a block of trials alone.

    Raises:
        TrialError: A trial failed.
    """
    _refuse_failures(outcomes)
    levels = _levels(outcomes)
    return (levels[A], levels[TWIN]), (levels[B], levels[OTHER_TWIN])


def _levels(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Return the times of trials that took turns, by what they are called."""
    bursts = {name_of(one.trial): [min(burst) for burst in one.bursts_ms] for one in outcomes}
    return {name: math.exp(level) for name, level in paired_levels(bursts).items()}


def _refuse_failures(outcomes: Sequence[Outcome]) -> None:
    """Refuse a block in which something failed.

    Raises:
        TrialError: A trial failed, or its profile behind its end.
    """
    for outcome in outcomes:
        if outcome.result.error is not None:
            raise TrialError(
                f"the trial of {outcome.cell.compiler} ({name_of(outcome.trial)}) or its profile ended as "
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


def change(blocks: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> SpreadMs:
    """Return the time of the second less that of the first, of blocks of two processes of each."""
    fit = fit_blocks([[*first, *second] for first, second in blocks], (0, 0, 1, 1))
    first, second = (
        np.stack([fit.at_one_speed([one[side][twin] for one in blocks], 2 * side + twin) for twin in (0, 1)])
        for side in (0, 1)
    )
    return _less(second, first)


def combine(*terms: tuple[float, Times]) -> tuple[SpreadMs, float]:
    """Return a sum of means over blocks, with its 99 % interval by Student's t, and its standard error.

    What blocks contribute to the sum is independent from block to block, and only so: processes of one block share what
    disturbed it. So the variance is that of the contributions, each from the processes that the block has (Liang and
    Zeger 1986, Biometrika 73(1)). Without an interval where a mean is of one value.

    Args:
        terms: A sign and times, [block] or [process, block]; NaN for what is left out.
    """
    tables = [(sign, np.atleast_2d(times)) for sign, times in terms]
    counts = [int(np.isfinite(table).sum()) for _, table in tables]
    means = [sign * float(np.nanmean(table)) for sign, table in tables]
    blocks = tables[0][1].shape[1]
    if blocks < 2 or min(counts) < 2:
        return SpreadMs(ms=math.fsum(means)), math.inf
    parts = [
        sign * np.nansum(table - np.nanmean(table), axis=0) / count
        for (sign, table), count in zip(tables, counts, strict=True)
    ]
    error = math.sqrt(float((np.sum(parts, axis=0) ** 2).sum()) * blocks / (blocks - 1))
    mean, half = math.fsum(means), _quantile(QUANTILE, blocks) * error
    return SpreadMs(ms=mean, low=mean - half, high=mean + half), error


def _quantile(share: float, blocks: int) -> float:
    """Return a quantile of Student's t of a mean over blocks."""
    from scipy import stats

    return float(stats.t.ppf(share, blocks - 1))


def _mean(times: Times) -> SpreadMs:
    return combine((1.0, times))[0]


def _less(times: Times, others: Times) -> SpreadMs:
    return combine((1.0, times), (-1.0, others))[0]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sum of blocks: of each group, of overhead, and what is left over, with half of its 95 % interval.

    ``left_out`` has for each block what is in no sum.
    """

    a: Mapping[str, SpreadMs]
    b: Mapping[str, SpreadMs]
    difference: SpreadMs
    noise: SpreadMs
    kernels: SpreadMs
    overhead: SpreadMs
    residual: SpreadMs
    residual_half: float
    groups: tuple[tuple[SpreadMs, SpreadMs, SpreadMs], ...]
    left_out: tuple[tuple[Timed, ...], ...] = ()


def add_up(blocks: Sequence[BlockTimes], groups: Sequence[Group]) -> Sums:
    """Return the sums over blocks; groups are those of the kernels of both sides."""
    turns = [
        [of(one) for one in _processes(block)] for block in blocks for of in (attrgetter("total"), attrgetter("plain"))
    ]
    fit = fit_blocks(turns, (0, 0, 1), parts=2)
    trials, behind = fit.part(0, 2), fit.part(1, 2)

    def series(place: int, of: Callable[[SideTimes], float], part: Fit = behind) -> Times:
        return part.at_one_speed([of(_processes(block)[place]) for block in blocks], place)

    def of_first(of: Callable[[SideTimes], float], part: Fit = behind) -> Times:
        return np.stack([series(0, of, part), series(1, of, part)])

    def both(of: Callable[[SideTimes], float], part: Fit = behind) -> tuple[Times, Times]:
        return of_first(of, part), series(2, of, part)

    parts: dict[str, tuple[Times, Times]] = {
        "total": both(lambda one: one.total, trials),
        "plain": both(lambda one: one.plain),
        "profiled": both(lambda one: one.profiled),
        "kernels": both(lambda one: math.fsum(one.kernels)),
        "overhead": both(lambda one: one.overhead),
        "inside": both(lambda one: one.inside),
    }
    of_groups = []
    for group in groups:
        first, second = of_first(partial(_of_kernels, group.a)), series(2, partial(_of_kernels, group.b))
        of_groups.append((_mean(first), _mean(second), _less(second, first)))
    (a, b), (plain_a, plain_b) = parts["total"], parts["plain"]
    residual, error = combine((1.0, b), (-1.0, a), (-1.0, plain_b), (1.0, plain_a))
    half = error * _quantile(0.975, len(blocks)) if len(blocks) > 1 else math.inf
    return Sums(
        a={name: _mean(values[0]) for name, values in parts.items()},
        b={name: _mean(values[1]) for name, values in parts.items()},
        difference=_less(b, a),
        noise=_less(a[1], a[0]),
        kernels=_less(*parts["kernels"][::-1]),
        overhead=_less(*parts["overhead"][::-1]),
        residual=residual,
        residual_half=half,
        groups=tuple(of_groups),
        left_out=tuple(
            tuple(name for name, kept in zip(TIMED, (*first, *second), strict=True) if not kept)
            for first, second in zip(trials.kept, behind.kept, strict=True)
        ),
    )


def _processes(block: BlockTimes) -> tuple[SideTimes, SideTimes, SideTimes]:
    """Return those of the first configuration, and that of the second."""
    return block.a, block.twin, block.b


def _of_kernels(positions: Sequence[int], process: SideTimes) -> float:
    return process.of(positions)
