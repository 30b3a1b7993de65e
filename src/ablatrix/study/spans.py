"""What a stage spans for one compiler: its knobs, their levels, and the configuration that it departs from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.compilers.catalogue import BUILD, CompilerEntry, KnobEntry, Level
from ablatrix.study.model import Study
from ablatrix.study.stage import ALL, Stage

ON = "on"
NUMERIC_LEVELS = 3
"""A knob of numbers with so many levels is screened at three of them where all are such knobs."""


@dataclass(frozen=True)
class Span:
    """What a stage spans.

    Attributes:
        levels: The levels of each knob, in the order of the study.
        centre: The configuration that it departs from, where that is not the baseline.
    """

    levels: Mapping[str, tuple[Level, ...]]
    centre: Mapping[str, Level]


def stage_knobs(study: Study, stage: Stage, entry: CompilerEntry) -> list[str]:
    """Return the knobs that a stage names for a compiler; ``all``: those that the study makes, else primary ones.

    Args:
        study: The study.
        stage: One of its stages.
        entry: The compiler, with or without what the study adds to it.
    """
    if ALL not in stage.table:
        return list(stage.table)
    made = next((list(one.knobs) for one in study.compilers if one.name == entry.name and one.command is None), [])
    return made or list(entry.primary)


def span_of(study: Study, stage: Stage, entry: CompilerEntry, baseline: Mapping[str, Level]) -> Span:
    """Return what a stage spans; of a screening two levels of each knob, or three of a knob of numbers."""
    levels: dict[str, tuple[Level, ...]] = {}
    for knob in _entries(study, stage, entry):
        given = stage.table.get(knob.name)
        if knob.name == BUILD and given is not None:  # of the builds of all compilers, those of this one
            given = [level for level in given if knob.has(level)]
        base = baseline[knob.name]
        if stage.screen is not None:
            levels[knob.name] = screened_levels(knob, given, base)
        else:
            levels[knob.name] = tuple(_listed(knob) if given is None else given)
    centre: dict[str, Level] = dict(stage.centre)
    if stage.is_around_all_on:
        on = {knob.name: _on(knob, baseline[knob.name]) for knob in _entries(study, stage, entry)}
        centre = {**on, **centre}
    return Span(levels, centre)


def _entries(study: Study, stage: Stage, entry: CompilerEntry) -> Iterator[KnobEntry]:
    found = (entry.knob(name) for name in stage_knobs(study, stage, entry))
    return (knob for knob in found if knob is not None)


def screened_levels(knob: KnobEntry, given: Sequence[Level] | None, base: Level) -> tuple[Level, ...]:
    """Return the levels at which a knob is screened: the baseline's and another one, or three numbers in their order.

    The other level is ``on``, or the last one that is listed; of numbers the one that is farthest from the baseline's.
    Numbers with a level on both sides of the baseline's are screened at the lowest, the baseline's and the highest.
    """
    listed = list(dict.fromkeys([base, *(_listed(knob) if given is None else given)]))
    others = [level for level in listed if level != base]
    if not others:
        return (base,)
    numbers = [level for level in listed if not isinstance(level, str)]
    if len(numbers) == len(listed) and len(numbers) >= NUMERIC_LEVELS:
        low, high = min(numbers), max(numbers)
        if low != base != high:
            return (low, base, high)
        return (base, high if base == low else low)
    return (base, ON if ON in others else others[-1])


def _on(knob: KnobEntry, base: Level) -> Level:
    if knob.has(ON):
        return ON
    return screened_levels(knob, None, base)[-1]


def _listed(knob: KnobEntry) -> list[Level]:
    return [level.name for level in knob.levels if not level.unsupported]
