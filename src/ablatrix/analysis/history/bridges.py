"""Bridges: builds that runs have in common, and how they are to each other where one takes the place of another.

A series is of ratios to a bridge, as a time means nothing on another machine. When a bridge changes, one run measures
the old one and the new one, and from there on the series goes on over this link: log(new / first) = log(new / bridge) +
log(bridge / first). A link's error is shared by all points behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ablatrix.analysis.history.measured import HistoryRun, Unit
from ablatrix.statistics.ratio import Estimate


@dataclass(frozen=True)
class Link:
    """How a bridge is to the first one.

    Attributes:
        offset: Log ratio of the bridge to the first one.
        variance: Of that.
    """

    offset: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True)
class Bridges:
    """The bridges of one unit.

    Attributes:
        first: The bridge that all ratios are to.
        links: How each bridge that can be reached is to the first one.
    """

    first: str
    links: Mapping[str, Link] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Sequence[HistoryRun], unit: Unit, heads: Sequence[str | None]) -> Bridges | None:
        """Find how the bridges of runs are to each other.

        Args:
            runs: In order.
            unit: Whose bridges.
            heads: For each run the level that is the new build.

        Returns:
            None where no run has a bridge.
        """
        held = [bridges_of(run, unit, head) for run, head in zip(runs, heads, strict=True)]
        first = next((names[0] for names in held if names), None)
        if first is None:
            return None
        pairs: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
        for run, names in zip(runs, held, strict=True):
            for one, other in combinations(sorted(names), 2):
                found = run.units[unit].between(other, one)
                if found is not None and found.error is not None:
                    pairs[one, other].append(found)
        return cls(first, _reach(first, {pair: _pooled(found) for pair, found in pairs.items()}))


def bridges_of(run: HistoryRun, unit: Unit, head: str | None) -> list[str]:
    """Return the levels of a run that have a value and are not the new build, the base level first."""
    measured = run.units.get(unit)
    if measured is None:
        return []
    return sorted((level for level in measured.levels if level != head), key=lambda one: (one != measured.base, one))


def _pooled(found: Iterable[Estimate]) -> Link:
    """Return one link from every run that measured it, each weighted by its precision."""
    weights = [(one.mean, 1.0 / max(one.error or 0.0, 1e-9) ** 2) for one in found]
    whole = sum(weight for _, weight in weights)
    return Link(sum(mean * weight for mean, weight in weights) / whole, 1.0 / whole)


def _reach(first: str, pairs: Mapping[tuple[str, str], Link]) -> dict[str, Link]:
    """Return how each bridge is to the first one, over as few links as possible."""
    links = {first: Link()}
    waiting = [first]
    while waiting:
        name = waiting.pop(0)
        for (one, other), link in sorted(pairs.items()):
            target, sign = (other, 1.0) if one == name else (one, -1.0) if other == name else (None, 0.0)
            if target is not None and target not in links:
                start = links[name]
                links[target] = Link(start.offset + sign * link.offset, start.variance + link.variance)
                waiting.append(target)
    return links


def told_apart(runs: Sequence[HistoryRun], heads: Sequence[str | None]) -> tuple[HistoryRun, ...]:
    """Return runs in which a bridge that is another build than the first of its name has another name.

    Args:
        runs: In order.
        heads: For each run the level that is the new build, which is another one in each run.
    """
    known: dict[str, str] = {}
    found = []
    for run, head in zip(runs, heads, strict=True):
        own = {name: digest for name, digest in run.digests.items() if name != head}
        other = {name: digest for name, digest in own.items() if known.setdefault(name, digest) != digest}
        found.append(run.renamed({name: f"{name} ({digest[:8]})" for name, digest in other.items()}) if other else run)
    return tuple(found)
