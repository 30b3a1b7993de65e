"""What is estimated from one table of trials, each thing once: tables, figures and sentences share it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import (
    BreakEven,
    KnobProof,
    Unit,
    find_break_even,
    prove_knobs,
    prove_with_probes,
    units,
)
from ablatrix.analysis.effects import (
    Ablation,
    AxisCurve,
    Best,
    ContextLine,
    Effect,
    Evidence,
    FactorialGrid,
    Question,
    SamePrograms,
    Screening,
    Trend,
    TrialLayout,
    attribution,
    context_lines,
    effects_of_levels,
    factorial_grids,
    find_ablations,
    find_best,
    gather,
    main_effects,
    screenings,
    trends_of,
)
from ablatrix.analysis.groups import (
    Control,
    Instrument,
    ReferenceRatios,
    Sizes,
    Variants,
    host_numbers,
    primary_knobs,
    ratios_to_baseline,
    size_texts,
    variants_of,
    varying_knobs,
    varying_sizes,
    without_priming_runs,
)
from ablatrix.analysis.table import Tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.compiler_titles import COMPILER_TITLES
from ablatrix.records.titles import Titles, merged, with_sizes
from ablatrix.statistics.ratio import Ratio


class Findings:
    """Estimates from one table of trials, made when they are first asked for, and kept.

    Attributes:
        found: The table, with what is not in it.
    """

    def __init__(self, found: Tidy, whole: "Findings | None" = None) -> None:
        """Take the table of trials, and the findings of the whole results where it is a part of them."""
        self.found = found
        self._whole = whole
        self._kept: dict[tuple[Any, ...], Any] = {}

    @cached_property
    def trials(self) -> pl.DataFrame:
        """The trials that tables and figures are about: without cache-priming runs."""
        return without_priming_runs(self.found.trials)

    @cached_property
    def sizes(self) -> Sizes:
        """What tells apart the sizes of each workload that has several, in the whole results."""
        return self._whole.sizes if self._whole else size_texts(self.trials)

    @cached_property
    def variants(self) -> Variants:
        """Which workloads are variants of one, in the whole results."""
        return self._whole.variants if self._whole else variants_of(self.trials)

    @cached_property
    def titles(self) -> Titles:
        """What workloads, also in their sizes, compilers, knobs and levels are called in what people read.

        A compiler that is shipped has its title whatever the design says, or without one.
        """
        titles = merged([self.found.titles, Titles(compilers=COMPILER_TITLES)])
        return with_sizes(titles, ((workload, size) for (workload, _), size in self.sizes.items()))

    @cached_property
    def varying_knobs(self) -> tuple[str, ...]:
        """The columns of knobs with more than one level; see `ablatrix.analysis.groups.varying_knobs`."""
        return tuple(varying_knobs(self.found))

    @cached_property
    def varying_sizes(self) -> tuple[str, ...]:
        """The columns that tell apart sizes of a workload; see `ablatrix.analysis.groups.varying_sizes`."""
        return tuple(varying_sizes(self.found))

    @cached_property
    def primary_knobs(self) -> Mapping[str, tuple[str, ...]]:
        """The primary knobs of each compiler; see `ablatrix.analysis.groups.primary_knobs`."""
        return primary_knobs(self.trials)

    def of(self, trials: pl.DataFrame) -> Tidy:
        """Return a part of the trials as a table of its own; what the whole omits is still reported."""
        return replace(self.found, trials=trials)

    def part(self, trials: pl.DataFrame) -> "Findings":
        """Return the findings of a part of the trials. What the whole results say about the instrument stays."""
        return Findings(self.of(trials), self._whole or self)

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the trials ran on, by the shortest ids that tell them apart; none where all are of one."""
        found = host_numbers(self.trials)
        return () if found is None else found.names

    @cached_property
    def instrument(self) -> Instrument:
        """The A/A controls of the whole results."""
        return self._whole.instrument if self._whole else Instrument(self.trials)

    @cached_property
    def programs(self) -> SamePrograms:
        """Which configurations are one program."""
        return SamePrograms({(): self.proofs})

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """All effects on the default metrics, judged; nothing when no knob varies."""
        try:
            return tuple(self._gather(Question()))
        except AnalysisError:
            return ()

    def _gather(self, question: Question) -> list[Evidence]:
        return gather(
            self.found, question, instrument=self.instrument, grids=self.factorial_grids, screens=self.screenings
        )

    def evidence_on(self, metric: str) -> Evidence | None:
        """Return all effects on a metric, judged; None where no trial reports it or no knob varies."""
        key = ("evidence", metric)
        if key not in self._kept:
            held = next((one for one in self.evidence if one.metric.name == metric), None)
            try:
                found = held or self._gather(Question(metrics=(metric,)))[0]
            except AnalysisError:
                found = None
            self._kept[key] = found
        evidence: Evidence | None = self._kept[key]
        return evidence

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The configurations of each workload and compiler, with their trials."""
        return tuple(units(self.trials))

    @cached_property
    def proofs(self) -> tuple[KnobProof, ...]:
        """Whether each knob changes what is built or read back."""
        return tuple(prove_knobs(self.trials, self.units))

    @cached_property
    def probed_proofs(self) -> tuple[KnobProof, ...]:
        """The same, by untimed compiles where no timed configurations differ in a knob alone, as in screenings."""
        every = self.found.trials  # tables and figures are not about untimed compiles, but proofs are
        return tuple(prove_with_probes(every)) if (every["role"] == "probe").any() else self.proofs

    @cached_property
    def proofs_by_step(self) -> Mapping[tuple[str, str, str, str, frozenset[str]], KnobProof]:
        """The proof of each knob, by workload, digest, compiler, knob and the two levels."""
        return {(one.workload, one.digest, one.compiler, one.knob, one.between): one for one in self.proofs}

    def proof_of(self, one: Effect) -> KnobProof | None:
        """Return the proof of the knob that an effect moves, between its two levels; None of a total."""
        if one.knob is None:
            return None
        step = frozenset((one.base_level, one.level))
        return self.proofs_by_step.get((one.workload, one.digest, one.compiler, one.knob, step))

    @cached_property
    def _layout(self) -> TrialLayout:
        return TrialLayout(self.trials)

    def factorial_grids(self, metric: str, mode: str) -> list[FactorialGrid]:
        """Return the measured configurations of each stage; see `ablatrix.analysis.effects.grid.factorial_grids`."""
        key = ("factorial_grids", metric, mode)
        if key not in self._kept:
            known = (self.instrument, self.programs, self._layout)
            self._kept[key] = factorial_grids(self.trials, metric, mode, (), *known)
        found: list[FactorialGrid] = self._kept[key]
        return found

    def screenings(self, metric: str, mode: str) -> list[Screening]:
        """Return the screenings of many knobs; see `ablatrix.analysis.effects.screens.screenings`."""
        key = ("screenings", metric, mode)
        if key not in self._kept:
            self._kept[key] = screenings(self.trials, metric, mode, (), self.instrument, self._layout)
        found: list[Screening] = self._kept[key]
        return found

    @cached_property
    def context_lines(self) -> tuple[ContextLine, ...]:
        """How the time of a token follows its context; see `ablatrix.analysis.effects.contexts`."""
        return tuple(context_lines(self.trials))

    @cached_property
    def break_even(self) -> tuple[BreakEven, ...]:
        """When each configuration pays; see `ablatrix.analysis.diagnosis.break_even.find_break_even`."""
        return tuple(find_break_even(self.trials, self.instrument, self.units))

    def attributions(self, metric: str, mode: str, start: Mapping[str, str], end: Mapping[str, str]) -> list[Effect]:
        """Return the parts of each attribution; see `ablatrix.analysis.effects.estimates.attribution`.

        Where the evidence is already of the same question, its parts are returned.

        Raises:
            AnalysisError: A level that a stage does not have, or ends that do not differ.
        """
        key = ("attributions", metric, mode, tuple(sorted(start.items())), tuple(sorted(end.items())))
        if key not in self._kept:
            same = None if start or end else next((one for one in self.evidence if one.metric.name == metric), None)
            if same is not None and same.mode == mode:
                self._kept[key] = [effect for effect in same.effects if effect.kind not in ("main", "around")]
            else:
                found = self.factorial_grids(metric, mode)
                self._kept[key] = [effect for grid in found for effect in attribution(grid, start, end)]
        parts: list[Effect] = self._kept[key]
        return parts

    def changes_around(self, metric: str, mode: str) -> list[Effect]:
        """Return what each level does in the stages around a centre; see `effects_of_levels`."""
        key = ("changes_around", metric, mode)
        if key not in self._kept:
            found = [grid for grid in self.factorial_grids(metric, mode) if grid.kind == "around"]
            self._kept[key] = [effect for grid in found for effect in effects_of_levels(grid)]
        changes: list[Effect] = self._kept[key]
        return changes

    def trends(self, metric: str, mode: str) -> list[Trend]:
        """Return how a metric follows the knobs whose levels are numbers; see `ablatrix.analysis.effects.trends`."""
        key = ("trends", metric, mode)
        if key not in self._kept:
            self._kept[key] = [trend for grid in self.factorial_grids(metric, mode) for trend in trends_of(grid)]
        trends: list[Trend] = self._kept[key]
        return trends

    def curves(self, metric: str) -> tuple[AxisCurve, ...]:
        """Return the effects along the axes of workloads; see `ablatrix.analysis.effects.along_axes`."""
        held = self.evidence_on(metric)
        return held.curves if held is not None else ()

    def effects(self, metric: str, mode: str, knobs: Sequence[str]) -> list[Effect]:
        """Return the main effects of knobs; see `ablatrix.analysis.effects.estimates.main_effects`."""
        key = ("effects", metric, mode, *knobs)
        if key not in self._kept:
            grids = self.factorial_grids(metric, mode)
            self._kept[key] = main_effects(self.trials, metric, mode, knobs, grids=grids)
        effects: list[Effect] = self._kept[key]
        return effects

    def ablations(self, metric: str, mode: str) -> list[Ablation]:
        """Return the speed-ups of each workload and compiler; see `ablatrix.analysis.effects.speed_ups`."""
        key = ("ablations", metric, mode)
        if key not in self._kept:
            parts = self.attributions(metric, mode, {}, {})
            grids = self.factorial_grids(metric, mode)
            self._kept[key] = find_ablations(
                grids, parts, self.trials, (metric, mode), self.against_reference(metric, mode)
            )
        found: list[Ablation] = self._kept[key]
        return found

    def controls(self, metric: str, mode: str) -> tuple[Control, ...]:
        """Return the A/A control of each workload and compiler; see `ablatrix.analysis.groups.Instrument`."""
        return self.instrument.controls(metric, mode)

    def best(self, metric: str, mode: str) -> Mapping[tuple[str, str, str], Best]:
        """Return the best configuration by (workload, digest, compiler); see `ablatrix.analysis.effects.best`."""
        key = ("best", metric, mode)
        if key not in self._kept:
            found = find_best(self.trials, metric, mode, self.instrument, self._layout)
            self._kept[key] = {(one.workload, one.digest, one.compiler): one for one in found}
        best: Mapping[tuple[str, str, str], Best] = self._kept[key]
        return best

    def against_reference(self, metric: str, mode: str) -> ReferenceRatios:
        """Return the ratios of configurations to eager on a time; see `ablatrix.analysis.groups.ReferenceRatios`."""
        key = ("against_reference", metric, mode)
        if key not in self._kept:
            self._kept[key] = ReferenceRatios(self.trials, metric, mode, self.instrument)
        held: ReferenceRatios = self._kept[key]
        return held

    def ratios(self, metric: str, groups: Sequence[str]) -> Mapping[tuple[Any, ...], Ratio]:
        """Return each group's ratio to the baseline; see `ablatrix.analysis.groups.ratios_to_baseline`."""
        key = ("ratios", metric, *groups)
        if key not in self._kept:
            self._kept[key] = ratios_to_baseline(self.trials, metric, groups, self.instrument)
        ratios: Mapping[tuple[Any, ...], Ratio] = self._kept[key]
        return ratios
