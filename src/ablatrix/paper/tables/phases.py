"""The table of compile time: each phase up to the end of the first run, of the baseline and with all knobs on."""

from ablatrix.analysis.effects import Ablation
from ablatrix.analysis.groups import sort_key
from ablatrix.paper.number import Number
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.spec import PhasesTableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import Labels
from ablatrix.records.metrics import COLD_METRIC

PHASES = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
"""Columns of trials, in the order of time; they add up to the whole of a trial."""


def phases_table(sources: TableSources, spec: PhasesTableSpec) -> PrintedTable:
    """Return the table: a row for the baseline of each workload and compiler, and one for all knobs on.

    Args:
        sources: The input; every number is entered in its ledger.
        spec: The template's entry.
    """
    labels, word = sources.labels, sources.word
    found = sources.findings.ablations(COLD_METRIC, "cold")
    several = len({one.compiler for one in found}) > 1
    lines: list[tuple[tuple[Cell, ...], list[Number | None]]] = []
    for one in sorted(found, key=lambda one: (sort_key(sources.unit(one).label), one.compiler)):
        for name, label in (("baseline", "baseline"), *([("all", "all_on")] if len(one.path) > 1 else [])):
            lines.append(((*sources.subject(one, several), word(label)), _numbers(sources, one, name)))
    shown = [at for at in range(len(PHASES)) if any(numbers[at] is not None for _, numbers in lines)]
    names = 3 if several else 2
    headings = [word("workload"), *([word("compiler")] if several else []), word("configuration")]
    headings += [_in_ms(labels, name) for name in (*(PHASES[at] for at in shown), "total")]
    rows = [(*words, *(_text(numbers[at]) for at in (*shown, len(PHASES)))) for words, numbers in lines]
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=tuple(headings),
        is_number=tuple(index >= names for index in range(len(headings))),
        cells=tuple(rows),
        notes=() if rows else (labels("no_row"),),
        labels=labels,
    )


def _in_ms(labels: Labels, name: str) -> Cell:
    return both(labels, lambda it: f"{it(name)} (ms)")


def _numbers(sources: TableSources, one: Ablation, name: str) -> list[Number | None]:
    unit = sources.unit(one)
    moved = {move.knob: move.level for move in one.path} if name == "all" else {}
    rows = sources.estimates.finder.at(unit, "cold", {**one.base, **moved}, *PHASES, COLD_METRIC)
    return [
        sources.median(f"phases/{unit.key}/{name}/{column}", rows, column, 1.0, "ms")
        for column in (*PHASES, COLD_METRIC)
    ]


def _text(number: Number | None) -> str:
    return NOTHING if number is None else number.text
