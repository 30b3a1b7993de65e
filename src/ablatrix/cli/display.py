"""Tables on stdout, for people."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablatrix.records.model import Record
from ablatrix.statistics.ratio import Ratio
from ablatrix.study.cost import estimate_seconds
from ablatrix.study.design import Design, Trial
from ablatrix.study.resolve import ResolvedStudy

WIDE = 160


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], to_stderr: bool = False) -> None:
    """Print a table at the terminal's width, or at a fixed width when piped."""
    stream = sys.stderr if to_stderr else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False)
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio with its interval if it has one; empty if there is no ratio."""
    if ratio is None:
        return ""
    interval = "" if ratio.low is None or ratio.high is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    return f"{ratio.value:.3f}{interval}"


def show_design(resolved: ResolvedStudy, design: Design, trials: Sequence[Trial], known: Mapping[str, Record]) -> None:
    """Print cells and trials by workload, compiler and stage, then the totals and the estimated time."""
    cells = {cell.cell_id: cell for cell in design.cells}
    groups: Counter[tuple[str, str, str]] = Counter()
    cold: Counter[tuple[str, str, str]] = Counter()
    members: dict[tuple[str, str, str], set[str]] = {}
    for trial in trials:
        cell = cells[trial.cell_id]
        stage = cell.stage or "reference"
        group = (cell.workload, cell.compiler, stage)
        groups[group] += 1
        cold[group] += trial.mode == "cold"
        members.setdefault(group, set()).add(cell.cell_id)
    rows = [
        [*group, str(len(members[group])), str(cold[group]), str(count - cold[group]), str(count)]
        for group, count in sorted(groups.items())
    ]
    print_table(f"Design of {design.study}", ["workload", "compiler", "stage", "cells", "cold", "hot", "trials"], rows)
    roles = Counter(trial.role for trial in trials)
    shown = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
    print(f"cells: {len({trial.cell_id for trial in trials})}")
    print(f"trials: {len(trials)} ({shown})")
    print(f"blocks: {len({trial.block_id for trial in trials})}")
    minutes = estimate_seconds(resolved, design, trials, known) / 60
    print(f"time: about {minutes:.1f} min on 2 cores{' (partly measured)' if known else ' (from rough costs by tier)'}")
