"""What the stage of a trial spans, for its record."""

from typing import Literal

from ablatrix.records.part import ChosenStage, StagePlan
from ablatrix.study.cells import Cell
from ablatrix.study.design import Design, Trial
from ablatrix.study.probes import screened_span
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.spans import Span
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice


def stage_plan(resolved: ResolvedStudy, design: Design, trial: Trial, cell: Cell) -> StagePlan | None:
    """Return what the stage of a trial spans; None for the reference."""
    if cell.stage is None:
        return None
    name = trial.stage or cell.stage
    stages = resolved.study.stages
    number = next(index for index, stage in enumerate(stages) if stage.name == name)
    stage = stages[number]
    choice = design.choice(name, cell.workload, cell.compiler)
    span = _span(resolved, stage, choice, cell.compiler)
    centre = {**cell.baseline, **span.centre}
    return StagePlan(
        number=number,
        kind=_kind(stage),
        knobs=list(span.levels),
        levels=[list(levels) for levels in span.levels.values()],
        centre={knob: centre[knob] for knob in cell.knobs},
        chosen=None if choice is None else _chosen(resolved, stage, choice),
    )


def _span(resolved: ResolvedStudy, stage: Stage, choice: StageChoice | None, compiler: str) -> Span:
    if choice is None:
        return screened_span(resolved, stage, compiler)
    stays = {knob: levels[0] for knob, levels in choice.levels.items()} if choice.design == "groups" else {}
    return Span(choice.levels, stays)


def _kind(stage: Stage) -> Literal["factorial", "around", "screen"]:
    if stage.screen is not None:
        return "screen"
    return "around" if stage.vary is not None else "factorial"


def _chosen(resolved: ResolvedStudy, stage: Stage, choice: StageChoice) -> ChosenStage:
    # A design that was read again names knobs that left by name alone.
    knobs = screened_span(resolved, stage, choice.compiler).levels if stage.screen is not None else ()
    return ChosenStage(
        design=choice.design,
        resolution=choice.resolution,
        of=choice.of,
        idle=[knob for knob in knobs if knob in choice.idle],
        failed={knob: choice.failed[knob] for knob in knobs if knob in choice.failed},
        programs=choice.programs,
        orders=[list(order) for order in choice.orders],
    )
