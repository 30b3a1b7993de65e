"""The table of memory: what is planned for each configuration, and how much the process grows."""

from collections.abc import Mapping, Sequence
from statistics import median

from ablatrix.analysis.effects import Ablation
from ablatrix.paper.number import Number
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.largest_moves import largest_moves, largest_note
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.sources import TableSources, knob_heading, move_name
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.spec import MemoryTableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import Labels
from ablatrix.records.metrics import METRICS

PLANNED, PEAK = "planned_bytes", "peak_rss_delta_bytes"
MIB = METRICS[PEAK].quantity.divide_by


def memory_table(sources: TableSources, spec: MemoryTableSpec) -> list[PrintedTable]:
    """Return the table: one part for all compilers that have the same knobs.

    Args:
        sources: The input; every number is entered in its ledger.
        spec: The template's entry.
    """
    parts: dict[object, list[Ablation]] = {}
    for one in sources.findings.ablations(*sources.metric()):
        parts.setdefault(one.steps, []).append(one)
    return [_part(sources, spec, found, len(parts) == 1) for found in parts.values() or [[]]]


def _part(sources: TableSources, spec: MemoryTableSpec, found: list[Ablation], is_only: bool) -> PrintedTable:
    labels, word = sources.labels, sources.word
    compilers = list(dict.fromkeys(one.compiler for one in found))
    several = len(compilers) > 1
    chosen = largest_moves(found, lambda one, index: _share(sources, one, index))
    configurations = _configurations(found[0], chosen.shown) if found else {"baseline": {}}
    moves = [found[0].moves[index] for index in chosen.shown]
    has_whole = "all" in configurations
    with_axes = sources.by_variant(found)
    names = 1 + several + with_axes
    eager = both(labels, Labels.eager)
    peaks = [word("baseline"), *([word("all_on")] if has_whole else []), eager]
    headings = [word("workload"), *([word("axes")] if with_axes else []), *([word("compiler")] if several else [])]
    headings.append(word("baseline"))
    headings += [knob_heading(labels, found[0].moves, move) for move in moves]
    headings += [*([word("all_on")] if has_whole else []), *peaks]
    groups: list[Cell] = [*[""] * names, *[_in_mib(labels, "planned")] * len(configurations)]
    groups += [_in_mib(labels, "peak")] * len(peaks)
    rows: list[tuple[Cell, ...]] = []
    best = set()
    ordered = sources.in_order(found, sorted(compilers))
    for row, one in enumerate(ordered):
        cells = [_planned(sources, one, name, moved) for name, moved in configurations.items()]
        held = {at: number for at, number in enumerate(cells) if number is not None}
        least = min((number.value for number in held.values()), default=0.0)
        is_told = len({number.value for number in held.values()}) > 1
        best |= {(row, names + at) for at, number in held.items() if is_told and number.value == least}
        peak = [_peak(sources, one, name) for name in ("baseline", *(["all"] if has_whole else []), "eager")]
        texts = [NOTHING if number is None else number.text for number in cells]
        rows.append((*sources.names(one, ordered[row - 1] if row else None, several, with_axes), *texts, *peak))
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=tuple(headings),
        group_cells=tuple(groups),
        is_number=tuple(index >= names for index in range(len(headings))),
        cells=tuple(rows),
        notes=tuple(largest_note(chosen, labels)) if found else (labels("no_row"),),
        part_word="" if is_only else sources.compilers(compilers),
        best=frozenset(best),
        labels=labels,
    )


def _in_mib(labels: Labels, name: str) -> Cell:
    return both(labels, lambda it: f"{it(name)} (MiB)")


def _share(sources: TableSources, one: Ablation, index: int) -> float | None:
    """Return what a move alone makes of the planned memory."""
    moved = {one.moves[index].knob: one.moves[index].level}
    finder, unit = sources.estimates.finder, sources.unit(one)
    held = (finder.at(unit, None, {**one.base, **at}, PLANNED)[PLANNED].drop_nulls() for at in ({}, moved))
    base, own = (median(values.to_list() or [0.0]) for values in held)
    return own / base if base and own else None


def _configurations(one: Ablation, shown: Sequence[int]) -> dict[str, Mapping[str, str]]:
    """Return what is moved in each configuration of the table, by its part of the key of a number."""
    found: dict[str, Mapping[str, str]] = {"baseline": {}}
    found |= {move_name(move.knob, move.level): {move.knob: move.level} for move in (one.moves[at] for at in shown)}
    if len(one.path) > 1:
        found["all"] = {move.knob: move.level for move in one.path}
    return found


def _planned(sources: TableSources, one: Ablation, name: str, moved: Mapping[str, str]) -> Number | None:
    unit = sources.unit(one)
    rows = sources.estimates.finder.at(unit, None, {**one.base, **moved}, PLANNED)
    return sources.median(f"memory/{unit.key}/{name}/{PLANNED}", rows, PLANNED, MIB, "MiB")


def _peak(sources: TableSources, one: Ablation, name: str) -> str:
    unit, finder = sources.unit(one), sources.estimates.finder
    if name == "eager":
        rows, key = finder.eager(unit, one.mode, PEAK), f"memory/{unit.workload_key}/eager/{PEAK}"
    else:
        moved = {move.knob: move.level for move in one.path} if name == "all" else {}
        rows, key = finder.at(unit, one.mode, {**one.base, **moved}, PEAK), f"memory/{unit.key}/{name}/{PEAK}"
    number = sources.median(key, rows, PEAK, MIB, "MiB")
    if number is None:
        return NOTHING
    least = METRICS[PEAK].resolution
    return number.text if number.value > least else f"≤ {least / MIB:.3f}"
