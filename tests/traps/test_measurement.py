"""Traps 9 to 14: what a time and a figure of memory are made of."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.analysis.groups import group_columns, summarise_groups, without_priming_runs
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.compilers.adapter import BoundRun, CompileRequest, Executable
from ablatrix.compilers.cache import CacheCounters
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.compilers.tvm import build
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.plotting.cold_scatter import cold_points, compose_cold_scatter
from ablatrix.plotting.figure import house_style
from ablatrix.records.model import Record
from ablatrix.study.design import make_design
from ablatrix.study.resolve import resolve_study
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import make_program, make_request
from ablatrix.trials.host.environment import environment_variables
from ablatrix.trials.results.directory import ResultDirectory
from ablatrix.trials.run.block import run_cold
from ablatrix.trials.worker.monologue import run_here
from ablatrix.workloads.prepare import load_program
from tests.traps.conftest import Run, marks
from tests.trials.conftest import Bench, make_task, small_study

PARTS = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def good(good_run: Run) -> Tidy:
    return tidy([good_run.out / "results.jsonl"])


def cold_record(records: Sequence[Record], **knobs: str) -> Record:
    """The measured cold record whose knobs depart from their defaults as given and no further."""
    wanted = {"fusion": "off", "cache_tag": "private", "pass_timing": "off", **knobs}
    (found,) = (
        record
        for record in records
        if record.mode == "cold" and record.role == "measured" and wanted.items() <= record.config.knobs.items()
    )
    return found


def test_warm_cache_code_is_hit_without_compile_time(good_records: list[Record]) -> None:
    """Trap 9: a disk hit is counted as one, and the parts that did not take place are missing instead of 0 ms."""
    warm, private = cold_record(good_records, cache_tag="warm"), cold_record(good_records)
    assert warm.compile and warm.runtime and private.compile and private.runtime
    assert warm.compile.cache_tag == "warm"
    assert warm.compile.compile_cache_hit_disk_delta_first_run == 1
    assert warm.compile.compile_cache_miss_delta_first_run == warm.compile.expected_cache_misses == 0
    assert (warm.runtime.import_ms, warm.runtime.compile_ms, warm.runtime.link_ms) == (None, None, None)
    assert (warm.runtime.load_ms or 0) > 0
    assert private.compile.compile_cache_miss_delta_first_run == 1
    assert (private.runtime.compile_ms or 0) > 0
    for runtime in (warm.runtime, private.runtime):
        parts = [getattr(runtime, part) for part in PARTS]
        assert runtime.compile_first_run_ms == pytest.approx(sum(part for part in parts if part is not None))


def test_warm_cache_is_level_in_table_and_zero_misses_in_figure(good: Tidy) -> None:
    """Trap 9: warm and private rows are never averaged, and the figure has the warm one at 0 misses, above 0 ms."""
    trials = without_priming_runs(good.trials)
    rows = summarise_groups(trials, group_columns(good)).filter(mode="cold", role="measured")
    assert sorted(zip(rows["knob_cache_tag"], rows["n_trials"], strict=True)) == [("private", 1)] * 3 + [("warm", 1)]
    points = cold_points(trials)
    with house_style():
        (figure,) = compose_cold_scatter(points)
    (axes,) = figure.axes
    # Marks of one number of misses stand beside each other, nearest to that number.
    assert sorted(round(x) for marker, x, _ in marks(axes) if marker != "_") == [0, 1, 1, 1]
    assert [round(x) for marker, x, _ in marks(axes) if marker == "_"] == [0]  # the bar that says warm
    assert min(y for _, _, y in marks(axes)) > 0
    assert figure.get_supxlabel() == "compile cache misses up to the first run (tasks)"


def test_observer_watches_separate_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 10: times by pass come from a second compile, outside of every phase and of the cache."""
    request = make_request(make_program(Stack(1), (torch.ones(1, 4, 8),)), tmp_path, {"pass_timing": "on"})
    observed, phases = build.time_passes, []

    def spy(*arguments: Any) -> dict[str, float]:
        before = dict(request.clock.milliseconds)
        told = observed(*arguments)
        phases.append((request.clock.current, before, dict(request.clock.milliseconds)))
        return told

    monkeypatch.setattr(build, "time_passes", spy)
    facts = TvmCompiler().compile(request).facts
    ((phase, before, after),) = phases
    assert phase == "observer"
    assert before == after
    assert set(request.clock.milliseconds) == {"import", "compile", "link", "load"}
    assert set(request.clock.uncounted_ms) == {"observer"}
    assert facts.pass_ms
    assert request.cache.counters == CacheCounters(misses=1)


