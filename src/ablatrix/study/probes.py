"""The untimed compiles that show which knobs of a screening do anything: each by itself, and each as the last."""

from ablatrix.compilers.catalogue import Level
from ablatrix.study.cells import Cell, make_cell, variant_of
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.spans import Span, span_of
from ablatrix.study.stage import Stage


def screened_span(resolved: ResolvedStudy, stage: Stage, compiler: str) -> Span:
    """Return the knobs and levels of a screening on a compiler."""
    study, catalogue = resolved
    entry = catalogue.compiler(compiler)
    return span_of(study, stage, entry, baseline_of(study, entry))


def screens_of(resolved: ResolvedStudy, workload: str, compiler: str) -> list[Stage]:
    """Return the screenings of a study that are about a workload on a compiler."""
    variant = variant_of(resolved.study, workload)
    return [
        stage
        for stage in resolved.study.stages
        if stage.screen is not None and stage.is_about(variant.name, variant.base, compiler)
    ]


def probe_cells(resolved: ResolvedStudy, workload: str, compiler: str) -> dict[str, list[Cell]]:
    """Return the cells that are compiled untimed for each screening of a workload on a compiler, by its name.

    These are the baseline, each knob moved by itself, all of them moved, and all of them but each.
    """
    found: dict[str, list[Cell]] = {}
    for stage in screens_of(resolved, workload, compiler):
        span = screened_span(resolved, stage, compiler)
        moved = moved_levels(resolved, compiler, span)
        knobs = list(moved)
        sets = [frozenset[str](), *(frozenset({one}) for one in knobs), frozenset(knobs)]
        sets += [frozenset(knobs) - {one} for one in knobs]
        cells = (cell_with(resolved, stage, workload, compiler, {k: moved[k] for k in one}) for one in sets)
        found[stage.name] = list({cell.cell_id: cell for cell in cells}.values())
    return found


def moved_levels(resolved: ResolvedStudy, compiler: str, span: Span) -> dict[str, Level]:
    """Return the level to which each knob of a screening is moved alone: the last that is not the baseline's."""
    entry = resolved.catalogue.compiler(compiler)
    base = baseline_of(resolved.study, entry)
    others = {knob: [one for one in levels if one != base[knob]] for knob, levels in span.levels.items()}
    return {knob: held[-1] for knob, held in others.items() if held}


def cell_with(resolved: ResolvedStudy, stage: Stage, workload: str, compiler: str, changed: dict[str, Level]) -> Cell:
    """Return the cell of the baseline with some knobs changed, for a stage."""
    study, catalogue = resolved
    entry = catalogue.compiler(compiler)
    base = baseline_of(study, entry)
    return make_cell(resolved, variant_of(study, workload), entry, {**base, **changed}, stage.name, base)
