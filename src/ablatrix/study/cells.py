"""The cells of a study: which configurations of a compiler its stages ask for, on each workload."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablatrix.canonical import content_id
from ablatrix.compilers.catalogue import ALWAYS_BEFORE, CompilerEntry, Level
from ablatrix.compilers.settings import Applied
from ablatrix.errors import StudyError
from ablatrix.records.variants import AxisValue
from ablatrix.study.model import Study
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.spans import Span, span_of, stage_knobs
from ablatrix.study.stage import Stage
from ablatrix.study.workload_choice import Variant
from ablatrix.workloads.parameters import check_parameters, dynamic_dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One workload x compiler x configuration.

    Attributes:
        knobs: Level of every knob of the compiler; empty for the reference.
        stage: First stage of the study that asks for it; None for the reference.
        baseline: The configuration that it is compared with, every knob.
        source_digest: SHA-256 of the file that a user's own model comes from, or of the files of its plug-in; None for
            a workload of a package.
        program_digest: SHA-256 of the program or plug-in that is the compiler, None for one of a package.
        base: The workload's name in the study, where it is a variant; None without axes.
        axes: The values of its axes, each with its name, in the order of the study; empty without axes.
        registry_name: The workload's name in the catalogue where the study gives it another; else None.
    """

    cell_id: str
    workload: str
    parameters: Mapping[str, Any]
    compiler: str
    knobs: Mapping[str, Level]
    stage: str | None
    baseline: Mapping[str, Level]
    source_digest: str | None = None
    program_digest: str | None = None
    base: str | None = None
    axes: Sequence[tuple[str, AxisValue]] = ()
    registry_name: str | None = None


def make_cells(resolved: ResolvedStudy, workload: str, compiler: str) -> list[Cell]:
    """Return the distinct cells of one workload and compiler, in the order of the stages.

    A configuration that several stages ask for is one cell of the first of them. A level of ``upper_bound`` is
    omitted where the workload has no dynamic dimension. What a screening and its confirmation run follows from results.
    """
    study, catalogue = resolved
    entry = catalogue.compiler(compiler)
    baseline = baseline_of(study, entry)
    variant = variant_of(study, workload)
    dynamic = bool(dynamic_dimensions(catalogue.workload(workload), variant.parameters))
    cells: dict[str, Cell] = {}
    for stage in study.stages:
        if stage.is_adaptive or not stage.is_about(variant.name, variant.base, compiler):
            continue
        for changed in _configurations(stage, span_of(study, stage, entry, baseline)):
            knobs = {**baseline, **changed}
            if not dynamic and knobs.get("upper_bound", "workload") != "workload":
                continue
            cell = make_cell(resolved, variant, entry, knobs, stage.name, baseline)
            cells.setdefault(cell.cell_id, cell)
    found = list(cells.values())
    if found and all(cell.knobs != cell.baseline for cell in found):
        raise StudyError(
            f"study '{study.name}': no stage runs the baseline of {workload} on {compiler} "
            f"({_shown(entry, baseline)}); add its levels to the first stage"
        )
    return found


def primary_knobs(study: Study, entry: CompilerEntry) -> list[str]:
    """Return the primary knobs of a compiler in a study, in its order: those of the catalogue that the study names.

    Records carry them, and what reads records takes them from there: it is said here and nowhere else.
    """
    named = [knob for stage in study.stages for knob in stage_knobs(study, stage, entry)]
    return [knob for knob in dict.fromkeys(named) if knob in entry.primary]


def _configurations(stage: Stage, span: Span) -> Iterator[dict[str, Level]]:
    if stage.factorial is not None:
        for combination in itertools.product(*span.levels.values()):
            yield dict(zip(span.levels, combination, strict=True))
        return
    around = dict(span.centre)
    yield around
    for knob, levels in span.levels.items():
        for level in levels:
            yield {**around, knob: level}


def make_cell(
    resolved: ResolvedStudy,
    variant: Variant,
    entry: CompilerEntry,
    knobs: Mapping[str, Level],
    stage: str | None,
    baseline: Any,
) -> Cell:
    """Return a cell of a workload on a compiler, with every knob at its level."""
    study, catalogue = resolved
    of_workload = catalogue.workload(variant.name)
    build = entry.build_at(knobs)
    parameters = check_parameters(of_workload, variant.parameters)
    ordered = {knob.name: knobs[knob.name] for knob in entry.knobs}
    identity: dict[str, Any] = {
        "workload": variant.registry_name,
        "parameters": parameters,
        "compiler": entry.name,
        "knobs": {knob: level for knob, level in ordered.items() if ALWAYS_BEFORE.get(knob) != level},
    }
    if study.device != "cpu":
        identity["device"] = study.device
    digest = of_workload.source_digest
    if digest is not None:
        identity["source_digest"] = digest
    if entry.program_digest is not None:
        identity["program_digest"] = entry.program_digest
    if build is not None:
        identity["build"] = build.identity
    if entry.addresses:
        identity["settings"] = {one.address: one.value(knobs[knob.name]) for knob, one in entry.named_settings}
    if entry.own_passes:
        identity["inserted"] = {
            knob.name: knob.inserts.identity
            for knob in entry.knobs
            if knob.inserts is not None and knobs[knob.name] == "on"
        }
        in_order = [one.identity for one in Applied.of(entry, knobs).inserted]
        if len(in_order) > 1:  # what several passes do depends on which of them runs first
            identity["in_order"] = in_order
    return Cell(
        cell_id=content_id(identity),
        workload=variant.name,
        parameters=parameters,
        compiler=entry.name,
        knobs=ordered,
        stage=stage,
        baseline=dict(baseline),
        source_digest=digest,
        program_digest=entry.program_digest,
        base=variant.base if variant.axes else None,
        axes=variant.axes,
        registry_name=None if variant.registry_name == variant.base else variant.registry_name,
    )


def reference_cell(resolved: ResolvedStudy, workload: str) -> Cell:
    """Return the cell of eager on a workload."""
    variant = variant_of(resolved.study, workload)
    return make_cell(resolved, variant, resolved.catalogue.compiler("eager"), {}, None, {})


def variant_of(study: Study, workload: str) -> Variant:
    """Return a workload, or one of its variants, by its name in the study."""
    return next(one for one in study.variants if one.name == workload)


def _shown(entry: CompilerEntry, knobs: Mapping[str, Level]) -> str:
    return ", ".join(f"{name}={knobs[name]}" for name in entry.primary)