def test_observed_trial_is_same_program_and_never_hot(good_run: Run, good_records: list[Record]) -> None:
    """Trap 10: the observer changes neither code nor counters, is in no part of the time, and is cold only."""
    seen, plain = cold_record(good_records, pass_timing="on"), cold_record(good_records)
    assert seen.compile and seen.runtime and plain.compile
    assert seen.compile.pass_ms
    assert plain.compile.pass_ms is None
    assert seen.compile.artifact_digest == plain.compile.artifact_digest
    assert seen.compile.compile_cache_miss_delta_first_run == plain.compile.compile_cache_miss_delta_first_run == 1
    parts = [getattr(seen.runtime, part) for part in PARTS]
    assert seen.runtime.compile_first_run_ms == pytest.approx(sum(parts))
    hot = [good_run.design.cell(trial.cell_id).knobs for trial in good_run.design.trials if trial.mode == "hot"]
    assert {knobs.get("pass_timing", "off") for knobs in hot} == {"off"}


def test_ratio_is_made_from_several_processes_paired_within_blocks(good: Tidy, good_records: list[Record]) -> None:
    """Trap 11: each block has a process of its own for each trial, and an interval is over blocks, not over samples."""
    hot = [record for record in good_records if record.mode == "hot"]
    assert len({(record.meta.block, record.cell_id, record.role) for record in hot}) == len(hot) == 2 * 4
    assert {record.meta.process for record in hot} <= {"forked", "spawned"}
    rows = summarise_groups(without_priming_runs(good.trials), group_columns(good))
    (row,) = rows.filter(mode="hot", role="measured", knob_fusion="on").iter_rows(named=True)
    p50 = {
        (r.meta.block, r.config.knobs["fusion"]): r.runtime.run_ms_p50
        for r in hot
        if r.role == "measured" and r.runtime
    }
    blocks = sorted({block for block, _ in p50})
    logs = [math.log((p50[block, "on"] or 0) / (p50[block, "off"] or 0)) for block in blocks]
    assert (row["n_trials"], row["run_ms_p50_ratio_blocks"]) == (2, 2)
    assert row["run_ms_p50_ratio"] == pytest.approx(math.exp(sum(logs) / 2))
    assert row["run_ms_p50_ratio_low"] < row["run_ms_p50_ratio"] < row["run_ms_p50_ratio_high"]


def test_run_order_is_random_seeded_and_recorded(good_run: Run, good_records: list[Record]) -> None:
    """Trap 11: another seed gives another order, the same seed the same one, and each record has its position."""
    order = [record.trial_id for record in sorted(good_records, key=lambda record: record.meta.position)]
    assert order == [trial.trial_id for trial in good_run.design.trials]
    assert {record.meta.seed for record in good_records} == {good_run.design.seed}

    def cold_order(seed: int) -> list[str]:
        trials = make_design(resolve_study(small_study().model_copy(update={"seed": seed}))).trials
        return [trial.cell_id for trial in trials if trial.mode == "cold"]

    orders = [cold_order(seed) for seed in range(12)]
    assert orders == [cold_order(seed) for seed in range(12)]
    assert len(set(map(tuple, orders))) > 2


def test_percentiles_are_interpolated_over_kept_raw_samples(good_run: Run, good_records: list[Record]) -> None:
    """Trap 11: the percentiles of every hot record follow from its side file by linear interpolation."""
    checked = 0
    for record in good_records:
        if record.mode == "hot":
            assert record.runtime and record.runtime.samples
            lines = map(json.loads, (good_run.out / str(record.runtime.samples.file)).read_text().splitlines())
            bursts = next(line["bursts_ms"] for line in lines if line["trial_id"] == record.trial_id)
            samples = [sample for burst in bursts for sample in burst]
            told = [getattr(record.runtime, f"run_ms_p{percent}") for percent in (50, 90, 95, 99)]
            assert told == pytest.approx(list(np.percentile(samples, [50, 90, 95, 99], method="linear")))
            checked += 1
    assert checked == 8


def test_threads_and_cpus_are_read_back_from_their_users(good_records: list[Record]) -> None:
    """Trap 12: with OMP_NUM_THREADS=5 around a study of one thread, records hold what was set and what was in force."""
    for record in good_records:
        assert record.meta.environment["OMP_NUM_THREADS"] == "5"
        assert record.meta.threads == ({"torch": 1} if record.config.compiler == "eager" else {"torch": 1, "tvm": 1})
        assert record.meta.cpus is not None
        assert record.meta.machine.cpus is not None
        assert len(record.meta.cpus) == 1
        assert set(record.meta.cpus) <= set(record.meta.machine.cpus)


