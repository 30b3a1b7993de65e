"""Valid, realistic records of a small study that never ran: what tests of readers work on."""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeVar

from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.canonical import content_id, digest_value
from ablatrix.records.correctness import Correctness
from ablatrix.records.journal import record_line
from ablatrix.records.layout import Layout
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import (
    SCHEMA_VERSION,
    CompileFacts,
    Configuration,
    Failure,
    Meta,
    Mode,
    PlanFacts,
    Record,
    Role,
    RunFacts,
    Samples,
    Tier,
    TrialMachine,
    WarmUp,
    WorkloadFacts,
)
from ablatrix.records.noise import Noise
from ablatrix.records.part import Level
from ablatrix.records.place import Place
from ablatrix.records.status import Status
from ablatrix.records.workload import InputFacts

K = TypeVar("K")
V = TypeVar("V")

PRIMARY: dict[str, tuple[str, str]] = {
    "partition": ("whole", "regions"),
    "reuse": ("keep", "release"),
    "memory_plan": ("off", "on"),
    "fusion": ("off", "on"),
}
FIXED: dict[str, Level] = {"schedule": "vectorised", "library": "off"}
BASELINE: dict[str, Level] = {**{knob: levels[0] for knob, levels in PRIMARY.items()}, **FIXED}
HOT_EFFECT = {"partition": 1.05, "reuse": 0.99, "memory_plan": 0.90, "fusion": 0.60}
FACTORS = {
    "run_ms_mean": 1.01,
    "run_ms_p50": 1.0,
    "run_ms_p90": 1.03,
    "run_ms_p95": 1.05,
    "run_ms_p99": 1.12,
    "run_ms_min": 0.98,
}
COLD_EFFECT = {"partition": 0.40, "reuse": 1.01, "memory_plan": 1.02, "fusion": 0.85}


@dataclass(frozen=True)
class Shape:
    """Sizes of one made-up workload: times of the baseline, regions and how many of them differ."""

    tier: Tier
    cold_ms: float
    hot_ms: float
    eager_ms: float
    tasks: int
    distinct: int
    bytes: int


SHAPES: Mapping[str, Shape] = {
    "attention": Shape("medium", 900.0, 4.0, 3.1, 3, 3, 400_000),
    "encoder": Shape("hard", 5200.0, 31.0, 24.0, 14, 3, 7_400_000),
    "resnet": Shape("hard", 8800.0, 52.0, 40.0, 18, 11, 13_600_000),
}


@dataclass(frozen=True)
class Plant:
    """What to break: trials of one workload and mode whose knobs match, in one block or all of them.

    Attributes:
        status: Status to give them. ``missing_check`` has one comparison missing; ``wrong_output`` a bad
            difference.
        knobs: Levels that must match (empty: every measured trial).
        block: Number of the block, None for all.
    """

    status: str
    workload: str
    mode: Mode
    knobs: Mapping[str, Level]
    block: int | None = None


_MADE: dict[str, tuple[Record, ...]] = {}
_TABLES: dict[tuple[int, ...], tuple[tuple[Record, ...], Tidy]] = {}
KEPT = 24
"""How many lists of records, and tables of them, are kept for whoever asks for the same ones: neither can change."""


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    if len(kept) == KEPT:
        del kept[next(iter(kept))]
    kept[key] = value


