"""CUDA in a worker, as far as it shows without a GPU: refusals for real, the rest with stand-ins for CUDA's own calls.

``test_on_a_gpu`` has what needs one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import ClassVar

import jsonschema
import pytest
import torch

from ablatrix.compilers.catalogue import EAGER, INDUCTOR, SHIPPED
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import TrialError, UnsupportedError
from ablatrix.records.fast_reader import QuickReader
from ablatrix.records.gpu import Gpu
from ablatrix.records.journal import record_line
from ablatrix.records.noise import Noise
from ablatrix.records.schema import record_schema_text, validate_line
from ablatrix.study.design import make_design
from ablatrix.study.model import HotProtocol
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.host import gpu
from ablatrix.trials.host.environment import NoiseProbe, disturbance
from ablatrix.trials.host.limits import describe_exception
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.recording import Scene, make_record
from ablatrix.trials.worker import cuda
from ablatrix.trials.worker.cuda import Cuda, CudaRun, find_refusal
from ablatrix.trials.worker.monologue import run_here
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program
from ablatrix.workloads.shipped import SHIPPED as SHIPPED_WORKLOADS
from tests.cli.conftest import run_ablatrix
from tests.trials import on_cuda
from tests.trials.conftest import Bench, make_task, small_study
from tests.trials.test_gpu import IDLE
from tests.trials.test_worker_limits import run_task

L2_BYTES = 4096
PEAK_BYTES = 12345


class Event:
    """The host's clock in place of the device's."""

    calls: ClassVar[list[str]]

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing
        self.at = 0.0

    def record(self) -> None:
        self.at = perf_counter()
        self.calls.append("event")

    def elapsed_time(self, later: Event) -> float:
        return (later.at - self.at) * 1e3


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Stand-ins for the calls of CUDA, in the order in which they come; the host plays the device."""
    made: list[str] = []
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for name in ("init", "synchronize", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda name=name: made.append(name))
    found = SimpleNamespace(name="Stand-in", total_memory=2**34, L2_cache_size=L2_BYTES, uuid="12")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: PEAK_BYTES)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(Event, "calls", made, raising=False)
    monkeypatch.setattr("torch.export.passes.move_to_device_pass", lambda program, device: program)
    monkeypatch.setattr(cuda, "DEVICE", "cpu")
    monkeypatch.setattr(gpu, "SOURCES", {"nvml": lambda uuid: {**IDLE, "limited_by": ["sw_power_cap"]}})
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [part.allow_tf32 for part in switches]
    for part in switches:
        part.allow_tf32 = True
    yield made
    for part, allowed in zip(switches, before, strict=True):
        part.allow_tf32 = allowed


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    yield prepare("mlp", {"layers": 1, "hidden": 16, "batch": 2}, input_sets=2)


# Refusals, for real.


def test_device_with_torch_without_cuda_is_refused_with_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert find_refusal() == f"torch {torch.__version__} is built without CUDA"


def test_device_that_is_not_visible_is_refused_with_what_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert str(find_refusal()).startswith("no CUDA device is visible, or torch ")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert str(find_refusal()).startswith("no CUDA device is visible with CUDA_VISIBLE_DEVICES=-1, or torch ")


def test_reference_without_gpu_is_unsupported_in_forked_worker(bench: Bench) -> None:
    result = run_task(bench, "none", entry=EAGER, knobs={}, device="cuda")
    if result.gpu is not None:
        pytest.skip("this machine has a CUDA device")
    assert result.error is not None
    assert result.status == "unsupported"
    assert result.error.message == f"device 'cuda': {find_refusal()}"
    assert run_task(bench, "none").status == "ok"  # the server goes on as before


def test_compiler_that_does_not_declare_cuda_is_refused(bench: Bench) -> None:
    """It would run on the CPU, and be taken for the GPU."""
    result = run_task(bench, "none", device="cuda")
    assert result.status == "unsupported"
    assert result.error is not None
    assert (
        "compiler 'faulty' does not run on CUDA: its entry in the catalogue does not say that it does"
        in result.error.message
    )


