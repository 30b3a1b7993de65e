"""A configuration that is looked at for a trouble, and the study of one look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.errors import StudyError
from ablatrix.records.metrics import METRICS
from ablatrix.study.model import Mode, Study
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.stage import Stage
from ablatrix.study.workload_choice import WorkloadChoice
from ablatrix.workloads.source import read_source

PROGRAM = "program"
MOST_ROUNDS = 12
"""Rounds of a hot block of a look: another block, with processes of its own, tells more than further rounds do."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One workload on one compiler, with a level for each knob.

    Attributes:
        resolved: The study that it is of, with its catalogue: protocol, checks, seed, plug-ins, and what the compiler's
            knobs are. Its stages do not matter.
        workload: Name of the workload, or of a variant of it.
        compiler: Name of the compiler.
        levels: Levels of knobs, where they are not those of the study's baseline.
        program: A saved program (``torch.export.save``) that is looked at in place of the workload's own.
    """

    resolved: ResolvedStudy
    workload: str
    compiler: str
    levels: Mapping[str, Level] = field(default_factory=dict)
    program: Path | None = None

    def at(self, levels: Mapping[str, Level]) -> Configuration:
        """Return the same with some knobs at other levels."""
        return replace(self, levels={**self.levels, **levels})

    @property
    def study(self) -> Study:
        """The study that it is of."""
        return self.resolved.study

    @property
    def entry(self) -> CompilerEntry:
        """Its compiler, with the settings that the study names among its knobs."""
        return self.resolved.catalogue.compiler(self.compiler)

    @property
    def full_levels(self) -> dict[str, Level]:
        """The level of every knob."""
        return {**baseline_of(self.study, self.entry), **self.levels}

    def check(self) -> None:
        """Refuse what the study does not have.

        Raises:
            StudyError: The study has no such workload or compiler, or the compiler no such knob or level.
        """
        variants, compilers = (
            [one.name for one in self.study.variants],
            [one.name for one in self.study.compilers],
        )
        for what, name, there in (("workload", self.workload, variants), ("compiler", self.compiler, compilers)):
            if name not in there:
                raise StudyError(f"study '{self.study.name}' has no {what} '{name}'; it has: {', '.join(there)}")
        for name, level in self.levels.items():
            knob = self.entry.knob(name)
            if knob is None:
                known = ", ".join(one.name for one in self.entry.knobs)
                raise StudyError(f"compiler '{self.compiler}' has no knob '{name}'; it has: {known}")
            if knob.levels and level not in {one.name for one in knob.levels}:
                known = ", ".join(str(one.name) for one in knob.levels)
                raise StudyError(f"knob '{name}' of compiler '{self.compiler}' has no level '{level}'; it has: {known}")

    def look(
        self,
        mode: Mode,
        *,
        reference: Mapping[str, Level] | None = None,
        each: Mapping[str, Level] | None = None,
        blocks: int = 1,
        turn: int = 0,
    ) -> ResolvedStudy:
        """Return the study of one look.

        Args:
            mode: Mode of its trials.
            reference: Levels of the configuration that it is measured beside; None for a look at it alone.
            each: Levels of knobs that are changed one at a time, each beside the configuration as it is.
            blocks: Hot blocks, or cold replicates.
            turn: How often it was looked at before: orders and layouts differ from turn to turn.

        Raises:
            WorkloadError: The saved program cannot be read.
        """
        study, own = self.study, self.full_levels
        first = next(iter(self.entry.primary), self.entry.knobs[0].name)  # a stage varies something
        beside = own if reference is None else {**baseline_of(study, self.entry), **reference}
        stages = [Stage(name="reference", factorial={first: [beside[first]]})]
        if beside != own:
            stages.append(Stage(name="look", around=own, vary={first: [own[first]]}))
        if each:
            stages.append(Stage(name="each", around=own, vary={knob: [level] for knob, level in each.items()}))
        rounds = min(MOST_ROUNDS, study.protocol.hot.rounds)
        hot = study.protocol.hot.model_copy(update={"blocks": blocks, "max_blocks": blocks, "rounds": rounds})
        cold = study.protocol.cold.model_copy(update={"replicates": blocks})
        own_rules = {"hot": hot, "cold": cold, "budget_s": None, "repeats": 0}  # noise is answered by another block
        protocol = study.protocol.model_copy(update=own_rules)
        workload, catalogue = self._workload()
        choice = next(one for one in study.compilers if one.name == self.compiler)
        changed: dict[str, Any] = {
            "name": f"look-{turn}",  # a part of the digest, and so of the orders and layouts that are drawn
            "workloads": [workload],
            "compilers": [choice.model_copy(update={"fixed": {}})],
            "modes": [mode],
            "baseline": beside,
            "stages": stages,
            "protocol": protocol,
            "knobs": {},
            "about": None,
        }
        kept = {name: getattr(study, name) for name in Study.model_fields}
        return ResolvedStudy(Study(**{**kept, **changed}).at(study.directory), catalogue)

    def _workload(self) -> tuple[WorkloadChoice, Catalogue]:
        catalogue = self.resolved.catalogue
        if self.program is not None:
            source = str(self.program.resolve())
            entry = read_source(PROGRAM, source, {}, self.study.directory, None, ())
            return WorkloadChoice(name=PROGRAM, source=source), catalogue.holding(workloads={PROGRAM: entry})
        variant = next(one for one in self.study.variants if one.name == self.workload)
        held = next(one for one in self.study.workloads if one.name == variant.base)
        axes = {name: [value] for name, value in variant.axes} or None
        return held.model_copy(update={"axes": axes}), catalogue


def mode_of(metric: str) -> Mode:
    """Return the mode that measures a metric."""
    mode: Mode = "hot" if METRICS[metric].modes[0] == "hot" else "cold"
    return mode
