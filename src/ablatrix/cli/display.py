"""What several commands show: ratios, and the design of a study."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ablatrix.cli.tables import Column, print_table, say
from ablatrix.cli.time_left import duration_text
from ablatrix.records.departures import departures_text
from ablatrix.records.model import Record
from ablatrix.records.variants import axis_text
from ablatrix.statistics.ratio import Ratio
from ablatrix.study.cost import Estimate, estimate
from ablatrix.study.design import Design, Trial
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_cost import foresee
from ablatrix.study.too_large import NAMES

NUMBERS = ("cells", "cold", "hot", "trials")


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio with its interval if it has one; empty if there is no ratio."""
    if ratio is None:
        return ""
    interval = "" if ratio.low is None or ratio.high is None else f" [{ratio.low:.3f}, {ratio.high:.3f}]"
    return f"{ratio.value:.3f}{interval}"


def show_design(
    resolved: ResolvedStudy,
    design: Design,
    trials: Sequence[Trial],
    known: Mapping[str, Record],
    wide: bool = False,
) -> None:
    """Print cells and trials by workload, compiler and stage, then the totals and the estimated time.

    Args:
        resolved: The study with its catalogue.
        design: Its design.
        trials: Those of the design that are shown.
        known: Final records of the study so far, by trial.
        wide: Each row on one line.
    """
    show_trials(design, trials, wide)
    cells = {cell.cell_id: cell for cell in design.cells}
    for choice in resolved.study.compilers:
        if choice.builds:
            made = (f"{name} ({resolved.study.builds[name].sentence()})" for name in choice.builds)
            say(f"builds of {choice.name}: {', '.join(made)}", hanging=2)
    for line in _axes_texts(resolved, design, trials, known):
        say(line, hanging=2)
    for line in _following_texts(resolved, design):
        say(line, hanging=2)
    for compiler, baseline in {cell.compiler: cell.baseline for cell in cells.values() if cell.baseline}.items():
        shipped = resolved.catalogue.compiler(compiler).departures(baseline)
        if shipped:
            say(f"baseline of {compiler}, where it is not as shipped: {departures_text(baseline, shipped)}", hanging=2)
    further = len(trials) == len(design.trials)  # a selection adds no blocks
    found = estimate(resolved, design, trials, known.values(), further=further)
    say(f"time: {_time_text(resolved, found, bool(known))}", hanging=2)


def show_trials(design: Design, trials: Sequence[Trial], wide: bool = False) -> None:
    """Print cells and trials by workload, compiler and stage, then the totals: what a design says by itself."""
    cells = {cell.cell_id: cell for cell in design.cells}
    groups: Counter[tuple[str, str, str]] = Counter()
    cold: Counter[tuple[str, str, str]] = Counter()
    members: dict[tuple[str, str, str], set[str]] = {}
    for trial in trials:
        cell = cells[trial.cell_id]
        stage = "reference" if cell.stage is None else trial.stage or cell.stage
        group = (cell.workload, cell.compiler, stage)
        groups[group] += 1
        cold[group] += trial.mode == "cold"
        members.setdefault(group, set()).add(cell.cell_id)
    # By name, and the variants of one workload in the order of the study.
    names = list(dict.fromkeys((cell.base or cell.workload, cell.workload) for cell in design.cells))
    places = {workload: (base, index) for index, (base, workload) in enumerate(names)}
    rows = [
        [*group, str(len(members[group])), str(cold[group]), str(count - cold[group]), str(count)]
        for group, count in sorted(groups.items(), key=lambda item: (places[item[0][0]], item[0]))
    ]
    columns: list[str | Column] = ["workload", "compiler", "stage", *(Column(name, whole=True) for name in NUMBERS)]
    print_table(f"Design of {design.study}", columns, rows, wide=wide)
    roles = Counter(trial.role for trial in trials)
    shown = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
    print(f"cells: {len({trial.cell_id for trial in trials})}")
    say(f"trials: {len(trials)} ({shown})", hanging=2)
    print(f"blocks: {len({trial.block_id for trial in trials})}")


def _following_texts(resolved: ResolvedStudy, design: Design) -> Iterator[str]:
    """Yield what each stage that follows from results will be at most, and what it costs."""
    cells = {cell.cell_id: (cell.workload, cell.compiler) for cell in design.cells}
    for one in foresee(resolved):
        pair = (one.workload, one.compiler)
        begin = f"stage {one.stage}, {one.workload} on {one.compiler}"
        about = f"about {duration_text(one.seconds)}"
        if one.of is not None:
            largest = f"the {one.knobs} largest knobs" if one.knobs > 1 else "the largest knob"
            yield (
                f"{begin}: every combination of {largest} that {one.of} finds, on blocks of their own: at most "
                f"{one.configurations} configurations, {about} without further blocks"
            )
            continue
        own = (trial for trial in design.trials if trial.stage == one.stage and cells[trial.cell_id] == pair)
        compiles = sum(trial.role == "probe" for trial in own)
        yield (
            f"{begin}: {compiles} untimed compiles show which of its {one.knobs} knobs do anything; where all do, "
            f"{one.configurations} configurations ({NAMES[one.kind]}), {about}"
        )


def _axes_texts(
    resolved: ResolvedStudy, design: Design, trials: Sequence[Trial], known: Mapping[str, Record]
) -> Iterator[str]:
    """Yield what the axes of each workload cost: how many variants and cells they make, and their time."""
    cells = {cell.cell_id: cell for cell in design.cells}
    of_base: dict[str, list[Trial]] = {}
    for trial in trials:
        base = cells[trial.cell_id].base
        if base is not None:
            of_base.setdefault(base, []).append(trial)
    for base, own in of_base.items():
        held = {trial.cell_id: cells[trial.cell_id] for trial in own}
        values: dict[str, dict[str, None]] = {}
        for cell in held.values():
            for name, value in cell.axes:
                values.setdefault(name, {})[axis_text(value)] = None
        variants = Counter(cell.workload for cell in held.values())
        each = sorted(set(variants.values()))
        time = {
            name: estimate(resolved, design, part, known.values(), further=False).total
            for name in variants
            if (part := [trial for trial in own if cells[trial.cell_id].workload == name])
        }
        longest = max(time, key=lambda name: time[name])
        axes = " x ".join(f"{name} ({len(found)})" for name, found in values.items())
        yield (
            f"axes of {base}: {axes} = {len(variants)} variants x {' or '.join(map(str, each))} cells, about "
            f"{duration_text(sum(time.values()))} without further blocks; {longest} takes the most, "
            f"{duration_text(time[longest])}"
        )


def _time_text(resolved: ResolvedStudy, found: Estimate, is_measured: bool) -> str:
    source = "by what its trials took so far" if is_measured else "on 2 cores, by rough costs of each tier"
    parts = [("preparation", found.prepare), ("cold trials", found.cold), ("hot trials", found.hot + found.expected)]
    shown = ", ".join(f"{name} {duration_text(seconds)}" for name, seconds in parts if seconds)
    text = f"about {duration_text(found.total)} ({source}): {shown}"
    if found.limit > found.expected:
        hot = resolved.study.protocol.hot
        text += (
            f"; up to {duration_text(found.longest)} if intervals stay wide and every workload and compiler needs "
            f"{hot.max_blocks} hot blocks"
        )
    return text