def test_compiler_reason_precedes_device_and_opens_nothing(tmp_path: Path, calls: list[str], program: Program) -> None:
    class Other(EagerCompiler):
        name = "inductor"

    task = make_task(tmp_path, device="cuda", entry=INDUCTOR, knobs=INDUCTOR.defaults())
    result = run_here(task, Other(), program, HotProtocol(), None)
    assert result.status == "unsupported"
    assert result.error is not None
    assert INDUCTOR.cuda_unsupported in result.error.message
    assert calls == []


# With stand-ins.


def test_opening_device_reads_it_and_disables_tf32(calls: list[str]) -> None:
    opened = Cuda.open()
    assert calls == ["init", "synchronize"]
    assert opened.device == Gpu(name="Stand-in", memory_bytes=2**34, l2_bytes=L2_BYTES, count=2, driver="535.104.05")
    assert opened.watch.uuid == "GPU-12"
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_device_with_unknown_l2_cache_is_refused_for_timing(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(name="Stand-in", total_memory=1, L2_cache_size=0, uuid="12")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: found)
    with pytest.raises(TrialError, match="Stand-in: the size of its L2 cache is not reported"):
        Cuda.open()


def test_device_timer_has_events_per_run_after_flush_and_waits_once(calls: list[str]) -> None:
    inner = SimpleNamespace(run=lambda: calls.append("run"), outputs=lambda: ())
    run = CudaRun(inner, Cuda.open())
    run._flush = SimpleNamespace(zero_=lambda: calls.append("flush"))
    calls.clear()
    samples = run.time(3)
    assert calls == ["flush", "event", "run", "event"] * 3 + ["synchronize"]
    assert len(samples) == 3
    assert all(sample >= 0 for sample in samples)


def test_flush_buffer_is_twice_l2_cache(calls: list[str]) -> None:
    run = CudaRun(SimpleNamespace(run=lambda: None, outputs=lambda: ()), Cuda.open())
    run.time(1)
    assert run._flush is not None
    assert run._flush.numel() * run._flush.element_size() == 2 * L2_BYTES


def test_device_run_outside_timing_waits_for_device(calls: list[str]) -> None:
    run = CudaRun(SimpleNamespace(run=lambda: calls.append("run"), outputs=lambda: ()), Cuda.open())
    calls.clear()
    run.run()
    assert calls == ["run", "synchronize"]


def test_hot_trial_is_timed_on_device_and_checked_on_host(tmp_path: Path, calls: list[str], program: Program) -> None:
    protocol = HotProtocol(burst_ms=0.1, warm_up_ms=0.1)
    result = run_here(make_task(tmp_path, mode="hot", device="cuda"), EagerCompiler(), program, protocol, None)
    assert result.status == "ok", result.error
    runtime, correctness, gpu = result.runtime, result.correctness, result.gpu
    assert runtime is not None
    assert runtime.timed_by == "device"
    assert runtime.allocator_peak_bytes == PEAK_BYTES
    assert "allocator_peak_bytes" not in runtime.reasons
    assert correctness is not None
    assert correctness.ok is True
    assert correctness.checked == 2 * len(program.input_sets[0].expected)
    assert (result.versions or {})["cuda"] == "13.0"
    assert gpu is not None
    assert gpu.noise.readings >= 2
    assert calls.index("reset_peak_memory_stats") < calls.index("event")


def test_planned_trial_of_plugin_runs_on_device(tmp_path: Path, calls: list[str], program: Program) -> None:
    [entry] = on_cuda.COMPILERS
    knobs = {"passes": "twice"}
    task = make_task(tmp_path, device="cuda", role="measured", entry=entry, knobs=knobs)
    result = run_here(task, on_cuda.OnCudaCompiler(), program, HotProtocol(), None)
    assert result.status == "ok", result.error
    assert result.plan is not None
    assert result.plan.tasks >= 1
    assert result.compile is not None
    assert result.correctness is not None
    assert result.compile.artifact_digest == result.correctness.checked_digest


def test_gpu_study_plans_every_shipped_workload_on_plugin() -> None:
    done = run_ablatrix("design", Path(__file__).with_name("on_a_gpu.yaml"), "--json")
    assert done.returncode == 0, done.stderr.decode()
    cells = json.loads(done.stdout)["cells"]
    assert {cell["compiler"] for cell in cells} == {"eager", "on_cuda"}
    assert {cell["workload"] for cell in cells} == set(SHIPPED_WORKLOADS)


