"""What every two knobs do together, as a square of knobs: of a screening, or of a factorial."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.effects.screens import Screening
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import Ratio

LEAST, MOST = 3, 16
"""Knobs of a square: two have one interaction, and of more those with the largest ones are shown."""

Pair = frozenset[str]


@dataclass(frozen=True)
class Crossed:
    """What two knobs do together.

    Attributes:
        ratio: The factor on the ratio of one when the other is changed, too.
        is_found: Whether it is shown to be there, among all pairs.
        aliases: Other pairs of the same sum, which the design cannot tell from it.
    """

    ratio: Ratio
    is_found: bool
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CrossedKnobs:
    """The interactions of one workload on one compiler in one stage.

    Attributes:
        knobs: Those that are shown, the one with the largest interaction first.
        others: How many have smaller interactions and are not shown.
        pairs: Of all knobs.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    metric: str
    stage: str
    is_screened: bool
    blocks: int
    knobs: tuple[str, ...]
    others: int
    pairs: Mapping[Pair, Crossed]

    @property
    def shown(self) -> Mapping[Pair, Crossed]:
        """The interactions of the knobs that are shown."""
        return {pair: one for pair, one in self.pairs.items() if pair <= {*self.knobs}}

    @property
    def is_summed(self) -> bool:
        """Whether any is a sum of several that the design cannot tell apart."""
        return any(one.aliases for one in self.shown.values())


def crossed_knobs(screens: Sequence[Screening], effects: Sequence[Effect]) -> list[CrossedKnobs]:
    """Return the squares of knobs, those of screenings first; none of fewer than three knobs.

    Args:
        screens: An interaction that the design knows only in a sum is that sum, for each pair of it.
        effects: Of one metric: those of kind ``interaction`` count, between the two ends of an attribution. They are
            found where the p-value, adjusted over the pairs of the stage (Holm), is at most 5 %.
    """
    found = [_square(one, pairs) for one in screens if (pairs := _screened(one))]
    units: dict[tuple[Any, ...], list[Effect]] = {}
    for effect in effects:
        if effect.kind == "interaction" and effect.ratio is not None:
            key = (effect.origin, effect.workload, effect.digest, effect.compiler, effect.metric, effect.stage)
            units.setdefault(key, []).append(effect)
    found += [_square(held[0], _factorial(held)) for held in units.values()]
    return [one for one in found if len(one.knobs) >= LEAST]


def _screened(screen: Screening) -> dict[Pair, Crossed]:
    found: dict[Pair, Crossed] = {}
    for one in screen.crossed:
        held = Crossed(one.ratio, one.found, one.aliases)
        named = [one.knobs, *(tuple(alias.split(" x ")) for alias in one.aliases)]
        found |= {frozenset(pair): held for pair in named if len({*pair}) == 2}
    return found


def _factorial(effects: Sequence[Effect]) -> dict[Pair, Crossed]:
    ratios = {frozenset((str(one.knob), str(one.other))): one.ratio for one in effects if one.ratio is not None}
    tested = {pair: ratio.p_value for pair, ratio in ratios.items() if ratio.p_value is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {pair: Crossed(ratio, adjusted.get(pair, 1.0) <= ALPHA) for pair, ratio in ratios.items()}


def _square(one: Screening | Effect, pairs: Mapping[Pair, Crossed]) -> CrossedKnobs:
    sizes: dict[str, float] = {}
    for pair, held in pairs.items():
        for knob in sorted(pair):
            sizes[knob] = max(sizes.get(knob, 0.0), abs(math.log(held.ratio.value)))
    ordered = sorted(sizes, key=lambda knob: (-sizes[knob], knob))
    return CrossedKnobs(
        origin=tuple(one.origin),
        workload=one.workload,
        digest=one.digest,
        compiler=one.compiler,
        metric=one.metric,
        stage=one.stage,
        is_screened=isinstance(one, Screening),
        blocks=max(held.ratio.count for held in pairs.values()),
        knobs=tuple(ordered[:MOST]),
        others=max(0, len(ordered) - MOST),
        pairs=pairs,
    )


def crossed_frame(found: Sequence[CrossedKnobs]) -> pl.DataFrame:
    """Return a row a pair of knobs, unrounded, the largest first."""
    text, real = pl.String(), pl.Float64()
    schema: dict[str, pl.DataType] = dict.fromkeys(("workload", "compiler", "stage", "knob", "other"), text)
    schema |= dict.fromkeys(("ratio", "ratio_low", "ratio_high", "p"), real)
    schema |= {"found": pl.Boolean(), "aliases": text, "blocks": pl.Int64()}
    rows = [
        {
            "workload": one.workload,
            "compiler": one.compiler,
            "stage": one.stage,
            "knob": min(pair),
            "other": max(pair),
            "ratio": held.ratio.value,
            "ratio_low": held.ratio.low,
            "ratio_high": held.ratio.high,
            "p": held.ratio.p_value,
            "found": held.is_found,
            "aliases": "; ".join(held.aliases) or None,
            "blocks": held.ratio.count,
        }
        for one in found
        for pair, held in sorted(
            one.pairs.items(), key=lambda item: (-abs(math.log(item[1].ratio.value)), sorted(item[0]))
        )
    ]
    return pl.DataFrame(rows, schema=schema, infer_schema_length=None)


def _place(item: tuple[Pair, Crossed]) -> tuple[float, list[str]]:
    return -abs(math.log(item[1].ratio.value)), sorted(item[0])