def test_thread_variable_set_too_late_is_not_taken_as_thread_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trap 12: the libraries are asked, so that a variable which came after they were loaded changes only itself."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", str(before + 3))
    assert environment_variables()["OMP_NUM_THREADS"] == str(before + 3)
    assert EagerCompiler().threads_in_force() == {"torch": before}


def test_memory_is_measured_beside_estimate(good: Tidy, good_records: list[Record]) -> None:
    """Trap 13: each measured record has planned bytes and what the process really took, or why that is not known."""
    for record in good_records:
        assert record.runtime
        measured = record.runtime.peak_rss_delta_bytes
        assert measured is not None or "peak_rss_delta_bytes" in record.runtime.reasons
        if record.role != "reference":
            assert record.compile
            assert record.compile.planned_bytes is not None or "compiler_planned_bytes" in record.compile.reasons
    columns = summarise_groups(without_priming_runs(good.trials), group_columns(good)).columns
    assert {"planned_bytes_median", "peak_rss_delta_bytes_median"} <= set(columns)


def test_memory_outside_every_estimate_is_measured(bench: Bench) -> None:
    """Trap 13: a compiler plans 0 bytes and takes 192 MiB, and the record says both."""
    block = bench.block(["use memory"])
    result = run_cold(block, *block.trials[0], bench.server).result
    assert result.runtime is not None
    assert result.compile is not None
    if result.runtime.peak_rss_compile_bytes is None:
        pytest.skip("this kernel does not let a process reset its peak resident set")
    assert result.compile.compiler_planned_bytes == 0
    assert result.runtime.peak_rss_compile_bytes > 180 * MEBIBYTE


class Operations(TorchDispatchMode):  # type: ignore[misc]
    """The names of all torch operations that run inside."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


def test_compiled_run_uses_inputs_and_weights_without_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 14: binding hands over every tensor once, at its own address; a run hands over and copies nothing."""
    import tvm

    x = torch.rand(1, 4, 8)
    request = make_request(make_program(Stack(2), (x,)), tmp_path, partition="regions")
    executable = TvmCompiler().compile(request)
    given: list[int] = []
    hand_over = tvm.runtime.from_dlpack

    def watched(tensor: Any) -> Any:
        given.append(tensor.data_ptr())
        taken = hand_over(tensor)
        assert torch.from_dlpack(taken).data_ptr() == tensor.data_ptr()
        return taken

    monkeypatch.setattr(tvm.runtime, "from_dlpack", watched)
    bound = executable.bind((x,))
    bound.run()
    (output,) = bound.outputs()
    at_binding = list(given)
    assert len(at_binding) > 2 * 10  # two blocks, each with its weights
    with Operations() as operations:
        for _ in range(20):
            bound.run()
    assert operations.names == []
    assert given == at_binding
    assert bound.outputs()[0].data_ptr() == output.data_ptr() in given


class WatchedEager(EagerCompiler):
    """Eager, with every binding and every run written down."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.operations: set[str] = set()
        self.bound: list[Sequence[torch.Tensor]] = []

    def compile(self, request: CompileRequest) -> Executable:
        inner = super().compile(request)
        self.facts = inner.facts
        self._inner = inner
        return self

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        self.events.append("bind")
        self.bound.append(inputs)
        self._run = self._inner.bind(inputs)
        return WatchedRun(self, self._run)


class WatchedRun:
    def __init__(self, owner: WatchedEager, inner: BoundRun) -> None:
        self._owner, self._inner = owner, inner

    def run(self) -> None:
        self._owner.events.append("run")
        with Operations() as operations:
            self._inner.run()
        self._owner.operations |= set(operations.names)

    def outputs(self) -> tuple[torch.Tensor, ...]:
        return self._inner.outputs()


def test_hot_trial_binds_inputs_once_before_first_iteration(bench: Bench, tmp_path: Path) -> None:
    """Trap 14: one binding a draw, of the prepared tensors; warm-up and bursts only run, and copy nothing."""
    resolved = resolve_study(small_study())
    study, design = resolved.study, make_design(resolved)
    program = load_program(ResultDirectory(bench.directory).program(resolved, design.cells[0]))
    compiler = WatchedEager()
    task = make_task(
        tmp_path, mode="hot", threads=torch.get_num_threads(), seed=study.seed, checks=study.checks, cache_dir=None
    )
    result = run_here(task, compiler, program, study.protocol.hot, None)
    assert result.status == "ok", result
    assert [tuple(map(id, inputs)) for inputs in compiler.bound] == [
        tuple(map(id, d.inputs)) for d in program.input_sets
    ]
    timed = compiler.events[len(compiler.events) - compiler.events[::-1].index("bind") :]
    assert timed.count("run") == len(timed) > 5  # so many on the busiest machine
    assert compiler.operations
    assert not [name for name in compiler.operations if "copy" in name or "clone" in name]
