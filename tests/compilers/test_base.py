"""The base of compilers that work task by task: its hooks, and what becomes part of a key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.canonical import digest_bytes
from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.compilers.cache import CacheCounters, Scope
from ablatrix.compilers.catalogue import CACHE_TAG, SHIPPED, TVM, CompilerEntry, Level
from ablatrix.compilers.catalogue.knobs import reuse_between_tasks
from ablatrix.compilers.task_building import OWN_WEIGHTS, digest_tensor
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.errors import UnsupportedError
from ablatrix.testing.programs import Stack, make_gates
from ablatrix.testing.requests import Function, make_program, make_request
from ablatrix.workloads.program import Program, TaskProgram

WITH_KNOBS = [entry for entry in SHIPPED.values() if entry.knobs]
ENTRY = CompilerEntry(
    name="toy",
    summary="A toy.",
    modules=("torch",),
    extra="",
    adapter="toy:Toy",
    knobs=(reuse_between_tasks("toy"), CACHE_TAG),
)


class Toy(TaskwiseCompiler[int]):
    """Builds a file for each task and runs the task in torch; its options are the level of its knob ``level``."""

    name = "toy"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def preload(self) -> None:
        self.calls.append("preload")

    def versions(self) -> Mapping[str, str]:
        return {"toy": "1"}

    def set_threads(self, threads: int) -> None:
        self.calls.append(f"set_threads {threads}")

    def threads_in_force(self) -> Mapping[str, int]:
        return {"toy": 1}

    def options(self, request: CompileRequest) -> int:
        self.calls.append("options")
        return int(request.knobs.get("level", 0))

    def key_facts(self, request: CompileRequest, options: int, task: TaskProgram) -> Mapping[str, Any]:
        self.calls.append(f"key_facts {task.kind}")
        return {"level": options}

    def build(self, request: CompileRequest, options: int, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        self.calls.append(f"build {task.kind}")
        file = request.work_dir / f"{key}.txt"
        file.write_text(f"{task.fingerprint} at level {options}", encoding="utf-8")
        return file, TaskFacts(generated_calls=2, planned_bytes=64 * (task.kind + 1))

    def load(self, request: CompileRequest, options: int, built: Sequence[BuiltTask]) -> list[Any]:
        self.calls.append(f"load {len(built)} in {request.clock.current}")
        return [ToyTask(task) for task in request.tasks]


class ToyTask:
    def __init__(self, task: TaskProgram) -> None:
        self._run = task.exported.module(check_guards=False)

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Any:
        def run() -> None:
            for given, made in zip(outputs, self._run(*inputs), strict=True):
                given.copy_(made)

        return run


class Extended(Toy):
    """Has one more knob, of which the adapter that it derives from knows nothing."""


class ExtendedTvm(TvmCompiler):
    """The same of an adapter that comes with ablatrix."""


@pytest.fixture
def stack() -> Program:
    torch.manual_seed(0)
    return make_program(Stack(3), (torch.ones(1, 4, 8),))


def keys_of(compiler: Toy, program: Program, directory: Path, **knobs: Level) -> tuple[str, CacheCounters]:
    request = make_request(program, directory, knobs, scope=Scope.of(ENTRY, compiler, knobs))
    compiler.compile(request)
    return request.cache.key_set_digest, request.cache.counters


def test_compile_calls_each_hook_in_order_and_phase(stack: Program, tmp_path: Path) -> None:
    compiler = Toy()
    request = make_request(stack, tmp_path, partition="regions", threads=2)
    executable = compiler.compile(request)
    assert compiler.calls == ["options", "set_threads 2", "key_facts 0", "build 0", "load 1 in load"]
    assert executable.facts.generated_calls == 6  # two of each of the three equal blocks
    assert executable.facts.compiler_planned_bytes == 64
    assert request.cache.counters == CacheCounters(hits_memory=2, misses=1)


def test_compiled_tasks_run_as_program(stack: Program, tmp_path: Path) -> None:
    x = torch.randn(1, 4, 8)
    bound = Toy().compile(make_request(stack, tmp_path, partition="regions")).bind((x,))
    bound.run()
    assert torch.allclose(bound.outputs()[0], stack.exported.module()(x), atol=1e-3)


def test_task_in_cache_is_not_rebuilt(stack: Program, tmp_path: Path) -> None:
    first, second = Toy(), Toy()
    facts = [one.compile(make_request(stack, tmp_path)).facts for one in (first, second)]
    assert facts[0] == facts[1]
    assert [call for call in second.calls if call.startswith("build")] == []


def test_tasks_with_constant_weights_are_told_apart_by_them(stack: Program, tmp_path: Path) -> None:
    x = torch.randn(1, 4, 8)
    request = make_request(stack, tmp_path, {"weights": "constant"}, partition="regions")
    executable = Toy().compile(request)
    bound = executable.bind((x,))
    bound.run()
    assert torch.allclose(bound.outputs()[0], stack.exported.module()(x), atol=1e-3)
    assert request.cache.counters == CacheCounters(misses=3)
    assert [len(task.exported.graph_signature.user_inputs) for task in request.tasks] == [1, 1, 1]
    assert [task.parameter_inputs for task in request.tasks] == [(), (), ()]
    assert executable.facts.reasons == {"distinct_tasks": OWN_WEIGHTS}


@pytest.mark.parametrize(("level", "misses"), [("input", [1, 0]), ("constant", [1, 1])])
def test_weights_are_in_key_and_digest_where_they_are_constants(level: str, misses: list[int], tmp_path: Path) -> None:
    found: list[int] = []
    digests: set[str] = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        request = make_request(make_program(Stack(1), (torch.ones(1, 4, 8),)), tmp_path, {"weights": level})
        facts = Toy().compile(request).facts
        assert OWN_WEIGHTS not in facts.reasons.values()
        found.append(request.cache.counters.misses)
        digests.add(facts.artifact_digest)
    assert found == misses
    assert len(digests) == sum(misses)


def test_blocks_with_equal_weights_are_one_task_with_constants(tmp_path: Path) -> None:
    module, x = make_gates()
    first, *others = module.layers
    for one in others:
        one.linear = first.linear
    program = make_program(module, (x,))
    request = make_request(program, tmp_path, {"weights": "constant"}, partition="regions")
    bound = Toy().compile(request).bind((x,))
    bound.run()
    assert request.plan.distinct_tasks == 1
    assert torch.allclose(bound.outputs()[0], module(x), atol=1e-5)


def test_digest_of_tensor_is_that_of_its_bytes() -> None:
    assert digest_tensor(torch.tensor(1.0)) == digest_bytes(b"\0\0\x80?")
    assert digest_tensor(torch.tensor([[1, 2], [3, 4]], dtype=torch.uint8).t()) == digest_bytes(b"\1\3\2\4")


@pytest.mark.parametrize(("knob", "level"), [("reuse", "release"), ("cache_tag", "other")])
def test_knob_that_changes_no_code_leaves_keys_unchanged(stack: Program, tmp_path: Path, knob: str, level: str) -> None:
    keys, _ = keys_of(Toy(), stack, tmp_path)
    assert keys_of(Toy(), stack, tmp_path, **{knob: level}) == (keys, CacheCounters(hits_disk=1))


def test_knob_added_by_subclass_is_in_its_keys(stack: Program, tmp_path: Path) -> None:
    found = [keys_of(Extended(), stack, tmp_path, unroll=level) for level in ("off", "on", 4)]
    assert len({keys for keys, _ in found}) == 3
    assert [counters for _, counters in found] == [CacheCounters(misses=1)] * 3


def test_knob_added_to_shipped_adapter_is_in_its_keys(tmp_path: Path) -> None:
    program = make_program(Function(lambda x: x * 2), (torch.ones(2, 6),))
    scopes = [Scope.of(TVM, ExtendedTvm(), {"unroll": level}) for level in ("off", "on")]
    requests = [make_request(program, tmp_path, dict(scope.knobs), scope=scope) for scope in scopes]
    facts = [ExtendedTvm().compile(request).facts for request in requests]
    assert len({request.cache.key_set_digest for request in requests}) == 2
    assert [request.cache.counters for request in requests] == [CacheCounters(misses=1)] * 2
    assert facts[0].artifact_digest == facts[1].artifact_digest  # the digest is that of the code


def test_compilers_with_different_names_share_no_entry(stack: Program, tmp_path: Path) -> None:
    scopes = [Scope.of(entry, Toy(), {}) for entry in (ENTRY, replace(ENTRY, name="renamed"))]
    requests = [make_request(stack, tmp_path, scope=scope) for scope in scopes]
    for request in requests:
        Toy().compile(request)
    assert requests[0].cache.key_set_digest != requests[1].cache.key_set_digest


def test_subclass_shares_no_entry_with_its_base(stack: Program, tmp_path: Path) -> None:
    assert keys_of(Toy(), stack, tmp_path)[0] != keys_of(Extended(), stack, tmp_path)[0]


@pytest.mark.parametrize("entry", WITH_KNOBS, ids=lambda entry: entry.name)
def test_scope_of_shipped_compiler_has_every_knob_that_affects_code(entry: CompilerEntry) -> None:
    scope = Scope.of(entry, Toy(), {**entry.defaults(), "unknown": 3})
    assert set(scope.knobs) == {"unknown", *(knob.name for knob in entry.knobs if knob.affects == "code")}


def test_compiler_without_observer_refuses_pass_timing(stack: Program, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="'toy' has no observer"):
        Toy().compile(make_request(stack, tmp_path, {"pass_timing": "on"}))


def test_import_of_adapters_imports_no_framework() -> None:
    modules = ["ablatrix.compilers.base", *(entry.adapter.partition(":")[0] for entry in WITH_KNOBS)]
    frameworks = ("torch", "tvm", "onnxruntime", "jax", "openvino", "numpy")
    code = f"import sys, {', '.join(modules)}\nprint(sorted(set({frameworks}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
