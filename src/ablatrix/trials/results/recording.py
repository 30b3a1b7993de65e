"""From the outcome of a trial to its record, and to its line of raw samples."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from ablatrix.canonical import canonical_json, content_id, digest_bytes
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.records.machine import read_machine
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import (
    SCHEMA_VERSION,
    Configuration,
    Device,
    Machine,
    Meta,
    Mode,
    Record,
    Role,
    RunFacts,
    Samples,
    TrialMachine,
    WarmUp,
    WorkloadFacts,
)
from ablatrix.records.noise import Noise
from ablatrix.records.origin import git_state, source_state
from ablatrix.records.part import StagePlan
from ablatrix.records.place import Place, read_host_id
from ablatrix.records.status import Status
from ablatrix.records.tokens import MemorySpeed
from ablatrix.records.workload import WorkloadAxis
from ablatrix.statistics.quantile import median, summarise
from ablatrix.statistics.warmup import classify_warm_up
from ablatrix.study.design import Cell, Design, Trial, primary_knobs
from ablatrix.study.planned_stage import stage_plan
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.host import measure_memory_speed
from ablatrix.trials.results.outcome import Outcome
from ablatrix.version import __version__
from ablatrix.workloads.entry import WorkloadEntry

FACTS_FILE = "program.json"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is the same for all records of a run on a host: machine, place, commits, versions."""

    machine: Machine
    study_commit: str | None
    study_dirty: bool | None
    ablatrix_commit: str | None
    ablatrix_dirty: bool | None
    versions: dict[str, str]
    memory_speed: MemorySpeed | None = None
    place: Place | None = None

    @classmethod
    def read(cls, study_directory: Path | None, *, with_tokens: bool = False, place: Place | None = None) -> Scene:
        """Read the scene of a run whose study file is in the given directory.

        Args:
            study_directory: Directory of the study file; None without one.
            with_tokens: Whether a workload generates text, whose time is compared with the speed of memory.
            place: Where the run was placed, by who placed it; this host alone by default.
        """
        commit, dirty = git_state(study_directory) if study_directory is not None else (None, None)
        own_commit, own_dirty = source_state()
        return cls(
            machine=read_machine(),
            study_commit=commit,
            study_dirty=dirty,
            ablatrix_commit=own_commit,
            ablatrix_dirty=own_dirty,
            versions={"ablatrix": __version__, "python": platform.python_version()},
            memory_speed=measure_memory_speed() if with_tokens else None,
            place=place or Place(host_id=read_host_id()),
        )

    def with_memory_speed(self) -> Scene:
        """Return the same with the speed of memory, which is measured once."""
        return self if self.memory_speed is not None else replace(self, memory_speed=measure_memory_speed())


@dataclass(frozen=True)
class PlannedPart:
    """What a study says of a trial beyond its cell.

    Attributes:
        stage: What its stage spans.
        primary_knobs: Primary knobs of its compiler that the study names, in its order.
        corners: Of a screening all of whose corners were compiled, those that it stands for.
    """

    stage: StagePlan
    primary_knobs: tuple[str, ...]
    corners: tuple[int, ...] | None = None

    @classmethod
    def of(cls, resolved: ResolvedStudy, design: Design, trial: Trial, cell: Cell) -> PlannedPart | None:
        """Return what a study says of a trial; None for the reference."""
        stage = stage_plan(resolved, design, trial, cell)
        if stage is None:
            return None
        primary = tuple(primary_knobs(resolved.study, resolved.catalogue.compiler(cell.compiler)))
        choice = None if trial.stage is None else design.choice(trial.stage, cell.workload, cell.compiler)
        return cls(stage, primary, None if choice is None else choice.corners.get(cell.cell_id))


def make_record(
    design: Design,
    scene: Scene,
    outcome: Outcome,
    facts: WorkloadFacts,
    compiler: CompilerEntry,
    attempt: int,
    samples: Samples | None,
    device: Device,
    planned: PlannedPart | None = None,
) -> Record:
    """Return the record of one attempt.

    Args:
        design: What was planned.
        scene: What is the same for all records of the run.
        outcome: The outcome of the trial.
        facts: The workload, as prepared.
        compiler: As it is in the build of the trial.
        attempt: 0 for the first try.
        samples: Where the raw samples of a hot trial are (see ``samples_line``), None when there are none.
        device: Where the study runs programs.
        planned: What the study says of stage and knobs; None for the reference.
    """
    trial, cell, result = outcome.trial, outcome.cell, outcome.result
    runtime = None if trial.role == "probe" else result.runtime  # others ran beside it: its times say nothing
    if runtime is not None and outcome.bursts_ms and result.status is Status.OK:
        runtime = _with_hot_times(runtime, outcome, samples)
    return Record(
        schema_version=SCHEMA_VERSION,
        record_id=content_id({"trial": trial.trial_id, "attempt": attempt}),
        trial_id=trial.trial_id,
        cell_id=trial.cell_id,
        attempt=attempt,
        final=result.status.is_final,
        block_id=trial.block_id,
        role=cast(Role, trial.role),  # a design holds plain words; the record checks them
        study=design.study,
        study_digest=design.study_digest,
        mode=cast(Mode, trial.mode),
        status=result.status,
        error=result.error,
        wall_s=outcome.wall_s,
        meta=_meta(design, scene, outcome),
        workload=facts.model_copy(update=_variant(cell)),
        config=_configuration(trial, cell, compiler, device, planned),
        plan=result.plan,
        compile=result.compile,
        runtime=runtime,
        correctness=result.correctness,
    )


