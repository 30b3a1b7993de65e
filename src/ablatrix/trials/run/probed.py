"""What the untimed compiles of a screening showed: which knobs do anything, and what a compile takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.study.activity import Activity, Moved, by_moved_knobs, find_activity
from ablatrix.study.corners import MOST_CORNERS, Programs, find_programs
from ablatrix.study.design import Design
from ablatrix.study.far_end import FarEnd, find_far_end
from ablatrix.study.named import baseline_of
from ablatrix.study.probes import moved_levels, screened_span
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.stage import Stage
from ablatrix.trials.results import Finished


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the untimed compiles of a screening showed.

    Attributes:
        levels: The knobs that may do something, each with the baseline's level and the other one.
        spans: The same with every level that they are screened at.
        compile_s: What a compile took.
        moved: The level to which each knob is moved, of all that are screened.
        end: From where each was tried as the last.
        programs: The distinct programs of all corners, where all were compiled.
        known: The corners that were compiled.
    """

    workload: str
    compiler: str
    activity: Activity
    levels: Mapping[str, tuple[Level, ...]]
    spans: Mapping[str, Sequence[Level]]
    compile_s: float
    moved: Mapping[str, Level]
    end: FarEnd
    programs: Programs | None
    known: frozenset[Moved]

    @classmethod
    def of(
        cls, resolved: ResolvedStudy, stage: Stage, workload: str, compiler: str, records: Sequence[Record]
    ) -> Probed:
        """Return what the records of a screening's untimed compiles show."""
        entry = resolved.catalogue.compiler(compiler)
        span, baseline = screened_span(resolved, stage, compiler), baseline_of(resolved.study, entry)
        moved = moved_levels(resolved, compiler, span)
        by_moved = by_moved_knobs(records, moved, baseline)
        end = find_far_end(list(moved), by_moved)
        activity = find_activity(entry, moved, by_moved, end.moved(list(moved)))
        levels = {knob: (baseline[knob], moved[knob]) for knob in activity.active}
        small = len(levels) <= MOST_CORNERS.bit_length() and levels
        return cls(
            workload=workload,
            compiler=compiler,
            activity=activity,
            levels=levels,
            spans={knob: span.levels[knob] for knob in activity.active},
            compile_s=median(record.wall_s for record in records),
            moved=moved,
            end=end,
            programs=find_programs(entry, levels, by_moved) if small else None,
            known=frozenset(by_moved),
        )

    @property
    def is_numeric(self) -> bool:
        """Whether all knobs are numbers with a level on both sides of the baseline's."""
        return bool(self.spans) and all(len(held) == 3 for held in self.spans.values())

    @property
    def counted(self) -> str:
        """How many knobs may do something, in words."""
        active, idle, failed = self.activity.active, self.activity.idle, self.activity.failed
        lost = f", {len(failed)} fail by themselves" if failed else ""
        if self.end.needed:
            stays = "stays" if len(self.end.needed) == 1 else "stay"
            lost += f" (as nothing compiles with all moved, {', '.join(self.end.needed)} {stays} where others are last)"
        elif not self.end.compiles:
            lost += " (nothing compiles with all moved, so none is shown to do nothing)"
        return f"{len(active)} of {len(active) + len(idle) + len(failed)} knobs may change something{lost}"


def open_probes(design: Design, known: Mapping[str, Finished]) -> set[str]:
    """Return the untimed compiles that say nothing, of screenings whose design is not chosen yet: they run again."""
    cells = {cell.cell_id: cell for cell in design.cells}
    lost = [one for one in design.trials if one.role == "probe" and one.stage and one.trial_id in known]
    found = set()
    for trial in lost:
        cell = cells[trial.cell_id]
        is_open = design.choice(str(trial.stage), cell.workload, cell.compiler) is None
        if is_open and known[trial.trial_id].is_idle:
            found.add(trial.trial_id)
    return found
