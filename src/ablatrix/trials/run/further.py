"""Stages that follow from results: what a screening and its confirmation turn out to be, from the records so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.statistics.rounds import paired_levels
from ablatrix.statistics.screening.observed import Observed, observe, observe_corners
from ablatrix.study.activity import Activity, Moved, by_moved_knobs, find_activity
from ablatrix.study.corners import MOST_CORNERS, Programs, are_cheap, find_programs, moved_in
from ablatrix.study.design import Design, Trial, added_trials
from ablatrix.study.further_stages import Changed, changes_of, lay_out
from ablatrix.study.named import baseline_of
from ablatrix.study.probes import cell_with, moved_levels, screened_span
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import choose_design, full_factorial
from ablatrix.study.screen_cost import BUDGET_S, most_configurations
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice

Pair = tuple[str, str]
Known = Mapping[str, Record]


def extend_by_results(
    resolved: ResolvedStudy, design: Design, known: Known, max_live: int | None = None, at_once: int = 1
) -> Design | None:
    """Return the design with the next stage that follows from results; None where none does, or none is due.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        known: The final record of each finished trial.
        max_live: See `make_design`.
        at_once: How many untimed compiles run beside each other.
    """
    for stage, (workload, compiler) in _open_stages(resolved, design):
        of_screen = stage.name if stage.factorial_of is None else stage.factorial_of.stage
        trials = _trials_of(design, of_screen, (workload, compiler))
        if not trials or any(trial.trial_id not in known for trial in trials):
            continue
        if stage.screen is not None:
            records = [known[trial.trial_id] for trial in trials]
            probed = _Probed.of(resolved, stage, workload, compiler, records)
            if probed.programs is None and _wants_corners(stage, probed, at_once):
                return _with_corners(resolved, design, stage, probed)
            return _with_screen(resolved, design, stage, probed, max_live)
        screen = design.choice(of_screen, workload, compiler)
        if screen is not None:
            return _with_confirmation(resolved, design, stage, screen, trials, known, max_live)
    return None


@dataclass(frozen=True, kw_only=True)
class _Probed:
    """What the untimed compiles of a screening showed.

    Attributes:
        levels: The knobs that may do something, each with the baseline's level and the other one.
        spans: The same with every level that they are screened at.
        compile_s: What a compile took.
        programs: The distinct programs of all corners, where all were compiled.
        known: The corners that were compiled.
    """

    workload: str
    compiler: str
    activity: Activity
    levels: Mapping[str, tuple[Level, ...]]
    spans: Mapping[str, Sequence[Level]]
    compile_s: float
    programs: Programs | None
    known: frozenset[Moved]

    @classmethod
    def of(
        cls, resolved: ResolvedStudy, stage: Stage, workload: str, compiler: str, records: Sequence[Record]
    ) -> _Probed:
        entry = resolved.catalogue.compiler(compiler)
        span, baseline = screened_span(resolved, stage, compiler), baseline_of(resolved.study, entry)
        moved = moved_levels(resolved, compiler, span)
        by_moved = by_moved_knobs(records, moved, baseline)
        activity = find_activity(entry, moved, by_moved)
        levels = {knob: (baseline[knob], moved[knob]) for knob in activity.active}
        small = len(levels) <= MOST_CORNERS.bit_length() and levels
        return cls(
            workload=workload,
            compiler=compiler,
            activity=activity,
            levels=levels,
            spans={knob: span.levels[knob] for knob in activity.active},
            compile_s=median(record.wall_s for record in records),
            programs=find_programs(entry, levels, by_moved) if small else None,
            known=frozenset(by_moved),
        )


def _wants_corners(stage: Stage, probed: _Probed, at_once: int) -> bool:
    """Return whether all corners of a screening are to be compiled, so that equal programs are timed once."""
    if stage.design not in (None, "factorial") or not probed.levels or _is_numeric(probed):
        return False
    return are_cheap(len(probed.levels), probed.compile_s, stage.budget_s or BUDGET_S, at_once)


def _with_corners(resolved: ResolvedStudy, design: Design, stage: Stage, probed: _Probed) -> Design:
    """Return the design with the corners of a screening that were not compiled yet, to be compiled untimed."""
    knobs = tuple(probed.levels)
    sets = (moved_in(corner, knobs) for corner in range(2 ** len(knobs)))
    missing = [one for one in sets if one not in probed.known]
    pair = (probed.workload, probed.compiler)
    made = [cell_with(resolved, stage, *pair, {k: probed.levels[k][1] for k in knobs if k in one}) for one in missing]
    known = {cell.cell_id: cell for cell in design.cells}
    cells = [known.get(cell.cell_id, cell) for cell in made]
    part = [(cell, "probe") for cell in cells]
    trials = added_trials(resolved, "cold", part, design.trials, 0, stage.name)
    new = tuple(cell for cell in cells if cell.cell_id not in known)
    return replace(design, cells=(*design.cells, *new), trials=(*design.trials, *trials))


def _open_stages(resolved: ResolvedStudy, design: Design) -> Iterator[tuple[Stage, Pair]]:
    """Yield the stages that follow from results and are not laid out, with each workload and compiler."""
    study = resolved.study
    for stage in study.stages:
        for variant in study.variants if stage.is_adaptive else ():
            for compiler in (one.name for one in study.compilers):
                is_open = design.choice(stage.name, variant.name, compiler) is None
                if is_open and stage.is_about(variant.name, variant.base, compiler):
                    yield stage, (variant.name, compiler)


def _trials_of(design: Design, stage: str, pair: Pair) -> list[Trial]:
    """Return the trials of a stage for a workload on a compiler, without those of the reference."""
    cells = {cell.cell_id: cell for cell in design.cells if (cell.workload, cell.compiler) == pair}
    return [trial for trial in design.trials if trial.stage == stage and trial.cell_id in cells]


def _with_screen(
    resolved: ResolvedStudy, design: Design, stage: Stage, probed: _Probed, max_live: int | None
) -> Design:
    """Return the design with a screening, by what its untimed compiles showed."""
    workload, compiler, levels = probed.workload, probed.compiler, probed.levels
    most = most_configurations(resolved, stage, workload, probed.compile_s, max_live)
    choice = StageChoice(
        stage=stage.name,
        workload=workload,
        compiler=compiler,
        design="none",
        resolution=None,
        levels={},
        configurations=0,
        blocks=resolved.study.protocol.hot.blocks,
        why=f"{_counted(probed.activity)}, so there is nothing to screen",
        idle=probed.activity.idle,
        failed=probed.activity.failed,
    )
    if not levels:
        return lay_out(resolved, design, stage, choice, (), max_live)
    programs = probed.programs
    if programs is not None and len(programs.timed) <= most:
        knobs = tuple(levels)
        changes = [{k: levels[k][1] for k in knobs if k in moved_in(one, knobs)} for one in programs.timed]
        cells = [cell_with(resolved, stage, workload, compiler, dict(one)) for one in changes]
        choice = replace(
            choice,
            design="full_factorial",
            levels=levels,
            configurations=len(changes),
            programs=len(changes),
            corners={cell.cell_id: held for cell, held in zip(cells, programs.corners, strict=True)},
            why=f"{_counted(probed.activity)}; all {2 ** len(knobs):,} corners were compiled and are {len(changes)} "
            "programs, each of which is timed once",
        )
        return lay_out(resolved, design, stage, choice, changes, max_live)
    chosen = choose_design(len(levels), most, numeric=_is_numeric(probed), wanted=stage.design)
    spans = dict(probed.spans) if chosen.design.kind == "definitive" else levels
    choice = replace(
        choice,
        design=chosen.design.kind,
        resolution=chosen.design.resolution,
        levels={knob: tuple(held) for knob, held in spans.items()},
        configurations=len(chosen.design.runs),
        why=f"{_counted(probed.activity)}; {chosen.why}",
    )
    return lay_out(resolved, design, stage, choice, changes_of(chosen.design, spans), max_live)


def _is_numeric(probed: _Probed) -> bool:
    return bool(probed.spans) and all(len(held) == 3 for held in probed.spans.values())


def _counted(activity: Activity) -> str:
    every = len(activity.active) + len(activity.idle) + len(activity.failed)
    failed = f", {len(activity.failed)} fail by themselves" if activity.failed else ""
    return f"{len(activity.active)} of {every} knobs may change something{failed}"


def _with_confirmation(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    screen: StageChoice,
    trials: Sequence[Trial],
    known: Known,
    max_live: int | None,
) -> Design:
    """Return the design with every combination of the knobs that a screening found, the largest ones."""
    assert stage.factorial_of is not None
    measured = [trial for trial in trials if trial.role == "measured"]
    found = observed(screen, [known[trial.trial_id] for trial in measured]).found if measured else []
    kept = found[: stage.factorial_of.most]
    names = [knob for number, knob in enumerate(screen.levels) if number in kept]
    baseline = baseline_of(resolved.study, resolved.catalogue.compiler(screen.compiler))
    levels = {knob: _two_levels(screen.levels[knob], baseline[knob]) for knob in names}
    largest = f"the {len(kept)} largest of {len(found)}" if len(kept) < len(found) else f"all {len(found)}"
    nothing = "found no knob at a false discovery rate of 5 %" if screen.levels else "has nothing to confirm"
    why = f"{largest} knobs that '{screen.stage}' found among {len(screen.levels)} at a false discovery rate of 5 %"
    choice = StageChoice(
        stage=stage.name,
        workload=screen.workload,
        compiler=screen.compiler,
        design="full_factorial" if levels else "none",
        resolution=None,
        levels=levels,
        configurations=2 ** len(levels) if levels else 0,
        blocks=resolved.study.protocol.hot.blocks,
        why=why if levels else f"'{screen.stage}' {nothing}",
        of=screen.stage,
    )
    changes: list[Changed] = changes_of(full_factorial(len(levels)), levels) if levels else []
    return lay_out(resolved, design, stage, choice, changes, max_live)


def _two_levels(levels: Sequence[Level], base: Level) -> tuple[Level, ...]:
    return (base, next(level for level in reversed(levels) if level != base))


def observed(screen: StageChoice, records: Sequence[Record]) -> Observed:
    """Return what a screening shows of hot times, or of cold ones where it has no hot trials.

    Args:
        screen: What it was.
        records: Of its measured trials.
    """
    knobs = tuple(screen.levels)

    def levels(record: Record) -> tuple[Level | None, ...]:
        return tuple(record.config.knobs[knob] for knob in knobs)

    mode = "hot" if any(record.mode == "hot" for record in records) else "cold"
    own = [record for record in records if record.mode == mode]
    blocks = [{levels(record): value for record, value in block} for block in _values(own, mode)]
    if screen.corners:
        return observe_corners({levels(one): screen.corners[one.cell_id] for one in records}, blocks)
    issued = [levels(record) for record in records]
    return observe(list(screen.levels.values()), issued, blocks, screen.design, screen.resolution)


def _values(records: Iterable[Record], mode: str) -> Iterator[list[tuple[Record, float]]]:
    """Yield the logs of the times of each block."""
    blocks: dict[str, list[Record]] = {}
    for record in records:
        if record.status is Status.OK and record.runtime is not None:
            blocks.setdefault(record.block_id, []).append(record)
    for block in blocks.values():
        if mode == "cold":
            times = ((record, record.runtime.compile_first_run_ms) for record in block if record.runtime is not None)
            yield [(record, math.log(time)) for record, time in times if time]
            continue
        bursts = {
            record.trial_id: record.runtime.burst_ms_min
            for record in block
            if record.runtime is not None and record.runtime.burst_ms_min
        }
        levels = paired_levels(bursts)
        yield [(record, levels[record.trial_id]) for record in block if record.trial_id in levels]