def _variant(cell: Cell) -> dict[str, object]:
    """Return what a record says of the study's names for its workload, which a prepared program does not know."""
    axes = [WorkloadAxis(name=name, value=value) for name, value in cell.axes]
    return {"base": cell.base, "axes": axes, "registry_name": cell.registry_name}


def _configuration(
    trial: Trial, cell: Cell, compiler: CompilerEntry, device: Device, planned: PlannedPart | None
) -> Configuration:
    return Configuration(
        compiler=cell.compiler,
        device=device,
        knobs=dict(cell.knobs),
        settings={knob: ", ".join(addresses) for knob, addresses in compiler.addresses.items()},
        run_time_knobs=compiler.run_time_knobs,
        stage=None if cell.stage is None else trial.stage or cell.stage,
        stage_plan=planned and planned.stage,
        primary_knobs=planned and list(planned.primary_knobs),
        baseline=dict(cell.baseline),
        departures=compiler.departures(cell.baseline) if cell.baseline else None,
        catalogue_digest=compiler.digest,
        compiler_digest=compiler.program_digest,
        corners=None if planned is None or planned.corners is None else list(planned.corners),
    )


def samples_line(outcome: Outcome, attempt: int) -> str:
    """Return the line that keeps a hot trial's raw samples, unrounded, in milliseconds."""
    return canonical_json(
        {
            "trial_id": outcome.trial.trial_id,
            "attempt": attempt,
            "warm_up_ms": outcome.warm_up_ms,
            "bursts_ms": outcome.bursts_ms,
            "rewarming_ms": outcome.rewarming_ms,
        }
    )


def samples_facts(outcome: Outcome, line: str, file: str | None) -> Samples:
    """Return the record's pointer to a line of raw samples."""
    return Samples(
        file=file,
        digest=digest_bytes(line.encode()),
        counted=sum(map(len, outcome.bursts_ms)),
        rewarming=sum(map(len, outcome.rewarming_ms)),
    )


def read_facts(program: Path, entry: WorkloadEntry, cell: Cell) -> WorkloadFacts:
    """Return the facts of a workload from its prepared program, or from its entry when it was not prepared."""
    path = program / FACTS_FILE
    if path.exists():
        return WorkloadFacts.model_validate(json.loads(path.read_text(encoding="utf-8"))["facts"])
    return WorkloadFacts(
        name=cell.workload,
        tier=entry.tier,
        source=None if entry.origin is None else entry.origin.source,
        source_digest=entry.source_digest,
        parameters=dict(cell.parameters),
        inputs=[],
        dynamic={},
        timed_sizes={},
        parameter_count=0,
        digest="",
    )


def _meta(design: Design, scene: Scene, outcome: Outcome) -> Meta:
    result = outcome.result
    return Meta(
        time_utc=outcome.time_utc,
        study_commit=scene.study_commit,
        study_dirty=scene.study_dirty,
        ablatrix_commit=scene.ablatrix_commit,
        ablatrix_dirty=scene.ablatrix_dirty,
        versions={**scene.versions, **(result.versions or {})},
        machine=TrialMachine(
            **dict(scene.machine),
            gpu=None if result.gpu is None else result.gpu.device,
            memory_speed=scene.memory_speed,
        ),
        place=scene.place,
        noise=_noise(outcome),
        threads=result.threads or {},
        environment=result.environment or {},
        process=outcome.process,
        spawned_because=outcome.spawned_because,
        cpus=None if result.cpus is None else list(result.cpus),
        settings_in_force=result.settings or {},
        seed=design.seed,
        layout=outcome.layout,
        block=outcome.trial.block,
        replicate=outcome.trial.replicate,
        position=outcome.trial.position,
        build=outcome.build,
    )


def _noise(outcome: Outcome) -> Noise:
    """Return the counters of the machine with those of the trial's process."""
    noise = outcome.noise or Noise(
        load_average_before=None, load_average_after=None, steal_ms=None, throttled_ms=None, swapped_pages=None
    )
    used = outcome.result.noise
    return noise if used is None else noise.model_copy(update=asdict(used))


def _with_hot_times(runtime: RunFacts, outcome: Outcome, samples: Samples | None) -> RunFacts:
    """Return the run part of a hot trial: what its worker reported, and the statistics of its samples."""
    counted = [sample for burst in outcome.bursts_ms for sample in burst]
    summary = summarise(counted, [one for one in SAMPLE_METRICS.values() if isinstance(one, int | float)])
    everything = (outcome.warm_up_ms, *outcome.rewarming_ms, counted)
    start = classify_warm_up(outcome.warm_up_ms)
    return RunFacts(
        **{name: summary.value(statistic) for name, statistic in SAMPLE_METRICS.items()},
        iterations=sum(map(len, everything)),
        bursts=len(outcome.bursts_ms),
        burst_ms_p50=list(map(median, outcome.bursts_ms)),
        burst_ms_min=list(map(min, outcome.bursts_ms)),
        warm_up=WarmUp(iterations=start.iterations, steady_from=start.steady_from, classification=start.classification),
        timed_by=runtime.timed_by,
        samples=samples,
        task_overhead_us=runtime.task_overhead_us,
        peak_rss_delta_bytes=runtime.peak_rss_delta_bytes,
        peak_rss_compile_bytes=runtime.peak_rss_compile_bytes,
        allocator_peak_bytes=runtime.allocator_peak_bytes,
        reasons=runtime.reasons,
    )
