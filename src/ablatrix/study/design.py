"""From a study to its design: cells, trials, blocks and the order in which they run. Pure and seeded."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ablatrix.canonical import content_id
from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import ALWAYS_BEFORE, CompilerEntry, Level
from ablatrix.compilers.settings import Applied
from ablatrix.errors import StudyError
from ablatrix.records.part import StagePlan
from ablatrix.records.titles import Titles
from ablatrix.records.variants import AxisValue
from ablatrix.study.model import Stage, Study
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy, plugin_sources
from ablatrix.study.titles import titles_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One cell in one mode in one process, at its position in the run order.

    Attributes:
        block: Number of its block within the study, in the order of being issued.
        replicate: Number of the repeat that the block belongs to; the parts of a block that was split share it.
    """

    trial_id: str
    cell_id: str
    block_id: str
    block: int
    replicate: int
    position: int
    mode: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What a study will run.

    Attributes:
        cells: Every cell, in the order of the study.
        trials: Every trial that was issued, in run order; trials of one block follow each other. A run adds hot
            blocks while intervals are wider than the study asks for.
        cold_effect_width: Half-width that the study promises for main effects in cold mode; None in designs of
            version 1.0. Its targets for hot trials are in their records.
        plugins: SHA-256 of the files of each plug-in that the study names, by its path there; empty in designs before
            version 1.2.
        titles: What workloads, compilers, knobs and levels are called; none in designs before version 1.3.
    """

    study: str
    study_digest: str
    seed: int
    cells: tuple[Cell, ...]
    trials: tuple[Trial, ...]
    cold_effect_width: float | None = None
    plugins: Mapping[str, str] = field(default_factory=dict)
    titles: Titles = field(default_factory=Titles)

    def cell(self, cell_id: str) -> Cell:
        """Return a cell by its id."""
        return next(cell for cell in self.cells if cell.cell_id == cell_id)

    def blocks(self) -> list[tuple[Trial, ...]]:
        """Return the trials block by block, in run order."""
        return [tuple(group) for _, group in itertools.groupby(self.trials, key=lambda trial: trial.block_id)]


def make_design(resolved: ResolvedStudy, max_live: int | None = None) -> Design:
    """Lay out a study.

    Cold and hot trials of one replicate form blocks: a block holds one trial of every configuration of a
    (workload, compiler) in a seeded random order, with the eager reference beside it and, when hot, an A/A control
    of the baseline. Blocks of one replicate come in random order too, cold ones first, so that hot trials find their
    code in the cell's cache.

    Args:
        resolved: The study with its catalogue.
        max_live: Largest number of trials in a hot block, where the machine holds fewer than the study's ``max_live``.

    Raises:
        StudyError: The baseline of a compiler is not among its configurations, or no trial is left.
    """
    study = resolved.study
    order = random.Random(content_id({"seed": study.seed, "what": "run order"}))
    pairs = [(variant.name, compiler.name) for variant in study.variants for compiler in study.compilers]
    cells = {pair: make_cells(resolved, *pair) for pair in pairs}
    trials: list[Trial] = []
    for replicate in range(max(_replicates(study, mode) for mode in study.modes)):
        for mode in ("cold", "hot"):
            if mode not in study.modes or replicate >= _replicates(study, mode):
                continue
            for pair in order.sample(pairs, len(pairs)):
                for part in _parts(resolved, mode, cells[pair], order, max_live):
                    priming = _priming_runs(part) if mode == "cold" and replicate == 0 else []
                    trials += list(_number(study, mode, [*priming, *part], trials, replicate))
    references = {pair[0]: _reference(resolved, pair[0]) for pair in pairs}
    every = (*references.values(), *itertools.chain.from_iterable(cells.values()))
    promised = study.protocol.cold.effect_width
    return Design(
        study=study.name,
        study_digest=study.digest,
        seed=study.seed,
        cells=every,
        trials=tuple(trials),
        cold_effect_width=promised,
        plugins={name: source.digest for name, source in plugin_sources(resolved).items()},
        titles=titles_of(resolved),
    )


def extend_design(
    resolved: ResolvedStudy, design: Design, workload: str, compiler: str, max_live: int | None = None
) -> Design:
    """Return the design with one more hot repeat of a workload on a compiler, in a seeded random order."""
    study = resolved.study
    cells = {cell.cell_id: cell for cell in design.cells}
    of_pair = [
        trial
        for trial in design.trials
        if trial.mode == "hot"
        and (cells[trial.cell_id].workload, cells[trial.cell_id].compiler) == (workload, compiler)
    ]
    replicate = 1 + max((trial.replicate for trial in of_pair), default=-1)
    identity = {"seed": study.seed, "what": "further block", "pair": [workload, compiler], "replicate": replicate}
    order = random.Random(content_id(identity))
    trials = list(design.trials)
    for part in _parts(resolved, "hot", make_cells(resolved, workload, compiler), order, max_live):
        trials += list(_number(study, "hot", part, trials, replicate))
    return replace(design, trials=tuple(trials))


def make_cells(resolved: ResolvedStudy, workload: str, compiler: str) -> list[Cell]:
    """Return the distinct cells of one workload and compiler, in the order of the stages.

    A configuration that several stages ask for is one cell of the first of them. A level of ``upper_bound`` is
    omitted where the workload has no dynamic dimension.
    """
    study, catalogue = resolved
    entry = catalogue.compiler(compiler)
    baseline = baseline_of(study, entry)
    variant = _variant(study, workload)
    dynamic = bool(dynamic_dimensions(catalogue.workload(workload), variant.parameters))
    cells: dict[str, Cell] = {}
    for stage in study.stages:
        if stage.workloads is not None and not {variant.name, variant.base} & set(stage.workloads):
            continue
        if stage.compilers is not None and compiler not in stage.compilers:
            continue
        for changed in _configurations(stage):
            knobs = {**baseline, **changed}
            if not dynamic and knobs.get("upper_bound", "workload") != "workload":
                continue
            cell = _make_cell(resolved, variant, entry, knobs, stage.name, baseline)
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
    named = [knob for stage in study.stages for knob in (stage.factorial or stage.vary or {})]
    return [knob for knob in dict.fromkeys(named) if knob in entry.primary]


def stage_plan(resolved: ResolvedStudy, cell: Cell) -> StagePlan | None:
    """Return what the stage of a cell spans, for the records; None for the reference."""
    if cell.stage is None:
        return None
    stages = resolved.study.stages
    number = next(index for index, stage in enumerate(stages) if stage.name == cell.stage)
    stage = stages[number]
    named = stage.factorial or stage.vary or {}
    centre = {**cell.baseline, **(stage.around or {})}
    return StagePlan(
        number=number,
        kind="around" if stage.factorial is None else "factorial",
        knobs=list(named),
        levels=[list(levels) for levels in named.values()],
        centre={knob: centre[knob] for knob in cell.knobs},
    )


def _configurations(stage: Stage) -> Iterator[dict[str, Level]]:
    if stage.factorial is not None:
        for combination in itertools.product(*stage.factorial.values()):
            yield dict(zip(stage.factorial, combination, strict=True))
        return
    around = dict(stage.around or {})
    yield around
    for knob, levels in (stage.vary or {}).items():
        for level in levels:
            yield {**around, knob: level}


def _make_cell(
    resolved: ResolvedStudy,
    variant: Variant,
    entry: CompilerEntry,
    knobs: Mapping[str, Level],
    stage: str | None,
    baseline: Any,
) -> Cell:
    study, catalogue = resolved
    of_workload = catalogue.workload(variant.name)
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


def _reference(resolved: ResolvedStudy, workload: str) -> Cell:
    variant = _variant(resolved.study, workload)
    return _make_cell(resolved, variant, resolved.catalogue.compiler("eager"), {}, None, {})


def _variant(study: Study, workload: str) -> Variant:
    return next(one for one in study.variants if one.name == workload)


def _replicates(study: Study, mode: str) -> int:
    return study.protocol.cold.replicates if mode == "cold" else study.protocol.hot.blocks


def _parts(
    resolved: ResolvedStudy, mode: str, cells: Sequence[Cell], order: random.Random, max_live: int | None
) -> Iterator[list[tuple[Cell, str]]]:
    """Yield the blocks of one (workload, compiler) in one replicate: (cell, role) in random order.

    A hot block larger than ``max_live`` is split; every part has the reference, the baseline and its A/A control, and
    configurations stay together with those that differ in one secondary or late primary knob.
    """
    chosen = [cell for cell in cells if mode == "cold" or not _is_cold_only(cell, resolved.catalogue)]
    if not chosen:
        return
    reference = (_reference(resolved, chosen[0].workload), "reference")
    if mode == "cold":
        yield _shuffled([reference, *((cell, "measured") for cell in chosen)], order)
        return
    baseline = next((cell for cell in chosen if cell.knobs == cell.baseline), chosen[0])
    others = [cell for cell in chosen if cell is not baseline]
    room = (max_live or resolved.study.protocol.hot.max_live) - 3
    count = max(1, -(-len(others) // room))
    size = -(-len(others) // count) if others else 0
    for part in range(count):
        kept = others[part * size : (part + 1) * size]
        yield _shuffled(
            [reference, (baseline, "measured"), (baseline, "twin"), *((cell, "measured") for cell in kept)],
            order,
        )


def _is_cold_only(cell: Cell, catalogue: Catalogue) -> bool:
    entry = catalogue.compiler(cell.compiler)
    return any(knob.cold_only and cell.knobs[knob.name] != knob.default for knob in entry.knobs)


def _priming_runs(part: list[tuple[Cell, str]]) -> list[tuple[Cell, str]]:
    """Return a cache-priming run for each cell that starts with a named cache: it fills that cache."""
    return [(cell, "primer") for cell, _ in part if cell.knobs.get("cache_tag", "private") != "private"]


def _shuffled(items: list[tuple[Cell, str]], order: random.Random) -> list[tuple[Cell, str]]:
    return order.sample(items, len(items))


def _number(
    study: Study, mode: str, part: list[tuple[Cell, str]], before: Sequence[Trial], replicate: int
) -> Iterator[Trial]:
    """Yield the trials of one block, numbered after those that were issued before it."""
    block = before[-1].block + 1 if before else 0
    position = len(before)
    block_id = content_id({"study": study.digest, "block": block})
    for index, (cell, role) in enumerate(part):
        identity = {"study": study.digest, "block": block, "cell": cell.cell_id, "role": role, "mode": mode}
        yield Trial(
            trial_id=content_id(identity),
            cell_id=cell.cell_id,
            block_id=block_id,
            block=block,
            replicate=replicate,
            position=position + index,
            mode=mode,
            role=role,
        )


def _shown(entry: CompilerEntry, knobs: Mapping[str, Level]) -> str:
    return ", ".join(f"{name}={knobs[name]}" for name in entry.primary)
