import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ablatrix.compilers.adapter import CompileFacts
from ablatrix.compilers.cache import CacheCounters, Scope, TaskCache
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.errors import UnsupportedError
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import Function, make_program, make_request

INPUT = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
BLOCKS = 2
Cell = tuple[str, str, str, str]
Matrix = dict[Cell, tuple[float, CompileFacts, CacheCounters]]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every primary configuration of one program: worst error, facts, cache answers."""
    torch.manual_seed(0)
    module = Stack(BLOCKS)
    program = make_program(module, (INPUT,))
    expected = module(INPUT)
    compiler = TvmCompiler()
    compiler.set_threads(1)
    cells = {}
    for partition, reuse, plan, fusion in itertools.product(
        ("whole", "regions"), ("keep", "release"), ("off", "on"), ("off", "on")
    ):
        request = make_request(
            program,
            tmp_path_factory.mktemp("cell"),
            {"memory_plan": plan, "fusion": fusion},
            partition=partition,  # type: ignore[arg-type]
            reuse=reuse,  # type: ignore[arg-type]
        )
        executable = compiler.compile(request)
        bound = executable.bind((INPUT,))
        bound.run()
        bound.run()  # a second run must not depend on what the first left behind
        error = (bound.outputs()[0] - expected).abs().max().item()
        assert set(request.clock.milliseconds) == {"import", "compile", "link", "load"}
        cells[partition, reuse, plan, fusion] = (error, executable.facts, request.cache.counters)
    return cells


def test_tvm_in_every_primary_configuration_agrees_with_eager(matrix: Matrix) -> None:
    assert len(matrix) == 16
    assert all(error < 1e-5 for error, _, _ in matrix.values())


def test_tvm_regions_compile_equal_blocks_once(matrix: Matrix) -> None:
    for (partition, *_), (_, _, counters) in matrix.items():
        repeated = 0 if partition == "whole" else BLOCKS - 1
        assert counters == CacheCounters(hits_memory=repeated, misses=1)


def test_tvm_memory_plan_lowers_planned_bytes(matrix: Matrix) -> None:
    for partition, reuse, fusion in itertools.product(("whole", "regions"), ("keep", "release"), ("off", "on")):
        off = matrix[partition, reuse, "off", fusion][1].compiler_planned_bytes
        on = matrix[partition, reuse, "on", fusion][1].compiler_planned_bytes
        assert on is not None
        assert off is not None
        assert 0 < on < off
        estimate = matrix[partition, reuse, "on", fusion][1].estimator
        assert estimate is not None
        assert estimate["planned_bytes"] == pytest.approx(on, rel=1e-3)
        assert estimate["unplanned_bytes"] > estimate["planned_bytes"]


def test_tvm_fusion_lowers_generated_calls_and_partition_keeps_them(matrix: Matrix) -> None:
    calls = {cell: facts.generated_calls or 0 for cell, (_, facts, _) in matrix.items()}
    for partition, reuse, plan in itertools.product(("whole", "regions"), ("keep", "release"), ("off", "on")):
        assert calls[partition, reuse, plan, "on"] < calls[partition, reuse, plan, "off"]
        assert calls["whole", reuse, plan, "off"] == calls["regions", reuse, plan, "off"]


def test_tvm_knobs_all_change_generated_code(matrix: Matrix) -> None:
    digests = {facts.artifact_digest for _, facts, _ in matrix.values()}
    assert len(digests) == 16


def test_tvm_facts_survive_cache_hit(tmp_path: Path) -> None:
    program = make_program(Stack(2), (INPUT,))
    knobs = {"memory_plan": "on", "fusion": "on"}
    first = make_request(program, tmp_path, knobs, partition="regions", scope=Scope())
    built = TvmCompiler().compile(first)
    second = make_request(program, tmp_path, knobs, TaskCache(tmp_path / "cache"), partition="regions")
    found = TvmCompiler().compile(second)
    assert second.cache.counters == CacheCounters(hits_memory=1, hits_disk=1)
    assert found.facts == built.facts
    one, other = built.bind((INPUT,)), found.bind((INPUT,))
    one.run()
    other.run()
    assert torch.equal(one.outputs()[0], other.outputs()[0])


def test_tvm_damaged_cache_entry_is_counted_and_rebuilt(tmp_path: Path) -> None:
    program = make_program(Stack(1), (INPUT,))
    built = TvmCompiler().compile(make_request(program, tmp_path))
    (library,) = (tmp_path / "cache").glob("*/artifact.so")
    copy = library.read_bytes()
    library.unlink()  # the loaded library stays mapped; writing into it would crash this process
    library.write_bytes(copy[:-8] + b"\0" * 7 + b"!")
    request = make_request(program, tmp_path)
    again = TvmCompiler().compile(request)
    assert request.cache.counters == CacheCounters(misses=1, fails=1)
    assert again.facts == built.facts


def test_tvm_pass_timing_compiles_separately_and_changes_no_code(tmp_path: Path) -> None:
    program = make_program(Stack(1), (INPUT,))
    plain = make_request(program, tmp_path, {"pass_timing": "off"}, scope=Scope())
    observed = make_request(program, tmp_path, {"pass_timing": "on"}, scope=Scope())
    without, with_observer = TvmCompiler().compile(plain), TvmCompiler().compile(observed)
    assert observed.cache.counters == CacheCounters(hits_disk=1)
    assert without.facts.pass_ms is None
    assert with_observer.facts.pass_ms is not None
    assert {"LegalizeOps", "PassDestinations", "LowerAllocTensor"} <= set(with_observer.facts.pass_ms)
    assert all(milliseconds >= 0 for milliseconds in with_observer.facts.pass_ms.values())
    assert "compile" not in observed.clock.milliseconds
    assert with_observer.facts.artifact_digest == without.facts.artifact_digest


def test_tvm_threads_are_set_and_read_back() -> None:
    """In a process of its own: TVM's pool never has more threads than there were processors when it was first used."""
    asked = (
        "from ablatrix.compilers.tvm.compiler import TvmCompiler\n"
        "compiler = TvmCompiler()\n"
        "for threads in (2, 1):\n"
        "    compiler.set_threads(threads)\n"
        "    print(compiler.threads_in_force())\n"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == ["{'torch': 2, 'tvm': 2}", "{'torch': 1, 'tvm': 1}"]


@pytest.mark.parametrize(("schedule", "library"), [("vectorised", "off"), ("default", "on"), ("vectorised", "on")])
def test_tvm_secondary_knobs_agree_with_eager_and_survive_cache(tmp_path: Path, schedule: str, library: str) -> None:
    module = Stack(2)
    program = make_program(module, (INPUT,))
    compiler = TvmCompiler()
    compiler.set_threads(2)
    set_before = compiler.threads_in_force()
    knobs = {"schedule": schedule, "library": library, "fusion": "on", "memory_plan": "on"}
    for _ in range(2):
        request = make_request(program, tmp_path, knobs, partition="regions")
        bound = compiler.compile(request).bind((INPUT,))
        bound.run()
        assert torch.allclose(bound.outputs()[0], module(INPUT), atol=1e-5)
    assert request.cache.counters == CacheCounters(hits_memory=1, hits_disk=1)
    assert compiler.threads_in_force() == ({**set_before, "tvm": 1} if library == "on" else set_before)
    compiler.set_threads(1)


def test_tvm_library_calls_fewer_generated_kernels(tmp_path: Path) -> None:
    program = make_program(Stack(1), (INPUT,))
    calls: list[int] = []
    for library in ("off", "on"):
        request = make_request(program, tmp_path, {"library": library, "fusion": "on"})
        calls.append(TvmCompiler().compile(request).facts.generated_calls or 0)
    assert 0 < calls[1] < calls[0]


def test_tvm_operation_missing_in_frontend_is_unsupported(tmp_path: Path) -> None:
    program = make_program(Function(torch.special.bessel_j0), (INPUT,))
    with pytest.raises(UnsupportedError, match="bessel"):
        TvmCompiler().compile(make_request(program, tmp_path))
