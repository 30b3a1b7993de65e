"""What screenings of many knobs found, and that all other effects are from blocks that did not know of it."""

from collections.abc import Sequence
from typing import Any

from ablatrix.analysis.effects import ScreenedKnob, Screening
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.number import PERCENT, RATIO, WHOLE, Number
from ablatrix.paper.sentences.said import confidence_of
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.paper.sentences.whole import primary
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.ranges import Ranges
from ablatrix.provenance.units import Unit
from ablatrix.statistics.screening.observed import FALSE_DISCOVERIES

NAMED, UNITS = 3, 3
"""Knobs that a sentence names, and screenings that have a sentence of their own; the figure has all."""


def screened(sources: Sources) -> Written:
    """What each screening found on the metric of the paper; nothing of a study without one."""
    evidence = primary(sources)
    screens = [one for one in evidence.screens if one.knobs] if evidence else []
    for one in screens[:UNITS]:
        yield from _of_screening(sources, one, len(screens) > 1)


def _of_screening(sources: Sources, one: Screening, several: bool) -> Written:
    unit = sources.estimates.units[one.workload, one.digest, one.compiler]
    behind = sources.estimates.finder.of_screening(unit, one.mode, one.metric, one.stage)
    key = f"screening/{unit.key}/{key_part(one.stage)}/{key_part(one.metric)}"
    ratios = {knob.knob: _ratio(sources, one, knob, unit, behind) for knob in one.knobs if knob.ratio is not None}
    found = [knob for knob in one.found if knob.knob in ratios]
    slots: dict[str, Fragment] = {
        "knobs": sources.ledger.number_of(f"{key}/knobs", ratios.values()),
        "place": say("screen/on", unit=sources.place(unit)) if several else Name(""),
        "metric": say(f"metric/{one.metric}"),
        "rate": sources.ledger.constant("screening/rate", FALSE_DISCOVERIES, "the screening", PERCENT),
        "see": sources.see("screening"),
        "idle": _idle(sources, one, key, behind, unit),
    }
    phrase = "screen/left" if one.search is not None else "screen/shares" if one.chosen.orders else "screen"
    if not found:
        yield Sentence(f"screened_{key_part(one.workload)}", say(f"{phrase}/none", **slots))
        return
    slots["found"] = sources.ledger.number_of(f"{key}/found", [ratios[knob.knob] for knob in found])
    named = (_item(sources, one, knob, unit, behind) for knob in found[:NAMED])
    slots["largest"] = listed(named, "items" if found[NAMED:] else "words")
    rest = [ratios[knob.knob] for knob in found[NAMED:]]
    slots["more"] = say("screen/more", count=sources.ledger.number_of(f"{key}/more", rest)) if rest else Name("")
    yield Sentence(f"screened_{key_part(one.workload)}", say(phrase, **slots))
    confirmed = _confirmed(sources, one, key, [ratios[knob.knob] for knob in found])
    if confirmed is not None:
        yield Sentence(f"confirmed_{key_part(one.workload)}", confirmed)


def _confirmed(sources: Sources, one: Screening, key: str, found: Sequence[Number]) -> Said | None:
    """Return how many of the found knobs a later stage confirms; None where none does."""
    grids = sources.findings.factorial_grids(one.metric, one.mode)
    own = (one.workload, one.digest, one.compiler)
    sizes = [
        len(grid.comparison.knobs)
        for grid in grids
        if (grid.workload, grid.digest, grid.compiler) == own and grid.confirms == one.stage
    ]
    if not sizes:
        return None
    if sizes[0] == 1:
        return say("screen/confirmed/one")
    return say("screen/confirmed", count=sources.ledger.number_of(f"{key}/confirmed", found[: sizes[0]]))


def _idle(sources: Sources, one: Screening, key: str, behind: Ranges, unit: Unit) -> Fragment:
    count = len(one.chosen.idle)
    if not count:
        return Name("")
    if count == 1:
        return say("screen/idle/one")
    parameters = {"compiler": unit.compiler, "stage": one.stage}
    return say("screen/idle", count=sources.ledger.enter(f"{key}/idle", "idle_knobs", count, WHOLE, behind, parameters))


def _item(sources: Sources, one: Screening, knob: ScreenedKnob, unit: Unit, behind: Ranges) -> Fragment:
    named, value = sources.knob(knob.knob), _ratio(sources, one, knob, unit, behind)
    low, high = (_end(sources, one, knob, unit, behind, part) for part in ("low", "high"))
    if low is None or high is None:
        return say("screen/item/alone", knob=named, value=value)
    return say("screen/item", knob=named, value=value, confidence=confidence_of(sources), low=low, high=high)


def _ratio(sources: Sources, one: Screening, knob: ScreenedKnob, unit: Unit, behind: Ranges) -> Number:
    found = _end(sources, one, knob, unit, behind, "value")
    assert found is not None
    return found


def _end(sources: Sources, one: Screening, knob: ScreenedKnob, unit: Unit, behind: Ranges, part: str) -> Number | None:
    """Enter a part of a screened effect: its value, or an end of its interval."""
    value = None if knob.ratio is None else getattr(knob.ratio, part)
    if knob.ratio is None or value is None:
        return None
    key = f"screening/{unit.key}/{key_part(one.stage)}/{key_part(one.metric)}/{key_part(knob.knob)}/{part}"
    parameters: dict[str, Any] = {
        "workload": unit.workload,
        "workload_digest": unit.digest,
        "compiler": unit.compiler,
        "mode": one.mode,
        "metric": one.metric,
        "stage": one.stage,
        "knob": knob.knob,
        "part": part,
    }
    if knob.ratio.widened:
        parameters["widened"] = knob.ratio.widened
    rows = sources.estimates.finder.widened_by(unit, one.mode, one.metric, behind, knob.ratio.widened)
    return sources.ledger.enter(key, "screened_effect", value, RATIO, rows, parameters)
