"""What the stages of a study span, as its records say it: their kind, their knobs and levels in its order, the centre.

Records before 1.3 do not say it; there, what a stage spans is inferred from its configurations.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ablatrix.analysis.groups.ordering import in_order
from ablatrix.errors import AnalysisError

PLAN = "stage_plan"


@dataclass(frozen=True)
class ChosenStage:
    """What a stage that follows from results turned out to be; see `ablatrix.records.part.ChosenStage`."""

    design: str
    resolution: int | None
    of: str | None
    idle: tuple[str, ...]
    failed: Mapping[str, str]
    programs: int | None
    orders: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class StagePlan:
    """What one stage spans.

    Attributes:
        number: Its place among the stages of the study, from 0.
        levels: The levels of each knob that it names, both in the order of the study.
        centre: The configuration that it varies, every knob.
        chosen: What it turned out to be, of a screening or its confirmation, which have blocks of their own.
    """

    number: int
    kind: Literal["factorial", "around", "screen"]
    levels: Mapping[str, tuple[str, ...]]
    centre: Mapping[str, str]
    chosen: ChosenStage | None = None

    @classmethod
    def read(cls, text: str) -> "StagePlan":
        """Return the plan from the canonical JSON of the table's column.

        Raises:
            AnalysisError: It does not say the levels of each knob that it names.
        """
        held = json.loads(text)
        if len(held["knobs"]) != len(held["levels"]):
            raise AnalysisError(
                f"a stage plan in the records names {len(held['knobs'])} knobs and has the levels of "
                f"{len(held['levels'])}; no run writes such records: get them again from whoever made them"
            )
        named = zip(held["knobs"], held["levels"], strict=True)
        levels = {str(knob): tuple(map(str, several)) for knob, several in named}
        centre = {knob: str(level) for knob, level in held["centre"].items()}
        return cls(held["number"], held["kind"], levels, centre, _chosen(held.get("chosen")))


def _chosen(held: Mapping[str, Any] | None) -> ChosenStage | None:
    if held is None:
        return None
    return ChosenStage(
        design=held["design"],
        resolution=held["resolution"],
        of=held["of"],
        idle=tuple(held["idle"]),
        failed=dict(held["failed"]),
        programs=held["programs"],
        orders=tuple(map(tuple, held.get("orders", ()))),
    )


def _plan_texts(trials: pl.DataFrame) -> list[str]:
    """Return the distinct plans of a table's stages, as they are in it; none where no record has one."""
    return sorted(trials[PLAN].drop_nulls().unique().to_list()) if PLAN in trials.columns else []


def plans_of(pairs: Iterable[tuple[Any, Any]]) -> dict[str, StagePlan]:
    """Return what the stages of one workload and compiler span, by their names in the order of the study.

    Args:
        pairs: Of a stage's name and its plan, as they are in the table; those that lack one of the two say nothing.
    """
    return dict(sorted(_read_plans(pairs), key=lambda item: item[1].number))


def _read_plans(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, StagePlan]]:
    for stage, text in pairs:
        if None not in (stage, text):
            yield str(stage), StagePlan.read(str(text))


def stages_apart(trials: pl.DataFrame) -> frozenset[str]:
    """Return the stages of a table that have blocks of their own: screenings, and their confirmations."""
    if PLAN not in trials.columns or "stage" not in trials.columns:
        return frozenset()
    held = trials.lazy().select("stage", PLAN).unique().collect()
    # Untimed compiles of a screening are planned before it is chosen.
    return frozenset(stage for stage, plan in _read_plans(held.iter_rows()) if plan.chosen is not None)


def knob_order(trials: pl.DataFrame) -> tuple[str, ...]:
    """Return the knobs of a table in the order of the study: as its stages name them, then primary ones, then by name.

    Everything that lists knobs follows it.
    """
    names = [name.removeprefix("knob_") for name in trials.columns if name.startswith("knob_")]
    plans = sorted(map(StagePlan.read, _plan_texts(trials)), key=lambda plan: plan.number)
    return tuple(in_order(names, named_in(plans)))


def named_in(plans: Iterable[StagePlan]) -> tuple[str, ...]:
    """Return the knobs that plans name, each once, in their order."""
    return tuple(dict.fromkeys(knob for plan in plans for knob in plan.levels))
