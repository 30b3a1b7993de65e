"""Which knobs a study names, and so at which level each knob stands that it says nothing of."""

from __future__ import annotations

from collections.abc import Mapping

from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.study.model import CompilerChoice, Study
from ablatrix.study.spans import stage_knobs


def named_knobs(study: Study, entry: CompilerEntry) -> frozenset[str]:
    """Return the knobs that a study names for a compiler: in its baseline, in what it holds fixed, in a stage."""
    named = [*study.baseline, *_fixed(study, entry.name)]
    for stage in study.stages:
        if stage.compilers is None or entry.name in stage.compilers:
            named += [*stage_knobs(study, stage, entry), *stage.centre]
    return frozenset(named)


def baseline_of(study: Study, entry: CompilerEntry) -> dict[str, Level]:
    """Return the level of every knob in the baseline of a compiler.

    A knob that the study names and gives no level has its default; one that it does not name is as the compiler ships
    it, so that a study of one thing has all others as users have them.
    """
    given = {knob: level for knob, level in study.baseline.items() if entry.knob(knob)}
    return {**entry.levels(named_knobs(study, entry)), **_fixed(study, entry.name), **given}


def take_offers(study: Study, choice: CompilerChoice, entry: CompilerEntry) -> CompilerEntry:
    """Return a compiler's entry with those of its offers that the study names and does not define itself."""
    return entry.taking(named_knobs(study, entry) - choice.knobs.keys())


def _fixed(study: Study, compiler: str) -> Mapping[str, Level]:
    return next((choice.fixed for choice in study.compilers if choice.name == compiler), {})