def make_records(
    *,
    workloads: Sequence[str] = ("attention", "encoder"),
    blocks: int = 2,
    modes: Sequence[Mode] = ("cold", "hot"),
    seed: int = 7,
    plants: Iterable[Plant] = (),
    host: str = "bench-1",
    commit: str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
    noise: float = 0.01,
    superseded: int = 0,
    primers: int = 0,
    built_as: Callable[[dict[str, Level]], dict[str, Level]] = dict,
) -> list[Record]:
    """Return the records of one study in run order: 16 configurations, a reference and a twin in each block.

    Args:
        workloads: Names out of `SHAPES`.
        blocks: Repeats of every trial.
        modes: Modes to make.
        seed: Seed of order and noise; the same arguments give the same records.
        plants: Trials to break.
        host: Host name on every record.
        commit: Commit of ablatrix on every record.
        noise: Standard deviation of the log of a time.
        superseded: This many first trials get an earlier, interrupted attempt in front of them.
        primers: This many primer records come in front of all others.
        built_as: What a configuration is really built as: configurations for which it answers the same have the
            same code, figures and times (but for noise). A knob that it ignores is a no-op.
    """
    plants = list(plants)
    asked = repr((workloads, blocks, modes, seed, plants, host, commit, noise, superseded, primers))
    if built_as is dict and asked in _MADE:
        return list(_MADE[asked])
    rng = random.Random(seed)
    study_digest = digest_value({"study": "synthetic", "workloads": list(workloads), "seed": seed})
    machine = _machine(host)
    records: list[Record] = []
    for workload, mode, block in itertools.product(workloads, modes, range(blocks)):
        drift = rng.gauss(0.0, noise * 3)  # shared by the block: pairing takes it out
        cells: list[tuple[Role, dict[str, Level] | None]] = [
            ("measured", {**dict(zip(PRIMARY, levels, strict=True)), **FIXED})
            for levels in itertools.product(*PRIMARY.values())
        ]
        cells += [("reference", None), ("twin", dict(BASELINE))]
        rng.shuffle(cells)
        for role, knobs in cells:
            made = _record(
                workload=workload,
                mode=mode,
                block=block,
                role=role,
                knobs=knobs,
                built=None if knobs is None else built_as(knobs),
                rng=rng,
                drift=drift,
                noise=noise,
                study_digest=study_digest,
                machine=machine,
                commit=commit,
                position=len(records),
            )
            if role == "measured" and knobs is not None:
                for plant in plants:
                    if _matches(plant, workload, mode, block, knobs):
                        made = broken(made, plant.status)
            records.append(made)
    first = [broken(record, "interrupted").model_copy(update={"final": False}) for record in records[:superseded]]
    again = [
        record.model_copy(
            update={"attempt": 1, "record_id": content_id([record.trial_id, 1])},
        )
        for record in records[:superseded]
    ]
    primed = [
        record.model_copy(
            update={
                "role": "primer",
                "trial_id": content_id([record.trial_id, "primer"]),
                "record_id": content_id([record.trial_id, "primer", 0]),
            }
        )
        for record in records[:primers]
    ]
    whole = [*primed, *first, *again, *records[superseded:]]
    if built_as is dict:
        _keep(_MADE, asked, tuple(whole))
    return whole


