"""The fastest configuration of each workload on a compiler, and what cannot be distinguished from it."""

from collections.abc import Mapping

import polars as pl

from ablatrix.analysis.effects import Best
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import Number, milliseconds
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import HOT_METRIC

NAMED_TIES = 3
"""Configurations that are named as not distinguishable from the fastest; of more, it gives their number."""
P50 = "run_ms_p50"


def fastest_configurations(sources: Sources) -> Written:
    """The fastest configuration of each workload, what is not distinguishable from it, and its ratios."""
    found = sources.findings.best(HOT_METRIC, "hot")
    for unit in sources.estimates.units.values():
        hot = unit.ok.get("hot", pl.DataFrame())
        hot = hot.filter(pl.col(P50).is_not_null()) if hot.height else hot
        name = f"fastest/{unit.key}"
        best = found.get((unit.workload, unit.digest, unit.compiler))
        if hot.is_empty() or best is None:
            yield LeftOut(name, say("lacks/hot"))
            continue
        levels, configuration = levels_said(unit, best)
        is_moved = any(at != unit.baseline[knob] for knob, at in levels.items())
        yield Sentence(
            name,
            say(
                "fastest",
                workload=unit.label,
                compiler=unit.compiler,
                configuration=configuration,
                p50=median_of(sources, unit, levels, "best"),
                against=_against_baseline(sources, unit, best, levels) if is_moved else Name(""),
                reference=eager_time(sources, unit, "eager"),
                ties=_ties(sources, unit, best),
            ),
        )
    if not sources.estimates.units:
        yield LeftOut("fastest", say("lacks/hot"))


def levels_said(unit: Unit, best: Best) -> tuple[Mapping[str, str], Fragment]:
    """Return the levels of the fastest configuration, and those that are not the baseline's as they are said."""
    levels = {knob: at for knob, at in best.levels.items() if knob in unit.baseline}
    moved = [say("knob_at", knob=knob, level=at) for knob, at in levels.items() if at != unit.baseline[knob]]
    return levels, listed(moved) if moved else say("the_baseline")


def median_of(sources: Sources, unit: Unit, levels: Mapping[str, str], part: str) -> Number:
    """Return the median time of a configuration; ``part`` distinguishes its key from others of the unit."""
    cell = unit.ok["hot"].filter(pl.all_horizontal(pl.col(f"knob_{knob}") == at for knob, at in levels.items()))
    cell = cell.filter(pl.col(P50).is_not_null())
    return sources.ledger.median(f"benefit/{unit.key}/{part}/{P50}", cell, P50, milliseconds(_median(cell)))


def _median(part: pl.DataFrame) -> float:
    return float(part[P50].median())  # type: ignore[arg-type]


def _against_baseline(sources: Sources, unit: Unit, best: Best, levels: Mapping[str, str]) -> Fragment:
    """Return the ratio to the baseline; it is clear where the baseline itself cannot be the best."""
    columns = [f"knob_{knob}" for knob in levels]
    ratio = sources.findings.ratios(HOT_METRIC, ["workload", "workload_digest", "compiler", "role", *columns]).get(
        (unit.workload, unit.digest, unit.compiler, "measured", *levels.values())
    )
    if ratio is None:
        return Name("")
    interval = sources.estimates.against_baseline(
        f"benefit/{unit.key}/best/{HOT_METRIC}", unit, levels, HOT_METRIC, "hot", ratio
    )
    is_tied = best.ties is None or any(
        all(one.get(knob) == at for knob, at in unit.baseline.items()) for one in best.ties
    )
    return say("against_baseline_unclear" if is_tied else "against_baseline", ratio=interval.said())


def eager_time(sources: Sources, unit: Unit, part: str) -> Fragment:
    """Return the median time of eager on the workload of a unit, in brackets; nothing where there is none."""
    ok = sources.ok("hot", "reference").filter(
        (pl.col("workload") == unit.workload) & (pl.col("workload_digest") == unit.digest) & pl.col(P50).is_not_null()
    )
    if ok.is_empty():
        return Name("")
    key = f"benefit/{unit.workload_key}/{part}/{P50}"
    return say("eager", p50=sources.ledger.median(key, ok, P50, milliseconds(_median(ok))))


def _ties(sources: Sources, unit: Unit, best: Best) -> Fragment:
    """Return which configurations are not distinguishable from the fastest, by name or, if they are many, by number."""
    if best.compared < 2:
        return Name("")
    if best.ties is None:
        return say("best_of_one_block")
    if not best.ties:
        return say("best_alone")
    if len(best.ties) <= NAMED_TIES:
        named = [
            Name(", ".join(f"{knob}={at}" for knob, at in one.items() if at != unit.baseline.get(knob)))
            for one in best.ties
        ]
        return say("tied_with", ties=listed([one if one.text else say("the_baseline") for one in named], "clauses"))
    counts = [sources.estimates.ties(unit, HOT_METRIC, "hot", best, part) for part in ("ties", "compared")]
    return say("tied_with_many", ties=counts[0], compared=counts[1])
