"""From one task to a loaded library: key, cache, import, passes, code generation, link, load."""

from __future__ import annotations

import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import tvm
from tvm.support import cc

from ablatrix.canonical import digest_bytes, digest_value
from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.cache import task_key
from ablatrix.compilers.tvm.pipeline import PASS_CONFIG, Lowered, Options, lower, pass_observer
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.workloads.capture import capture
from ablatrix.workloads.program import TaskProgram


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is known of one built task; it is stored beside the library, so that a cache hit tells the same.

    Attributes:
        destinations: Outputs that the function writes in place, in the order of its last parameters.
        generated_calls, generated_kernels, planned_bytes, estimator, reasons: See ``pipeline.Lowered``.
    """

    destinations: list[int]
    generated_calls: int
    generated_kernels: int
    planned_bytes: int | None
    estimator: dict[str, float] | None
    reasons: dict[str, str]

    @classmethod
    def from_lowered(cls, lowered: Lowered) -> TaskFacts:
        """Take over what was read from the program."""
        return cls(
            list(lowered.destinations),
            lowered.generated_calls,
            lowered.generated_kernels,
            lowered.planned_bytes,
            lowered.estimator,
            lowered.reasons,
        )


@dataclass(frozen=True, slots=True)
class BuiltTask:
    """A task's key in the cache, its library on disk, the library's digest, and what is known of the task."""

    key: str
    library: Path
    digest: str
    facts: TaskFacts


def host_target() -> Any:
    """Return LLVM for the processor that this runs on."""
    return tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})


@cache
def source_digest() -> str:
    """Return the SHA-256 of our own passes and of how they are driven."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return digest_value({file.name: digest_bytes(file.read_bytes()) for file in files})


def key_facts(task: TaskProgram, options: Options, target: Any) -> dict[str, Any]:
    """Return everything that a task's generated code depends on, as plain values."""
    exported = task.exported
    structure = asdict(capture(exported, task.upper_bounds))
    for node in structure["nodes"]:
        del node["region"]  # where a task stood in its model says nothing about its code
    constants = {**exported.state_dict, **exported.constants}
    return {
        "compiler": "tvm",
        "structure": structure,
        "upper_bounds": dict(task.upper_bounds),
        "constants": {name: _digest_tensor(tensor) for name, tensor in sorted(constants.items())},
        "target": str(target),
        "options": asdict(options),
        "versions": {"tvm": tvm.__version__, "torch": torch.__version__, "ablatrix": version("ablatrix")},
        "passes": source_digest(),
    }


def build_task(request: CompileRequest, task: TaskProgram, options: Options) -> BuiltTask:
    """Return a task's library, from the cache where it is there.

    Raises:
        UnsupportedError: TVM's frontend does not have one of its operations.
        CompilerError: TVM failed on the task.
    """
    target = host_target()
    with request.clock.phase("load"):
        facts = key_facts(task, options, target)
        key = task_key(facts)
        entry = request.cache.get(key)
    if entry is None:
        file = request.work_dir / f"{key}.so"
        try:
            extra = asdict(_compile(task, options, target, file, request.clock))
        except Exception as error:  # TVM raises errors of many kinds, Python's own among them
            if "Unsupported function type" in str(error):
                raise UnsupportedError(f"tvm cannot import task {task.kind}: {error}") from error
            raise CompilerError(f"tvm failed on task {task.kind} ({task.fingerprint}): {error}") from error
        with request.clock.phase("link"):
            entry = request.cache.put(key, facts, file, extra)
    return BuiltTask(key, entry.path, entry.digest, TaskFacts(**entry.extra))


def time_passes(task: TaskProgram, options: Options) -> dict[str, float]:
    """Compile a task once more under an observer; return milliseconds by pass. Nothing of it is kept."""
    target = host_target()
    observer, milliseconds = pass_observer()
    module = _import(task)
    with target, tvm.transform.PassContext(config=PASS_CONFIG, instruments=[observer]):
        _generate(lower(module, options, task.upper_bounds), target)
    return milliseconds


def _compile(task: TaskProgram, options: Options, target: Any, file: Path, clock: PhaseClock) -> TaskFacts:
    with clock.phase("import"):
        module = _import(task)
    with clock.phase("compile"), target, tvm.transform.PassContext(config=PASS_CONFIG):
        lowered = lower(module, options, task.upper_bounds)
        _export(_generate(lowered, target), file, clock)
    return TaskFacts.from_lowered(lowered)


def _import(task: TaskProgram) -> Any:
    from tvm.relax.frontend.torch import from_exported_program

    return from_exported_program(task.exported, run_ep_decomposition=False)


def _generate(lowered: Lowered, target: Any) -> Any:
    return tvm.compile(lowered.module, target=target, relax_pipeline=None)


def _export(executable: Any, file: Path, clock: PhaseClock) -> None:
    """Emit machine code and link it into a shared library; only the linking counts as ``link``."""

    def link(output: str, objects: list[str], **_options: Any) -> None:
        with clock.phase("link"):
            # Nothing of C++ is in these objects, so the compiler's start files and libraries are left out.
            command = [cc.get_cc(), "-shared", "-fPIC", "-nostdlib", "-o", output, *objects, "-lm", "-lc"]
            subprocess.run(command, check=True, capture_output=True, text=True)

    executable.export_library(str(file), fcompile=link)


def _digest_tensor(tensor: torch.Tensor) -> str:
    return digest_bytes(tensor.detach().contiguous().cpu().view(torch.uint8).numpy().tobytes())
