"""Random small studies that never ran: a real study, its real design, and made-up outcomes, written as a run does.

What a study can be is drawn here: own knobs of one to five levels, numbers and words, factorial stages and stages
around a configuration in any mix, knobs that do nothing, trials that fail or are not supported, one block, one
workload.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ablatrix.canonical import content_id, digest_value
from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.errors import StudyError
from ablatrix.records.correctness import Correctness
from ablatrix.records.journal import record_line
from ablatrix.records.model import (
    CompileFacts,
    Failure,
    Machine,
    PlanFacts,
    Record,
    RunFacts,
    WorkloadFacts,
)
from ablatrix.records.part import Level
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Design, Trial, make_design
from ablatrix.study.design_file import write_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.trials.messages import TrialResult
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.recording import PlannedPart, Scene, make_record, samples_facts, samples_line
from ablatrix.trials.run.further import extend_by_results
from ablatrix.workloads.shipped import SHIPPED
from tests.synthetic import _machine

KNOB_NAMES = ("alpha", "build", "fusion", "partition", "reuse", "memory_plan", "tile", "zeta", "a-b", "a.b", "threads")
NUMBERS: tuple[tuple[Level, ...], ...] = (
    ("1", "2", "4", "8", "16", "32"),
    (0, 2, 4, 16, 128, 1024),
    (0.125, 0.25, 0.5, 1, 2.5, 10, -1.5),
)
WORDS = ("off", "on", "O1", "O2", "-O2 -g", "-O2--g", "a_b", "50%", "x&y", "fast")
FAILED = (Status.COMPILE_ERROR, Status.CRASHED, Status.TIMEOUT, Status.RUN_ERROR, Status.WRONG_OUTPUT)


@dataclass(frozen=True)
class MadeStudy:
    """A study with its records, on disk.

    Attributes:
        study: The study file.
        results: The directory that a run would have written.
    """

    study: Path
    results: Path


@dataclass(frozen=True)
class Truth:
    """What a compiler does: by knob and level a factor of the times, and which knobs are built in.

    Where all knobs of one of ``breaking`` are on, nothing compiles.
    """

    factors: Mapping[tuple[str, Level], float]
    acting: frozenset[str]
    failing: Mapping[str, Status] = field(default_factory=dict)
    tells_memory: bool = True
    noise: float | None = None
    timed_other: float = 0.0
    breaking: frozenset[frozenset[str]] = frozenset()

    def status(self, cell: Cell) -> Status:
        """Return how trials of a cell end."""
        on = {knob for knob, level in cell.knobs.items() if level == "on"}
        broken = any(one <= on for one in self.breaking)
        return Status.COMPILE_ERROR if broken else self.failing.get(cell.cell_id, Status.OK)


def write_made_study(rng: random.Random, directory: Path, most_cells: int = 40) -> MadeStudy:
    """Draw a study, make up its outcomes, and write study, design, records and samples."""
    return write_results(rng, _draw_study(rng, most_cells), directory)


def write_results(
    rng: random.Random,
    resolved: ResolvedStudy,
    directory: Path,
    truth: "Truth | None" = None,
    live: Sequence[int | None] = (None, 5, 6),
) -> MadeStudy:
    """Make up the outcomes of a study, all of one compiler's if ``truth`` says how they are, and write them.

    ``live`` are numbers of workers that the machine may hold, of which one is drawn.
    """
    results = directory / "results"
    (results / "samples").mkdir(parents=True)
    study = directory / "made.yaml"
    study.write_text(json.dumps(resolved.study.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    held = rng.choice(live)
    design: Design | None = make_design(resolved, max_live=held)
    known: dict[str, Record] = {}
    begun = 0
    with (results / "results.jsonl").open("w", encoding="utf-8") as journal:
        while design is not None:
            write_design(design, results / "design.json")
            for record, line in _records(rng, resolved, design, truth, begun):
                known[record.trial_id] = record
                journal.write(record_line(record))
                if line is not None:
                    with (results / "samples" / f"{record.block_id}.jsonl").open("a", encoding="utf-8") as samples:
                        samples.write(line + "\n")
            begun = len(design.trials)
            design = extend_by_results(resolved, design, known, held)
    return MadeStudy(study, results)


def _draw_study(rng: random.Random, most_cells: int) -> ResolvedStudy:
    """Draw until a study is small enough, and one that is accepted."""
    while True:
        entries = [_draw_compiler(rng, name) for name in rng.sample(["mine", "other", "a.b"], rng.choice([1, 1, 1, 2]))]
        catalogue = Catalogue(
            Entries(COMPILER_FAMILY, {one.name: one for one in (EAGER, *entries)}, {}),
            Entries(WORKLOAD_FAMILY, dict(SHIPPED), {}),
        )
        fixed = [name for name, one in SHIPPED.items() if not one.dynamic]
        names = [*fixed, *(name for name in SHIPPED if name not in fixed)]
        baseline = {
            knob.name: rng.choice(knob.levels).name
            for knob in entries[0].knobs
            if rng.random() < 0.3 and all((held := one.knob(knob.name)) and held == knob for one in entries)
        }
        data = {
            "name": "made",
            "workloads": [
                _draw_axes(rng, name) for name in rng.sample(names, min(len(names), rng.choice([1, 1, 2, 3])))
            ],
            "compilers": [one.name for one in entries],
            "modes": rng.choice([["cold", "hot"], ["cold", "hot"], ["hot"], ["cold"]]),
            "baseline": baseline,
            "stages": list(_draw_stages(rng, entries, baseline)),
            "protocol": {
                "cold": {"replicates": rng.randint(1, 3)},
                "hot": {"blocks": (blocks := rng.randint(1, 4)), "max_blocks": blocks + 1},
            },
        }
        try:
            resolved = resolve_study(Study.model_validate(data), catalogue)
            design = make_design(resolved)
        except StudyError:
            continue
        if design.trials and len(design.cells) <= most_cells:
            return resolved


def _draw_axes(rng: random.Random, name: str) -> object:
    """Return a workload of a study, some with axes of numbers: of one parameter or two."""
    numbers = [key for key, spec in SHIPPED[name].parameters.items() if key in ("batch", "layers", "classes")]
    if not numbers or rng.random() < 0.7:
        return name
    values = {key: rng.sample([1, 2, 3, 4, 8], rng.randint(1, 3)) for key in rng.sample(numbers, 1)}
    return {"name": name, "axes": values}


def _draw_compiler(rng: random.Random, name: str) -> CompilerEntry:
    names = rng.sample(KNOB_NAMES, rng.randint(1, 6))
    knobs = []
    for index, knob in enumerate(names):
        pool: Sequence[Level] = rng.choice(NUMBERS) if rng.random() < 0.4 else WORDS
        levels = rng.sample(pool, rng.randint(1, 5))
        knobs.append(
            KnobEntry(
                name=knob,
                kind="primary" if index == 0 or rng.random() < 0.6 else "secondary",
                summary="A knob.",
                levels=tuple(LevelEntry(level, "A level.") for level in levels),
                default=levels[0],
                affects=rng.choice(["code", "code", "code", "run_time", "both"]),
            )
        )
    rng.shuffle(knobs)
    return CompilerEntry(name=name, summary="Mine.", modules=(), extra="", adapter="a:B", knobs=tuple(knobs))


def _draw_stages(
    rng: random.Random, entries: Sequence[CompilerEntry], baseline: Mapping[str, Level]
) -> Iterator[dict[str, object]]:
    for index, entry in enumerate(entries if len(entries) > 1 else [entries[0]] * rng.randint(1, 3)):
        knobs = [knob for knob in entry.knobs if knob.kind == "primary" or index >= len(entries)]
        chosen = rng.sample(knobs, rng.randint(1, min(len(knobs), 4 if index else 6)))
        levels: dict[str, list[Level]] = {}
        for knob in chosen:
            own = [level.name for level in knob.levels]
            kept = rng.sample(own, rng.randint(1, len(own)))
            base = baseline.get(knob.name, str(knob.default))
            levels[knob.name] = list(dict.fromkeys([base, *kept] if index < len(entries) else kept))
        stage: dict[str, object] = {"name": f"stage{index}"}
        if len(entries) > 1:
            stage["compilers"] = [entry.name]
        if rng.random() < 0.5:
            yield stage | {"factorial": levels}
            continue
        away = rng.sample(list(entry.knobs), rng.randint(0, len(entry.knobs))) if index >= len(entries) else []
        yield stage | {"around": {knob.name: rng.choice(knob.levels).name for knob in away}, "vary": levels}


def _draw_truth(rng: random.Random, entry: CompilerEntry, cells: Sequence[Cell]) -> Truth:
    factors: dict[tuple[str, Level], float] = {
        (knob.name, level.name): rng.choice([1.0, 1.0, rng.uniform(0.4, 1.6)])
        for knob in entry.knobs
        if rng.random() < 0.8
        for level in knob.levels
    }
    acting = frozenset(knob.name for knob in entry.knobs if rng.random() < 0.7)
    unlucky = [cell.cell_id for cell in cells if rng.random() < 0.12]
    failing = {one: rng.choice([Status.UNSUPPORTED, *FAILED]) for one in unlucky}
    return Truth(factors, acting, failing, rng.random() < 0.6, timed_other=0.02)


def _records(
    rng: random.Random, resolved: ResolvedStudy, design: Design, truth: Truth | None, begun: int = 0
) -> Iterator[tuple[Record, str | None]]:
    study, catalogue = resolved
    cells = {cell.cell_id: cell for cell in design.cells}
    scene = Scene(
        machine=Machine(**_machine("bench-1").model_dump(exclude={"gpu", "memory_speed"})),
        study_commit=None,
        study_dirty=None,
        ablatrix_commit="c0ffee",
        ablatrix_dirty=False,
        versions={"ablatrix": "0.1.0", "python": "3.11.9", "torch": "2.13.0"},
    )
    truths: dict[str, Truth] = {}
    for name in dict.fromkeys(cell.compiler for cell in cells.values()):
        own = [one for one in cells.values() if one.compiler == name]
        drawn = _draw_truth(rng, catalogue.compiler(name), own)
        truths[name] = drawn if truth is None else truth
    noise, lost = rng.choice([0.0, 0.002, 0.05]), rng.choice([0.0, 0.0, 0.05])
    if truth is not None:
        noise, lost = truth.noise or 0.0, 0.0
    drift: dict[str, float] = {}
    for index, trial in enumerate(design.trials[begun:], begun):
        cell = cells[trial.cell_id]
        status = truths[cell.compiler].status(cell)
        if status is Status.OK and index and rng.random() < lost:
            status = rng.choice(FAILED)
        drift.setdefault(trial.block_id, rng.gauss(0.0, noise))
        time = rng.gauss(0.0, noise) + drift[trial.block_id]
        outcome = _outcome(rng, trial, cell, truths[cell.compiler], status, 2.718281828**time)
        line = samples_line(outcome, 0) if outcome.bursts_ms else None
        samples = None if line is None else samples_facts(outcome, line, f"samples/{trial.block_id}.jsonl")
        entry, planned = catalogue.compiler(cell.compiler), PlannedPart.of(resolved, design, trial, cell)
        facts = _workload(cell)
        yield make_record(design, scene, outcome, facts, entry, 0, samples, study.device, planned), line


def _outcome(rng: random.Random, trial: Trial, cell: Cell, truth: Truth, status: Status, noise: float) -> Outcome:
    built = {knob: level for knob, level in cell.knobs.items() if knob in truth.acting}
    digest = digest_value([cell.workload, cell.compiler, built])
    factor = noise
    for knob, level in cell.knobs.items():
        factor *= truth.factors.get((knob, level), 1.0)
    reached = status in (Status.OK, Status.WRONG_OUTPUT)
    is_reference = cell.compiler == "eager"
    plan = None if is_reference or status is Status.UNSUPPORTED else _plan(built)
    runtime = None if not reached or (status is not Status.OK and trial.mode == "hot") else _runtime(trial.mode, factor)
    result = TrialResult(
        status=status,
        error=None
        if status is Status.OK
        else Failure(type="CompilerError", message=f"made up: {status}", phase="compile"),
        cpus=(0, 1),
        versions={},
        environment={"OMP_NUM_THREADS": "2"},
        plan=plan,
        threads={"torch": 2},
        compile=_compile(built, digest, truth.tells_memory) if reached and not is_reference else None,
        runtime=runtime,
        correctness=_checked(rng, status, digest, trial.mode, truth.timed_other) if reached else None,
    )
    bursts: tuple[tuple[float, ...], ...] = ()
    if trial.mode == "hot" and status is Status.OK:
        bursts = tuple(tuple(factor * (1 + 0.01 * rng.random()) for _ in range(3)) for _ in range(4))
    start = tuple(factor * 1.2 for _ in range(4)) if bursts else ()
    return Outcome(
        trial=trial, cell=cell, time_utc="2026-01-01T00:00:00Z", result=result, warm_up_ms=start, bursts_ms=bursts
    )


def _workload(cell: Cell) -> WorkloadFacts:
    return WorkloadFacts(
        name=cell.workload,
        tier=SHIPPED[cell.workload].tier if cell.workload in SHIPPED else "tiny",
        parameters=dict(cell.parameters),
        inputs=[],
        dynamic={},
        timed_sizes={},
        parameter_count=7,
        digest=digest_value([cell.workload, "program"]),
    )


def _plan(built: Mapping[str, Level]) -> PlanFacts:
    held = 4096 * (1 + len(built))
    return PlanFacts(
        plan_ms=1.0,
        tasks=1,
        distinct_tasks=1,
        edges=0,
        logical_buffers=1,
        physical_buffers=1,
        logical_bytes=held,
        physical_bytes_est=held,
        peak_live_bytes=held,
        digest=content_id("plan"),
    )


def _compile(built: Mapping[str, Level], digest: str, tells_memory: bool) -> CompileFacts:
    planned = int(digest[:4], 16) + 1 if tells_memory else None
    return CompileFacts(
        compile_ms={"import": 1.0, "compile": 20.0, "link": 3.0, "load": 0.5},
        pass_ms=None,
        compile_cache_miss_delta_first_run=1,
        compile_cache_hit_memory_delta_first_run=0,
        compile_cache_hit_disk_delta_first_run=0,
        compile_cache_fail_delta_first_run=0,
        expected_cache_misses=1,
        cache_tag=None,
        key_set_size=1,
        key_set_digest=content_id([digest, "keys"]),
        artifact_digest=digest,
        generated_calls=10 + len(built),
        generated_kernels=3,
        compiler_planned_bytes=planned,
        planned_bytes=planned,
        estimator=None,
        reasons={} if tells_memory else {"compiler_planned_bytes": "it does not say", "estimator": "it has none"},
    )


def _runtime(mode: str, factor: float) -> RunFacts:
    if mode == "hot":
        return RunFacts(peak_rss_delta_bytes=4096, task_overhead_us=None)
    total = 40.0 * factor
    return RunFacts(
        compile_first_run_ms=total,
        plan_ms=total * 0.05,
        import_ms=total * 0.1,
        compile_ms=total * 0.6,
        link_ms=total * 0.1,
        load_ms=total * 0.05,
        run_ms_cold=total * 0.1,
        peak_rss_delta_bytes=8192,
    )


def _checked(rng: random.Random, status: Status, digest: str, mode: str, timed_other: float) -> Correctness:
    wrong = status is Status.WRONG_OUTPUT
    return Correctness(
        checked=3,
        missing=0,
        draws=3,
        max_abs_diff=3.5 if wrong else 1e-6 * rng.random(),
        max_rel_diff=9.0 if wrong else 1e-4 * rng.random(),
        rms_ratio=9e5 if wrong else 1.0 + 0.2 * rng.random(),
        cosine=0.2 if wrong else 1.0,
        nonfinite=0,
        rms_factor=2.0,
        rms_floor=1e-7,
        ok=not wrong,
        checked_digest=digest,
        timed_digest=(digest if rng.random() >= timed_other else "0" * 64) if mode == "hot" and not wrong else None,
    )
