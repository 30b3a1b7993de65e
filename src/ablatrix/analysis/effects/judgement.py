"""What may be said of an effect: different, none, or not distinguishable."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.effects.noise import NoiseFloor
from ablatrix.records.metrics import Metric
from ablatrix.statistics.equivalence import judge_equivalence, minimal_margin
from ablatrix.statistics.multiplicity import ALPHA, holm

DEFAULT_MARGIN = 0.01
NO_EFFECT: Literal["no effect"] = "no effect"
NOT_DISTINGUISHABLE: Literal["not distinguishable"] = "not distinguishable"


@dataclass(frozen=True)
class Judgement:
    """The verdict on one main effect, and what it rests on.

    Attributes:
        verdict: The metric's word for less or more; ``no effect``; ``not distinguishable``. None when the effect is
            not attributable.
        resolution: The smallest difference that could have been shown, relative: the x of "not distinguishable (+-x)".
            None with one block, and with other verdicts.
        p_holm: Of the ratio being 1, adjusted over the family. None without spread, and with one block.
        p_equivalence: Of the ratio lying outside of the margin.
        floor: The A/A noise floor, relative; None where no A/A control was run.
    """

    verdict: str | None
    resolution: float | None
    p_holm: float | None
    p_equivalence: float | None
    floor: float | None

    @property
    def is_different(self) -> bool:
        """Whether the verdict says that the knob does something."""
        return self.verdict not in (None, NO_EFFECT, NOT_DISTINGUISHABLE)


def judge_main_effects(
    effects: Sequence[Effect], floors: Sequence[NoiseFloor], metric: Metric, margin: float = DEFAULT_MARGIN
) -> list[Judgement | None]:
    """Return the verdict on each main effect, and each level around a centre; None for other kinds.

    These are the family over which p-values are adjusted (Holm 1979): all workloads, compilers, stages and knobs. In
    this order:

    1. An exact value needs no test.
    2. *no effect*: the ratio lies within the margin by two one-sided tests at 5 % (Schuirmann 1987).
    3. Different: the adjusted p-value is at most 5 %, and the effect is larger than the A/A noise floor.
    4. *not distinguishable* otherwise.

    Args:
        effects: Of one metric and mode.
        floors: Of the same metric and mode.
        metric: What the effects are on.
        margin: Largest relative difference that counts as none.

    Raises:
        ValueError: A margin that is not positive.
    """
    judged = [effect.kind in ("main", "around") for effect in effects]
    p_values = [
        effect.ratio.p_value if chosen and effect.ratio else None
        for effect, chosen in zip(effects, judged, strict=True)
    ]
    adjusted = iter(holm([value for value in p_values if value is not None]))
    p_holm = [None if value is None else next(adjusted) for value in p_values]
    reach = {_unit(floor): floor.reach for floor in floors}
    return [
        _judge(effect, reach.get(_unit(effect)), p_value, metric, margin) if chosen else None
        for effect, chosen, p_value in zip(effects, judged, p_holm, strict=True)
    ]


def _judge(effect: Effect, floor: float | None, p_holm: float | None, metric: Metric, margin: float) -> Judgement:
    shown_floor = None if floor is None else math.expm1(floor)
    if effect.ratio is None:
        return Judgement(None, None, None, None, shown_floor)
    direction = metric.less if effect.ratio.value < 1.0 else metric.more
    if effect.exact:
        return Judgement(NO_EFFECT if effect.ratio.value == 1.0 else direction, None, None, None, shown_floor)
    equivalence = judge_equivalence(effect.logs, margin, ALPHA)
    held = (p_holm, equivalence.p_value, shown_floor)
    if equivalence.holds:
        return Judgement(NO_EFFECT, None, *held)
    above_floor = abs(math.log(effect.ratio.value)) > (floor or 0.0)
    if p_holm is not None and p_holm <= ALPHA and above_floor:
        return Judgement(direction, None, *held)
    within = minimal_margin(equivalence.ratio)
    return Judgement(NOT_DISTINGUISHABLE, None if within is None else max(within, shown_floor or 0.0), *held)


def _unit(held: Effect | NoiseFloor) -> tuple[Any, ...]:
    return (held.origin, held.workload, held.compiler)
