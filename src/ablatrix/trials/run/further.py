"""Stages that follow from results: what a screening and its confirmation turn out to be, from the records so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.study.activity import Moved
from ablatrix.study.corners import are_cheap, moved_in
from ablatrix.study.design import Design, Trial, added_trials
from ablatrix.study.further_stages import Changed, changes_of, lay_out
from ablatrix.study.named import baseline_of
from ablatrix.study.probes import cell_with
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import choose_design, full_factorial, pairs_of_orders
from ablatrix.study.screen_cost import BUDGET_S, most_configurations
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice
from ablatrix.trials.run.group_rounds import GROUPS, next_group_round, with_groups
from ablatrix.trials.run.probed import Probed
from ablatrix.trials.run.seen import observed
from ablatrix.trials.run.share_rounds import SHAPLEY, next_share_round, with_orders

Pair = tuple[str, str]
Known = Mapping[str, Record]
ROUNDS = MappingProxyType({GROUPS: next_group_round, SHAPLEY: next_share_round})
"""How stages go on whose configurations follow from what those before showed, by their design."""


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
    for stage, (workload, compiler) in _stages(resolved, design):
        of_screen = stage.name if stage.factorial_of is None else stage.factorial_of.stage
        trials = _trials_of(design, of_screen, (workload, compiler))
        if not trials or any(trial.trial_id not in known for trial in trials):
            continue
        choice = design.choice(stage.name, workload, compiler)
        if choice is not None:
            records = [known[trial.trial_id] for trial in trials if trial.role == "measured"]
            further = ROUNDS[choice.design](resolved, design, stage, choice, records, max_live)
            if further is not None:
                return further
            continue
        if stage.screen is not None:
            records = [known[trial.trial_id] for trial in trials]
            probed = Probed.of(resolved, stage, workload, compiler, records)
            if probed.end.wanted:
                return _with_compiles(resolved, design, stage, probed, probed.end.wanted)
            if probed.programs is None and _wants_corners(stage, probed, at_once):
                return _with_compiles(resolved, design, stage, probed, _missing_corners(probed))
            return _with_screen(resolved, design, stage, probed, max_live)
        screen = design.choice(of_screen, workload, compiler)
        if screen is not None:
            return _with_confirmation(resolved, design, stage, screen, trials, known, max_live)
    return None


def _wants_corners(stage: Stage, probed: Probed, at_once: int) -> bool:
    """Return whether all corners of a screening are to be compiled, so that equal programs are timed once."""
    if stage.design not in (None, "factorial") or not probed.levels or probed.is_numeric:
        return False
    return are_cheap(len(probed.levels), probed.compile_s, stage.budget_s or BUDGET_S, at_once)


def _missing_corners(probed: Probed) -> list[Moved]:
    """Return the corners of a screening that were not compiled yet."""
    knobs = tuple(probed.levels)
    corners = (moved_in(corner, knobs) for corner in range(2 ** len(knobs)))
    return [one for one in corners if one not in probed.known]


def _with_compiles(
    resolved: ResolvedStudy, design: Design, stage: Stage, probed: Probed, sets: Sequence[Moved]
) -> Design:
    """Return the design with further compiles of a screening that are not timed, by which knobs they move."""
    pair = (probed.workload, probed.compiler)
    changes = [{knob: level for knob, level in probed.moved.items() if knob in one} for one in sets]
    made = [cell_with(resolved, stage, *pair, one) for one in changes]
    known = {cell.cell_id: cell for cell in design.cells}
    cells = [known.get(cell.cell_id, cell) for cell in made]
    part = [(cell, "probe") for cell in cells]
    trials = added_trials(resolved, "cold", part, design.trials, 0, stage.name)
    new = tuple(cell for cell in cells if cell.cell_id not in known)
    return replace(design, cells=(*design.cells, *new), trials=(*design.trials, *trials))


def _stages(resolved: ResolvedStudy, design: Design) -> Iterator[tuple[Stage, Pair]]:
    """Yield the stages that are not laid out, or go on in rounds, with each workload and compiler."""
    study = resolved.study
    for stage in study.stages:
        for variant in study.variants if stage.is_adaptive else ():
            for compiler in (one.name for one in study.compilers):
                choice = design.choice(stage.name, variant.name, compiler)
                is_open = choice is None or choice.design in ROUNDS
                if is_open and stage.is_about(variant.name, variant.base, compiler):
                    yield stage, (variant.name, compiler)


def _trials_of(design: Design, stage: str, pair: Pair) -> list[Trial]:
    """Return the trials of a stage for a workload on a compiler, without those of the reference."""
    cells = {cell.cell_id: cell for cell in design.cells if (cell.workload, cell.compiler) == pair}
    return [trial for trial in design.trials if trial.stage == stage and trial.cell_id in cells]


def _with_screen(resolved: ResolvedStudy, design: Design, stage: Stage, probed: Probed, max_live: int | None) -> Design:
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
        why=f"{probed.counted}, so there is nothing to screen",
        idle=probed.activity.idle,
        failed=probed.activity.failed,
        needed=probed.end.needed,
    )
    if not levels:
        return lay_out(resolved, design, stage, choice, (), max_live)
    if stage.design == "groups":
        return with_groups(resolved, design, stage, replace(choice, why=probed.counted), most, max_live)
    if stage.design == "shapley" and pairs_of_orders(len(levels), most):
        counted = replace(choice, why=probed.counted)
        return with_orders(resolved, design, stage, counted, dict(levels), most, max_live)
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
            why=f"{probed.counted}; all {2 ** len(knobs):,} corners were compiled and are {len(changes)} "
            "programs, each of which is timed once",
        )
        return lay_out(resolved, design, stage, choice, changes, max_live)
    chosen = choose_design(len(levels), most, numeric=probed.is_numeric, wanted=stage.design)
    spans = dict(probed.spans) if chosen.design.kind == "definitive" else levels
    choice = replace(
        choice,
        design=chosen.design.kind,
        resolution=chosen.design.resolution,
        levels={knob: tuple(held) for knob, held in spans.items()},
        configurations=len(chosen.design.runs),
        why=f"{probed.counted}; {chosen.why}",
    )
    return lay_out(resolved, design, stage, choice, changes_of(chosen.design, spans), max_live)


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
