"""Whether an effect is the same on every host: the test of host x knob, and which hosts disagree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.analysis.effects.grid import FactorialGrid
from ablatrix.statistics.hosts import HostSpread, disagreeing_hosts, spread_over_hosts
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.precision import Pair


@dataclass(frozen=True, kw_only=True)
class EffectOnHosts:
    """An effect on each of several hosts.

    Attributes:
        names: Of the hosts.
        logs: On each host, the ratio in each of its blocks as a logarithm.
        spread: How much hosts differ, tested without regard to other effects.
    """

    names: tuple[str, ...]
    logs: tuple[tuple[float, ...], ...]
    spread: HostSpread

    @property
    def blocks(self) -> int:
        """Blocks of all hosts."""
        return sum(map(len, self.logs))

    @property
    def is_tested(self) -> bool:
        """Whether host x knob is tested: there are two hosts of two blocks."""
        return sum(len(one) > 1 for one in self.logs) > 1

    @property
    def tau_percent(self) -> float | None:
        """Standard deviation of the true effect between hosts, as a relative difference in percent."""
        return None if self.spread.tau is None else 100.0 * math.expm1(self.spread.tau)


@dataclass(frozen=True, kw_only=True)
class HostJudgement:
    """What may be said of host x knob.

    Attributes:
        p_holm: Of the effect being one on all hosts, adjusted over all effects on the metric (Holm 1979). None where it
            is not tested, and where hosts differ without any spread within them.
        differs: Whether hosts differ.
        odd: Those that do; all of them where nothing says which ones are the odd ones.
    """

    p_holm: float | None
    differs: bool
    odd: tuple[str, ...]


def effect_on_hosts(grid: FactorialGrid, pairs: Sequence[Pair]) -> EffectOnHosts | None:
    """Return what a mean over pairs of configurations is on each host; None where the grid is of one host.

    Args:
        grid: Of the pairs.
        pairs: (configuration, the one that it is compared with); whole on every host.
    """
    held = grid.hosts
    if held is None or not pairs:
        return None
    found: list[list[float]] = [[] for _ in held.names]
    for host, values in zip(held.of_repeat, held.repeats, strict=True):
        if all(one in values for pair in pairs for one in pair):
            found[host].append(math.fsum(values[there] - values[here] for there, here in pairs) / len(pairs))
    kept = [(name, tuple(own)) for name, own in zip(held.names, found, strict=True) if own]
    if len(kept) < 2:
        return None
    logs = tuple(own for _, own in kept)
    return EffectOnHosts(names=tuple(name for name, _ in kept), logs=logs, spread=spread_over_hosts(logs))


def judge_hosts(several: Sequence[EffectOnHosts | None]) -> list[HostJudgement | None]:
    """Return what may be said of host x knob of each effect of one family; None where there are no several hosts."""
    p_values = [one.spread.p_value if one is not None else None for one in several]
    adjusted = iter(holm([value for value in p_values if value is not None]))
    return [
        None if one is None else _judge(one, None if value is None else next(adjusted))
        for one, value in zip(several, p_values, strict=True)
    ]


def _judge(one: EffectOnHosts, p_holm: float | None) -> HostJudgement:
    exactly = one.is_tested and one.spread.p_value is None
    differs = exactly or (p_holm is not None and p_holm <= ALPHA)
    odd = tuple(one.names[place] for place in disagreeing_hosts(one.logs)) if differs else ()
    return HostJudgement(p_holm=p_holm, differs=differs, odd=odd)
