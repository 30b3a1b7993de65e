import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers import task_building
from ablatrix.compilers.cache import CacheCounters, Scope, TaskCache, task_key
from ablatrix.compilers.task_building import complete_key_facts
from ablatrix.compilers.tvm import build
from ablatrix.compilers.tvm.build import host_target, key_facts
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.compilers.tvm.pipeline import Options
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import Function, make_program, make_request
from ablatrix.workloads.program import TaskProgram

X = torch.ones(2, 6)
OPTIONS = Options(kill=False, memory_plan=False, fusion=False, vectorised=False, library=False)


def make_task(
    function: Callable[..., Any], directory: Path, x: torch.Tensor = X, bounds: dict[str, int] | None = None
) -> TaskProgram:
    shapes = None if bounds is None else (({0: torch.export.Dim("n", min=2, max=64)},),)
    program = make_program(Function(function), (x,), shapes)
    if bounds is not None:
        (symbol,) = program.lowered.range_constraints
        bounds = {str(symbol): bounds["n"]}
    return make_request(program, directory, bounds=bounds).tasks[0]


def key(task: TaskProgram, options: Options = OPTIONS, target: Any = None) -> str:
    return task_key(complete_key_facts(task, key_facts(options, target or host_target())))


def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_key_of_same_task_with_renamed_nodes_is_same(tmp_path: Path) -> None:
    def double_under_other_names(y: torch.Tensor) -> torch.Tensor:
        unused = y + 5  # noqa: F841 - shifts the numbers in node names
        return y * 2

    one, other = make_task(double, tmp_path), make_task(double_under_other_names, tmp_path)
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda d: make_task(lambda x: x * 3, d), id="constant"),
        pytest.param(lambda d: make_task(lambda x: x + 2, d), id="operation"),
        pytest.param(lambda d: make_task(double, d, torch.ones(2, 7)), id="shape"),
        pytest.param(lambda d: make_task(double, d, X.double()), id="dtype"),
        pytest.param(lambda d: make_task(double, d, torch.ones(6, 2).t()), id="strides"),
        pytest.param(lambda d: make_task(double, d, bounds={"n": 64}), id="dynamic dimension"),
    ],
)
def test_key_of_other_program_misses(tmp_path: Path, changed: Callable[[Path], TaskProgram]) -> None:
    assert key(changed(tmp_path)) != key(make_task(double, tmp_path))


def test_key_with_other_upper_bound_misses(tmp_path: Path) -> None:
    narrow, wide = (make_task(double, tmp_path, bounds={"n": bound}) for bound in (32, 64))
    assert key(narrow) != key(wide)


def test_key_contains_inlined_constant(tmp_path: Path) -> None:
    task = make_task(double, tmp_path)
    keys = set()
    for value in (1.0, 2.0):
        exported = make_task(double, tmp_path).exported
        exported.constants["table"] = torch.tensor([value])
        keys.add(key(replace(task, exported=exported)))
    assert len(keys | {key(task)}) == 3


@pytest.mark.parametrize("knob", ["kill", "memory_plan", "fusion", "vectorised", "library"])
def test_key_with_other_code_knob_misses(tmp_path: Path, knob: str) -> None:
    task = make_task(double, tmp_path)
    changed: dict[str, Any] = {knob: True}
    assert key(task, replace(OPTIONS, **changed)) != key(task)


def test_key_with_other_target_misses(tmp_path: Path) -> None:
    import tvm

    task = make_task(double, tmp_path)
    assert key(task, target=tvm.target.Target({"kind": "llvm", "mcpu": "x86-64"})) != key(task)


@pytest.mark.parametrize("package", ["tvm", "torch", "ablatrix"])
def test_key_with_other_version_misses(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(double, tmp_path)
    before = key(task)
    if package == "ablatrix":
        monkeypatch.setattr(task_building, "version", lambda _name: "99")
    else:
        monkeypatch.setattr(sys.modules[package], "__version__", "99")
    assert key(task) != before


def test_key_with_other_source_of_own_passes_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(double, tmp_path)
    before = key(task)
    monkeypatch.setattr(build, "source_digest", lambda: "other")
    assert key(task) != before


def test_key_is_shared_between_observers_and_cache_names(tmp_path: Path) -> None:
    program = make_program(Function(double), (X,))
    TvmCompiler().compile(make_request(program, tmp_path, scope=Scope()))
    again = make_request(program, tmp_path, {"pass_timing": "off", "cache_tag": "other"}, scope=Scope())
    TvmCompiler().compile(again)
    assert again.cache.counters == CacheCounters(hits_disk=1)


def build_stack(directory: Path, seed: int) -> list[Any]:
    """Compile a stack whose weights are drawn from a seed; return digests of its code and keys, misses and hits."""
    directory.mkdir(exist_ok=True)
    torch.manual_seed(seed)
    program = make_program(Stack(2), (torch.ones(1, 4, 8),))
    knobs = {"fusion": "on", "memory_plan": "on", "schedule": "vectorised"}
    request = make_request(program, directory, knobs, partition="regions")
    facts = TvmCompiler().compile(request).facts
    counters = request.cache.counters
    return [facts.artifact_digest, request.cache.key_set_digest, counters.misses, counters.hits_disk]


PROCESS = """
import json, sys
from pathlib import Path
from tests.compilers.test_tvm_key import build_stack

fresh, filled = map(Path, sys.argv[1:])
print(json.dumps([build_stack(fresh, seed=1), build_stack(filled, seed=0)]))
"""


def test_key_in_other_process_finds_entry_and_generates_same_code(tmp_path: Path) -> None:
    mine = build_stack(tmp_path / "mine", seed=0)
    command = [sys.executable, "-W", "ignore", "-c", PROCESS, str(tmp_path / "theirs"), str(tmp_path / "mine")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    theirs, found = json.loads(done.stdout.splitlines()[-1])
    assert theirs == mine  # other weights: they are arguments, not code
    assert mine[2:] == [1, 0]
    assert found == [*mine[:2], 0, 1]


def test_process_cache_counts_its_keys(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path / "cache")
    program = make_program(Stack(3), (torch.ones(1, 4, 8),))
    TvmCompiler().compile(make_request(program, tmp_path, cache=cache, partition="regions"))
    assert cache.key_set_size == 1
    assert cache.counters.hits_memory == 2
