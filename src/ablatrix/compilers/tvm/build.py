"""From one task to a loaded library: key, cache, import, passes, code generation, link, load."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tvm
from tvm.support import cc

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.built_task import TaskFacts
from ablatrix.compilers.built_task import source_digest as digest_source
from ablatrix.compilers.catalogue import SettingValue
from ablatrix.compilers.dump import TaskDump
from ablatrix.compilers.passes import PassRun, total_ms
from ablatrix.compilers.reasons import reason_of
from ablatrix.compilers.settings import NO_SETTINGS, Applied
from ablatrix.compilers.tvm.importing import import_task
from ablatrix.compilers.tvm.passes import SEQUENCE, pass_observer
from ablatrix.compilers.tvm.pipeline import Lowered, Options, lower
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.workloads.onnx.operation import data_inputs
from ablatrix.workloads.program import TaskProgram


def host_target(settings: Applied = NO_SETTINGS) -> Any:
    """Return LLVM for the processor that this runs on, with the attributes and options that a study sets."""
    given = {name: _attribute(name, value) for name, value in settings.building("target").items()}
    # A name has its type behind it, and a value its type before it: TVM wants name:type=value.
    options = [f"-{name.partition(':')[0]}:{value}" for name, value in settings.building("llvm").items()]
    return tvm.target.Target(
        {
            "kind": "llvm",
            "mcpu": tvm.target.codegen.llvm_get_system_cpu(),
            **given,
            **({"cl-opt": options} if options else {}),
        }
    )


def _attribute(name: str, value: SettingValue) -> Any:
    return [one.strip() for one in str(value).split(",")] if name == "mattr" else value


def source_digest() -> str:
    """Return the SHA-256 of our own passes and of how they are driven."""
    return digest_source(Path(__file__).parent)


def key_facts(options: Options, target: Any) -> dict[str, Any]:
    """Return what TVM's code depends on beyond the task."""
    return {
        "target": str(target),
        "options": {name: value for name, value in asdict(options).items() if name != "settings"},
        "tvm": tvm.__version__,
        "passes": source_digest(),
    }


def build_task(request: CompileRequest, task: TaskProgram, options: Options, key: str) -> tuple[Path, TaskFacts]:
    """Build a task's library.

    Raises:
        UnsupportedError: TVM's frontend does not have one of its operations.
        CompilerError: TVM failed on the task.
    """
    file = request.work_dir / f"{key}.so"
    try:
        return file, _compile(request, task, options, file)
    except Exception as error:  # TVM raises errors of many kinds, Python's own among them
        if isinstance(error, UnsupportedError):
            raise
        if "Unsupported function type" in str(error):
            raise UnsupportedError(f"tvm cannot import task {task.kind}: {reason_of(error)}") from error
        raise CompilerError(f"tvm failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}") from error


def time_passes(request: CompileRequest, task: TaskProgram, options: Options) -> dict[str, float]:
    """Compile a task once more under an observer; return milliseconds by pass. Nothing built is kept."""
    return total_ms(list_passes(request, task, options, changes=False))


def list_passes(request: CompileRequest, task: TaskProgram, options: Options, *, changes: bool = True) -> list[PassRun]:
    """Compile a task under an observer, and return every run of a pass, in order. Nothing built is kept.

    Args:
        request: What the task is part of.
        task: The task.
        options: The options that the knobs set.
        changes: Whether it is found out which runs changed the module.
    """
    target = host_target(options.settings)
    observer, watch = pass_observer(changes=changes)
    module = import_task(request, task)
    with target, options.context(observer):
        _generate(lower(module, options, task.upper_bounds), target)
    return [replace(one, switchable=one.within == SEQUENCE) for one in watch.runs]


def _compile(request: CompileRequest, task: TaskProgram, options: Options, file: Path) -> TaskFacts:
    clock, dump, target = request.clock, TaskDump.of(request, task), host_target(options.settings)
    with clock.phase("import"):
        module = import_task(request, task)
    dump.text("before", "imported.py", "Relax, as imported.", lambda: str(module.script()))
    with clock.phase("compile"), target, options.context():
        lowered = lower(module, options, task.upper_bounds)
        dump.text("after", "lowered.py", "Relax and TIR after all passes.", lambda: str(lowered.module.script()))
        executable = _generate(lowered, target)
        dump.text("code", "machine.txt", "What TVM's virtual machine executes: calls of kernels.", executable.as_text)
        dump.text("code", "kernels.ll", "LLVM's IR of the generated kernels.", lambda: _code(executable, "ll"))
        dump.text("code", "kernels.s", "Assembly of the generated kernels.", lambda: _code(executable, "s"))
        _export(executable, file, clock)
    return TaskFacts(
        generated_calls=lowered.generated_calls,
        generated_kernels=lowered.generated_kernels,
        planned_bytes=lowered.planned_bytes,
        estimator=lowered.estimator,
        reasons=lowered.reasons,
        loading={"destinations": list(lowered.destinations), "inputs": data_inputs(task.exported)},
    )


def _generate(lowered: Lowered, target: Any) -> Any:
    return tvm.compile(lowered.module, target=target, relax_pipeline=None)


def _code(executable: Any, form: str) -> str:
    return "\n".join(one.inspect_source(form) for one in executable.mod.imports if one.kind == "llvm")


def _export(executable: Any, file: Path, clock: PhaseClock) -> None:
    """Emit machine code and link it into a shared library; only the linking counts as ``link``."""

    def link(output: str, objects: list[str], **_options: Any) -> None:
        with clock.phase("link"):
            # These objects hold no C++, so the compiler's start files and libraries are omitted.
            command = [_linker(), "-shared", "-fPIC", "-nostdlib", "-o", output, *objects, "-lm", "-lc"]
            subprocess.run(command, check=True, capture_output=True, text=True)

    executable.export_library(str(file), fcompile=link)


def _linker() -> str:
    """Return the host's C++ compiler, as it is named or found.

    Raises:
        FileNotFoundError: There is none, which is no fault of what is compiled.
    """
    name = cc.get_cc()
    if name is None or shutil.which(name) is None:
        looked = f"'{name}' of CXX or CC is not there" if name else "no g++, gcc, clang++ or clang in PATH"
        raise FileNotFoundError(f"No working C++ compiler found: {looked}; install one, or name it in CXX")
    return str(name)