def test_cold_trial_ends_first_run_when_device_does(tmp_path: Path, calls: list[str], program: Program) -> None:
    result = run_here(make_task(tmp_path, device="cuda"), EagerCompiler(), program, HotProtocol(), None)
    assert result.status == "ok", result.error
    assert result.runtime is not None
    assert (result.runtime.run_ms_cold or 0.0) > 0
    assert calls[:4] == ["init", "synchronize", "reset_peak_memory_stats", "synchronize"]
    assert "event" not in calls


def test_record_has_device_gpu_clocks_and_disturbance(tmp_path: Path, calls: list[str], program: Program) -> None:
    study = small_study().model_copy(update={"device": "cuda"})
    design = make_design(resolve_study(study))
    trial = next(one for one in design.trials if (one.mode, one.role) == ("cold", "reference"))
    result = run_here(make_task(tmp_path, device="cuda"), EagerCompiler(), program, HotProtocol(), None)
    probe = NoiseProbe.read()
    assert result.gpu is not None
    noise = probe.until(probe, result.gpu.noise)
    cell = design.cell(trial.cell_id)
    outcome = Outcome(trial=trial, cell=cell, time_utc="2026-01-01T00:00:00Z", result=result, noise=noise)
    line = record_line(make_record(design, Scene.read(None), outcome, program.facts, EAGER, 0, None, "cuda"))
    record = validate_line(line)
    jsonschema.validate(json.loads(line), json.loads(record_schema_text()))
    assert QuickReader().read(line.encode()) is not None
    assert record.config.device == "cuda"
    assert record.meta.machine.gpu is not None and record.meta.machine.gpu.name == "Stand-in"
    assert record.meta.noise.gpu is not None and record.meta.noise.gpu.throttled_by == ["sw_power_cap"]
    assert record.meta.noise.disturbance == "throttled GPU: its clocks were slowed down by sw_power_cap"


def test_throttling_disturbs_but_unknown_throttling_does_not() -> None:
    quiet = dict.fromkeys(("load_average_before", "load_average_after", "steal_ms", "throttled_ms", "swapped_pages"))
    told = {"source": None, "reason": "none", "readings": 0, "before": None, "after": None}
    for throttled, disturbed in ((None, False), ([], False), (["hw_slowdown"], True)):
        noise = Noise.model_validate({**quiet, "gpu": {**told, "throttled_by": throttled}})
        assert (disturbance(noise, 1.0, 2) is not None) == disturbed


def test_program_weights_and_constants_are_moved_to_device(tmp_path: Path) -> None:
    """By the device ``meta``, which every torch has: nothing may be left on the CPU."""
    from ablatrix.compilers.adapter import CompileRequest, PhaseClock
    from ablatrix.compilers.cache import TaskCache
    from ablatrix.plan.plan import Plan, PlanOptions

    parameters = {"layers": 1, "hidden": 16, "heads": 2, "tokens": 8, "vocabulary": 32}
    moved = prepare("encoder", parameters, input_sets=1)  # of its own: the program is moved in place
    plan = Plan(PlanOptions(), (), (), 0, 0, 0, 0, 0)
    cache, clock = TaskCache(None), PhaseClock()
    request = CompileRequest(
        program=moved,
        graph=None,
        plan=plan,
        tasks=(),
        knobs={},
        cache=cache,
        clock=clock,
        threads=1,
        work_dir=tmp_path,
        device="meta",
    )
    bound = EagerCompiler().compile(request).bind([one.to("meta") for one in moved.input_sets[0].inputs])
    bound.run()
    assert {one.device.type for one in bound.outputs()} == {"meta"}
    assert {one.device.type for one in moved.exported.state_dict.values()} == {"meta"}


def test_gpu_out_of_memory_is_out_of_memory() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    assert describe_exception(error, "first_run")[0] == "out_of_memory"


def test_shipped_compilers_all_declare_whether_they_run_on_cuda() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cuda.md").read_text(encoding="utf-8")
    for entry in SHIPPED.values():
        if not entry.cuda_unsupported:
            entry.refuse_device("cuda")
            assert f"| `{entry.name}` | yes |" in page
            continue
        with pytest.raises(UnsupportedError, match="does not run on CUDA"):
            entry.refuse_device("cuda")
        entry.refuse_device("cpu")
        assert f"| `{entry.name}` | no: {entry.cuda_unsupported} |" in page
