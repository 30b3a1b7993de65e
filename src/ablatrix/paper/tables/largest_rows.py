"""Which rows a table of effects has: of many changes of one workload and compiler the largest, the others in a line."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablatrix.analysis.effects import Largest, largest
from ablatrix.paper.largest import others_line
from ablatrix.paper.tables.cells import Groups, Key
from ablatrix.paper.template.spec import ColumnSpec
from ablatrix.plotting.labels import Labels

CHANGE = "change"


def largest_rows(found: Groups, columns: Sequence[ColumnSpec]) -> tuple[list[Key], list[tuple[Key, Largest[Key]]]]:
    """Return the rows that a table has, and what it leaves out of each stage, by a key of it.

    A change is as large as its ratio in the first column of ratios that has any for its stage.

    Args:
        found: All rows of its source, by groups one of which is the change.
        columns: Of the table.
    """
    at = found.names.index(CHANGE)
    stages: dict[Key, list[Key]] = {}
    for key in found.keys:
        stages.setdefault((*key[:at], *key[at + 1 :]), []).append(key)
    ratios = [found.values(one) for one in columns if one.aggregation == "ratio"]
    kept: list[Key] = []
    others = []
    for held in stages.values():
        known: Mapping[Key, float] = next((one for one in ratios if any(key in one for key in held)), {})
        chosen = largest({key: [known.get(key)] for key in held})
        kept += chosen.shown
        if chosen.others:
            others.append((held[0], chosen))
    return kept, others


def rows_left_out(found: Groups, others: Sequence[tuple[Key, Largest[Key]]], labels: Labels) -> list[str]:
    """Return a line for each stage of which a table does not have every change."""
    lines = []
    for key, chosen in others:
        named: dict[str, Any] = dict(zip(found.names, key, strict=True))
        rest = others_line(chosen, labels)
        workload = labels.workload(str(named.get("workload", "")))
        place = labels("comma").join(filter(None, [workload, labels.compiler(str(named.get("compiler", "")))]))
        stage = named.get("stage")
        where = f"{place}{labels('comma')}{stage}" if stage else place
        lines.append(labels("largest_rows", where=where, shown=len(chosen.shown), rest=rest))
    return lines
