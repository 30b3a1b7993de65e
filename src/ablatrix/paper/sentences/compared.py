"""Compilers of one study beside each other: the best of each, and eager."""

from collections.abc import Mapping

import polars as pl

from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import Number, milliseconds
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.provenance.units import Unit

P50 = "run_ms_p50"


def compilers_compared(sources: Sources) -> Written:
    """The lowest median time of each compiler on a workload that several compile, the lowest first, and eager's.

    Compilers never share a block, so that medians are what there is to compare.
    """
    by_workload: dict[tuple[str, str], list[Unit]] = {}
    for unit in sources.estimates.units.values():
        by_workload.setdefault((unit.workload, unit.digest), []).append(unit)
    for (workload, digest), units in by_workload.items():
        bests = [best for unit in units if (best := _best(sources, unit)) is not None]
        if len(bests) < 2:
            continue
        bests.sort(key=lambda best: (best[2].value, best[0].compiler))
        times = listed(
            say("compared_at", compiler=unit.compiler, configuration=levels, p50=p50) for unit, levels, p50 in bests
        )
        eager = _eager(sources, workload, digest, units[0])
        said = say("compared", workload=units[0].label, times=times, reference=eager)
        yield Sentence(f"compared/{units[0].workload_key}", said)


def _best(sources: Sources, unit: Unit) -> tuple[Unit, Fragment, Number] | None:
    """Return the configuration of a compiler with the lowest median time, and that median; None without a hot one."""
    hot = unit.ok.get("hot", sources.trials.clear()).filter(pl.col(P50).is_not_null())
    knobs = [knob for knob in sources.ledger.rows.knobs() if knob in unit.baseline]
    if hot.is_empty() or not knobs:
        return None
    cells = hot.partition_by([f"knob_{knob}" for knob in knobs], as_dict=True, maintain_order=True)
    medians = {key: float(cell[P50].median()) for key, cell in cells.items()}  # type: ignore[arg-type]
    key = min(medians, key=lambda one: (medians[one], str(one)))
    levels: Mapping[str, str] = {knob: str(level) for knob, level in zip(knobs, key, strict=True)}
    moved = [say("knob_at", knob=knob, level=at) for knob, at in levels.items() if at != unit.baseline[knob]]
    name = f"benefit/{unit.key}/compared/{P50}"
    p50 = sources.ledger.median(name, cells[key], P50, milliseconds(medians[key]))
    return unit, listed(moved) if moved else say("the_baseline"), p50


def _eager(sources: Sources, workload: str, digest: str, unit: Unit) -> Fragment:
    own = (pl.col("workload") == workload) & (pl.col("workload_digest") == digest) & pl.col(P50).is_not_null()
    part = sources.ok("hot", "reference").filter(own)
    if part.is_empty():
        return Name("")
    value = float(part[P50].median())  # type: ignore[arg-type]
    key = f"benefit/{unit.workload_key}/compared/eager/{P50}"
    return say("eager", p50=sources.ledger.median(key, part, P50, milliseconds(value)))