def write_records(path: Path, records: Iterable[Record]) -> Path:
    """Write records as lines of one file (plainly, without a journal's care) and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(record_line(record) for record in records), encoding="utf-8")
    return path


def tidied(records: Iterable[Record]) -> Tidy:
    """The table of records, as reading a file of them gives it; of the same records it is the same one."""
    held = tuple(records)
    asked = tuple(map(id, held))
    if asked not in _TABLES:
        with TemporaryDirectory() as directory:
            table = tidy([write_records(Path(directory) / "results.jsonl", held)])
        _keep(_TABLES, asked, (held, table))  # records that are held keep their ids to themselves
    return _TABLES[asked][1]


def broken(record: Record, status: str) -> Record:
    """Return the record as it would stand with another status."""
    phases: dict[str, Literal["plan", "compile", "run", "check"]] = {
        "plan_error": "plan",
        "compile_error": "compile",
        "run_error": "run",
        "wrong_output": "check",
        "missing_check": "check",
        "timeout": "compile",
        "out_of_memory": "compile",
        "crashed": "compile",
        "unsupported": "compile",
    }
    error = Failure(
        type="SIGSEGV" if status == "crashed" else "CompilerError",
        message=f"planted: {status}",
        phase=phases.get(status),
        signal=11 if status == "crashed" else None,
        traceback_digest=digest_value(status),
    )
    update: dict[str, object] = {"status": Status(status), "error": error}
    if status in ("wrong_output", "missing_check"):
        held = record.correctness
        assert held is not None
        wrong = {"max_abs_diff": 3.5, "max_rel_diff": 41.0, "rms_ratio": 9e5, "cosine": 0.2, "ok": False}
        missing = {"checked": held.checked - 1, "missing": 1, "ok": None}
        update["correctness"] = held.model_copy(update=wrong if status == "wrong_output" else missing)
        if record.mode == "hot":
            update["runtime"] = None
    else:
        update |= {"compile": None, "runtime": None, "correctness": None}
        if status in ("plan_error", "not_run_budget", "not_prepared", "interrupted"):
            update["plan"] = None
    return record.model_copy(update=update)


def _matches(plant: Plant, workload: str, mode: Mode, block: int, knobs: Mapping[str, Level]) -> bool:
    return (
        (plant.workload, plant.mode) == (workload, mode)
        and plant.block in (None, block)
        and all(knobs[knob] == level for knob, level in plant.knobs.items())
    )


def _record(
    *,
    workload: str,
    mode: Mode,
    block: int,
    role: Role,
    knobs: dict[str, Level] | None,
    built: dict[str, Level] | None,
    rng: random.Random,
    drift: float,
    noise: float,
    study_digest: str,
    machine: TrialMachine,
    commit: str,
    position: int,
) -> Record:
    shape = SHAPES[workload]
    compiler = "tvm" if knobs is not None else "eager"
    all_knobs: dict[str, Level | None] = dict.fromkeys(BASELINE) if knobs is None else dict(knobs)
    cell_id = content_id([workload, compiler, all_knobs])
    trial_id = content_id([study_digest, cell_id, mode, role, block])
    log_noise = drift + rng.gauss(0.0, noise)
    digest = digest_value([workload, compiler, built, "code"])
    plan = None if knobs is None or built is None else _plan(shape, knobs, built)
    return Record(
        schema_version=SCHEMA_VERSION,
        record_id=content_id([trial_id, 0]),
        trial_id=trial_id,
        cell_id=cell_id,
        attempt=0,
        final=True,
        block_id=content_id([study_digest, workload, "tvm", mode, block]),
        role=role,
        study="synthetic",
        study_digest=study_digest,
        mode=mode,
        status="ok",
        error=None,
        wall_s=1.5,
        meta=_meta(machine, commit, block, position, compiler),
        workload=_workload(workload, shape),
        config=Configuration(
            compiler=compiler,
            knobs=all_knobs,
            stage=None if knobs is None else "primary",
            baseline=BASELINE,
            catalogue_digest=digest_value(list(BASELINE)),
        ),
        plan=plan,
        compile=None if plan is None or built is None else _compile(shape, built, plan, digest),
        runtime=_runtime(shape, mode, built, log_noise, rng),
        correctness=Correctness(
            checked=3,
            missing=0,
            draws=3,
            max_abs_diff=2.4e-6 * (1 + rng.random()),
            max_rel_diff=3.1e-4 * (1 + rng.random()),
            rms_ratio=1.0 + 0.2 * rng.random(),
            cosine=1.0 - 1e-12,
            nonfinite=0,
            rms_factor=2.0,
            rms_floor=1e-7,
            ok=True,
            checked_digest=digest,
            timed_digest=digest if mode == "hot" else None,
            worst_ratio=0.5,
            allowed_over_eager=12.0,
            ill_conditioned=0,
            undetermined=0,
            eager_wrong=0,
        ),
    )


def _machine(host: str) -> TrialMachine:
    return TrialMachine(
        host=host,
        cpu="Synthetic CPU 3000",
        cores=2,
        memory_bytes=8 * 2**30,
        kernel="6.1.0",
        container=None,
        governor=None,
        turbo=None,
        smt=True,
        cpus=[0, 1],
        cpu_quota_cores=None,
    )


def _meta(machine: TrialMachine, commit: str, block: int, position: int, compiler: str) -> Meta:
    versions = {"ablatrix": "0.1.0", "python": "3.11.9", "torch": "2.13.0"}
    return Meta(
        time_utc=f"2026-01-01T{position // 3600 % 24:02d}:{position // 60 % 60:02d}:{position % 60:02d}Z",
        study_commit=commit,
        study_dirty=False,
        ablatrix_commit=commit,
        ablatrix_dirty=False,
        versions=versions | ({"tvm": "0.27.0"} if compiler == "tvm" else {}),
        machine=machine,
        place=Place(host_id=content_id(machine.host)),
        noise=Noise(
            load_average_before=0.4,
            load_average_after=0.9,
            steal_ms=0.0,
            throttled_ms=None,
            swapped_pages=0,
            span_s=2.5,
            voluntary_switches=40,
            involuntary_switches=3,
            cpu_s=2.4,
        ),
        threads={"torch": 2, "tvm": 2},
        environment={"OMP_NUM_THREADS": "2"},
        process="forked",
        layout=Layout(sampling="padding", padding_seed=1000 + position, server="0123456789abcdef"),
        cpus=[0, 1],
        seed=7,
        block=block,
        position=position,
    )


def _workload(name: str, shape: Shape) -> WorkloadFacts:
    return WorkloadFacts(
        name=name,
        tier=shape.tier,
        parameters={"width": 64, "dropout": 0.0},
        inputs=[InputFacts(name="x", shape=[1, 64, 64], dtype="float32")],
        dynamic={},
        timed_sizes={},
        parameter_count=shape.bytes // 4,
        digest=digest_value([name, "program"]),
    )


def _plan(shape: Shape, knobs: Mapping[str, Level], built: Mapping[str, Level]) -> PlanFacts:
    whole = built["partition"] == "whole"
    tasks, distinct = (1, 1) if whole else (shape.tasks, shape.distinct)
    logical = 4096 if whole else shape.bytes // 8
    peak = logical if whole else logical // 4
    return PlanFacts(
        plan_ms=12.0,
        tasks=tasks,
        distinct_tasks=distinct,
        edges=tasks - 1,
        logical_buffers=tasks,
        physical_buffers=1 if whole else (3 if built["reuse"] == "release" else tasks),
        logical_bytes=logical,
        physical_bytes_est=peak if built["reuse"] == "release" else logical,
        peak_live_bytes=peak,
        # As the planner does it: what was asked for is in the digest, whether or not the plan is another one.
        digest=content_id([shape.tasks, knobs["partition"], knobs["reuse"], built["partition"], built["reuse"]]),
    )


def _compile(shape: Shape, knobs: Mapping[str, Level], plan: PlanFacts, digest: str) -> CompileFacts:
    planned = shape.bytes // (plan.tasks * (10 if knobs["memory_plan"] == "on" else 1))
    calls = 60 if knobs["fusion"] == "on" else 110
    return CompileFacts(
        compile_ms={"import": 40.0, "compile": 600.0, "link": 90.0, "load": 8.0},
        pass_ms=None,
        compile_cache_miss_delta_first_run=plan.distinct_tasks,
        compile_cache_hit_memory_delta_first_run=plan.tasks - plan.distinct_tasks,
        compile_cache_hit_disk_delta_first_run=0,
        compile_cache_fail_delta_first_run=0,
        expected_cache_misses=plan.distinct_tasks,
        cache_tag=None,
        key_set_size=plan.distinct_tasks,
        key_set_digest=content_id([digest, "keys"]),
        artifact_digest=digest,
        generated_calls=calls,
        generated_kernels=calls // 3,
        compiler_planned_bytes=planned,
        planned_bytes=plan.physical_bytes_est + planned,
        estimator={"planned_bytes": float(planned), "unplanned_bytes": float(shape.bytes // plan.tasks)},
        reasons={},
    )


def _runtime(
    shape: Shape, mode: Mode, knobs: Mapping[str, Level] | None, log_noise: float, rng: random.Random
) -> RunFacts:
    effects = COLD_EFFECT if mode == "cold" else HOT_EFFECT
    scale = 2.718281828459045**log_noise
    for knob, levels in PRIMARY.items():
        if knobs is not None and knobs[knob] == levels[1]:
            scale *= effects[knob]
    peak = int(shape.bytes * (1.2 + 0.01 * rng.random()))
    if mode == "cold":
        total = scale * (shape.cold_ms if knobs is not None else shape.eager_ms * 4)
        run, plan = total * 0.05, total * 0.02
        parts = {
            "import_ms": total * 0.1,
            "compile_ms": total * 0.6,
            "link_ms": total * 0.2,
            "load_ms": total * 0.03,
        }
        return RunFacts(compile_first_run_ms=total, plan_ms=plan, run_ms_cold=run, peak_rss_delta_bytes=peak, **parts)
    p50 = scale * (shape.hot_ms if knobs is not None else shape.eager_ms)
    return RunFacts(
        **{name: p50 * FACTORS.get(name, 1.2) for name in SAMPLE_METRICS},
        iterations=260,
        bursts=10,
        burst_ms_p50=[p50 * math.exp(log_noise * rng.gauss(0, 0.3)) for _ in range(10)],  # without noise all equal
        warm_up=WarmUp(iterations=60, steady_from=4, classification="warmed_up"),
        samples=Samples(file="samples/block.jsonl", digest=digest_value(p50), counted=200, rewarming=40),
        task_overhead_us=0.8,
        peak_rss_delta_bytes=peak,
    )
