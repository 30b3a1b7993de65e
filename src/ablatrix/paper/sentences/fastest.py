"""The fastest configuration of each workload on a compiler, and how configurations are named."""

import polars as pl

from ablatrix.analysis.effects import Best
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, say
from ablatrix.paper.number import Form, Number, milliseconds
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.metrics import HOT_METRIC

P50 = "run_ms_p50"
ON = "on"


def bests(sources: Sources) -> list[tuple[Unit, Best, Levels, Interval | None]]:
    """Return the fastest configuration of each unit, and its ratio to the baseline unless it is the baseline."""
    found = sources.findings.best(HOT_METRIC, "hot")
    held: list[tuple[Unit, Best, Levels, Interval | None]] = []
    for unit in sources.estimates.units.values():
        best = found.get((unit.workload, unit.digest, unit.compiler))
        if best is None or "hot" not in unit.ok:
            continue
        levels = {knob: at for knob, at in best.levels.items() if knob in unit.baseline}
        held.append((unit, best, levels, _to_baseline(sources, unit, levels)))
    return held


def _to_baseline(sources: Sources, unit: Unit, levels: Levels) -> Interval | None:
    if all(at == unit.baseline[knob] for knob, at in levels.items()):
        return None
    columns = [f"knob_{knob}" for knob in levels]
    ratio = sources.findings.ratios(HOT_METRIC, ["workload", "workload_digest", "compiler", "role", *columns]).get(
        (unit.workload, unit.digest, unit.compiler, "measured", *levels.values())
    )
    if ratio is None:
        return None
    key = f"benefit/{unit.key}/best/{HOT_METRIC}"
    return sources.estimates.against_baseline(key, unit, levels, HOT_METRIC, "hot", ratio)


def knob_at(sources: Sources, knob: str, level: str) -> Fragment:
    """Return a knob at a level: by its name alone where the level says that it is on."""
    called = sources.level(knob, level)
    if called.texts["en"] == ON:
        return say("knob_at/on", knob=sources.knob(knob))
    return say("knob_at", knob=sources.knob(knob), level=called)


def set_to(sources: Sources, knob: str, level: str) -> Fragment:
    """Return the change of a knob to a level, as what does something."""
    called = sources.level(knob, level)
    if called.texts["en"] == ON:
        return say("set_to/on", knob=sources.knob(knob))
    return say("set_to", knob=sources.knob(knob), level=called)


def median_of(sources: Sources, unit: Unit, levels: Levels, name: str) -> Number | None:
    """Enter the median time of a configuration of a unit under a name, and return it; None where it has none."""
    cell = sources.estimates.finder.at(unit, "hot", levels, P50).filter(pl.col(P50).is_not_null())
    return (
        sources.ledger.median(f"benefit/{unit.key}/{name}/{P50}", cell, P50, time_form(cell)) if cell.height else None
    )


def time_form(part: pl.DataFrame) -> Form:
    """Return the form of the median time of some trials."""
    return milliseconds(float(part[P50].median()))  # type: ignore[arg-type]
