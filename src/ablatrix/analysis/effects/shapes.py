"""What a stage spans: every combination of levels, or a centre and each level by itself."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.analysis.effects.readings import Readings, levels_key
from ablatrix.analysis.groups import StagePlan, sort_key
from ablatrix.statistics.precision import Configuration

SPARSEST = 4  # a grid with more corners than this many for each configuration measured is not taken as one


@dataclass(frozen=True)
class Shape:
    """What a stage spans.

    Attributes:
        base: What the others are compared with: the baseline or the centre.
        positions: Of the knobs that vary.
        configurations: All, the base first.
    """

    kind: Literal["factorial", "around"]
    base: Configuration
    positions: tuple[int, ...]
    configurations: tuple[Configuration, ...]


def shape_of(readings: Readings, own: Sequence[Configuration], plan: StagePlan | None) -> Shape | None:
    """Return what a stage spans, None when nothing varies in it, and of a screening, which is no grid."""
    if plan is not None and plan.kind == "screen":
        return None
    if plan is not None:
        return _planned_around(readings, plan) if plan.kind == "around" else _planned_factorial(readings, plan)
    return _inferred(readings, own)


def _planned_around(readings: Readings, plan: StagePlan) -> Shape | None:
    """Return a centre and each level by itself; a level that this mode never has, such as of a cache, is omitted."""
    centre = _configuration(readings, plan.centre)
    moved: dict[Configuration, None] = {}
    for position, knob in enumerate(readings.knobs):
        for level in plan.levels.get(knob, ()):
            one = (*centre[:position], level, *centre[position + 1 :])
            if one != centre and any(other[position] == level for other in readings.measured):
                moved[one] = None
    positions = tuple(i for i, level in enumerate(centre) if any(one[i] != level for one in moved))
    return Shape("around", centre, positions, (centre, *moved)) if moved else None


def _planned_factorial(readings: Readings, plan: StagePlan) -> Shape | None:
    """Return every combination of the levels that this mode has; of a grid that is mostly not run, what was run.

    The baseline's level of a knob that the stage has at other levels only joins with what earlier stages have of it.
    """
    base = readings.baseline
    choices: list[tuple[Any, ...]] = []
    foreign = []  # positions where the baseline's level is none of the stage's
    for position, (knob, level) in enumerate(zip(readings.knobs, base, strict=True)):
        there = {one[position] for one in readings.measured}
        others = [one for one in plan.levels.get(knob, ()) if one != level and one in there]
        choices.append((level, *sorted(others, key=sort_key)))
        foreign += [position] if others and level not in plan.levels[knob] else []
    positions = tuple(i for i, levels in enumerate(choices) if len(levels) > 1)
    if not positions:
        return None
    if math.prod(map(len, choices)) <= SPARSEST * len(readings.measured):
        grid = [
            one
            for one in itertools.product(*choices)
            if one in readings.measured or not any(one[i] == base[i] for i in foreign)
        ]
        return Shape("factorial", base, positions, tuple(dict.fromkeys((base, *grid))))
    within = [one for one in readings.measured if all(level in held for level, held in zip(one, choices, strict=True))]
    return Shape("factorial", base, positions, tuple(dict.fromkeys((base, *within))))


def _configuration(readings: Readings, levels: Mapping[str, str]) -> Configuration:
    named = zip(readings.knobs, readings.baseline, strict=True)
    return tuple(levels.get(knob, str(level)) for knob, level in named)


def _inferred(readings: Readings, own: Sequence[Configuration]) -> Shape | None:
    base = readings.baseline
    levels = [sorted({one[i] for one in own} - {level}, key=sort_key) for i, level in enumerate(base)]
    positions = tuple(i for i, others in enumerate(levels) if others)
    if not positions:
        return None
    choices = [(level, *others) if others else (level,) for level, others in zip(base, levels, strict=True)]
    size = math.prod(map(len, choices))
    grid = tuple(itertools.product(*choices)) if size <= SPARSEST * len(readings.measured) else ()
    if not grid or any(one not in readings.measured for one in grid):
        centre = _centre(readings, own)
        if centre is not None:
            moved = tuple(one for one in own if one != centre)
            around = tuple(i for i, level in enumerate(centre) if any(one[i] != level for one in moved))
            return Shape("around", centre, around, (centre, *moved)) if moved else None
        grid = grid or (base, *(one for one in own if one != base))
    return Shape("factorial", base, positions, grid)


def _centre(readings: Readings, own: Sequence[Configuration]) -> Configuration | None:
    """Return the measured configuration from which each of a stage differs in at most one knob.

    Of several, the one from which most do differ, then the one nearest to the baseline.
    """
    fitting = [one for one in readings.measured if all(_distance(one, other) <= 1 for other in own)]
    return min(
        fitting,
        key=lambda one: (sum(one == other for other in own), _distance(one, readings.baseline), levels_key(one)),
        default=None,
    )


def _distance(one: Configuration, other: Configuration) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
