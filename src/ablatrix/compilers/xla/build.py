"""From one task to its artifact: torchax, lowering, XLA's passes, the serialised executable."""

from __future__ import annotations

import os
import pickle
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.built_task import TaskFacts, source_digest
from ablatrix.compilers.catalogue import SettingValue
from ablatrix.compilers.dump import TaskDump
from ablatrix.compilers.passes import PassRun, total_ms, with_times
from ablatrix.compilers.reasons import reason_of
from ablatrix.compilers.xla.client import platform_version
from ablatrix.compilers.xla.frontend import import_torchax
from ablatrix.compilers.xla.module import read_module
from ablatrix.compilers.xla.options import Options
from ablatrix.compilers.xla.passes import DUMPED, EVERY_PASS, read_dumps, watch_passes
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.workloads.program import Program, TaskProgram

Shapes = tuple[tuple[int, ...], ...]

LOOP = "the module has a loop or a branch, and how often its body runs depends on data"
SHOWN_BY_VALUE = ("xla_backend_optimization_level", "xla_cpu_enable_fast_math")
"""Flags of LLVM's work that are knobs of every configuration: they are in digests as they are set."""
REASONS = {"estimator": "XLA plans exactly and makes no estimate beside the plan"}


def key_facts(options: Options, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return what a task's code depends on beyond the task.

    Args:
        options: The options that the knobs set.
        sizes: Size of each of the task's symbols that the code is for.
    """
    return {
        "options": options.compiler_options(),
        "flags": os.environ.get("XLA_FLAGS", ""),
        # The partition of work among threads is part of the generated code.
        "threads": options.threads,
        "sizes": dict(sizes),
        "processor": {name: str(value) for name, value in sorted(torch.cpu.get_capabilities().items())},
        "platform": platform_version(),
        "jax": version("jax"),
        "jaxlib": version("jaxlib"),
        "torchax": version("torchax"),
        "adapter": source_digest(Path(__file__).parent),
    }


def compiled_sizes(program: Program, task: TaskProgram) -> dict[str, int]:
    """Return the size of each of a task's symbols that it is compiled for: the one that is timed, or else the bound."""
    timed = program.facts.timed_sizes
    sizes = {}
    for symbol, bound in task.upper_bounds.items():
        size = timed.get(program.symbol_names.get(symbol, ""))
        sizes[symbol] = bound if size is None else min(size, bound)
    return sizes


def build_task(request: CompileRequest, task: TaskProgram, options: Options, key: str) -> tuple[Path, TaskFacts]:
    """Build a task's executable for its ``compiled_sizes``.

    Raises:
        UnsupportedError: An operation has no translation to JAX.
        CompilerError: torchax or XLA failed on the task.
    """
    from jax.experimental import serialize_executable

    shapes = input_shapes(task, compiled_sizes(request.program, task))
    dump = TaskDump.of(request, task)
    with request.clock.phase("import"):
        lowered = lower_task(task, shapes)
    dump.text("before", "stablehlo.mlir", "StableHLO, as JAX lowers the task.", lowered.as_text)
    dump.text("before", "module.hlo", "The same as a module of XLA.", lambda: lowered.as_text("hlo"))
    with request.clock.phase("compile"):
        compiled = compile_lowered(task, lowered, options.compiler_options())
    dump.text("after", "optimised.hlo", "The module after XLA's passes, scheduled.", compiled.as_text)
    dump.text("code", "kernels.ll", "LLVM's IR of the kernels, optimised.", lambda: kernels(task, lowered, options))
    with request.clock.phase("link"):
        file = request.work_dir / f"{key}.xla"
        file.write_bytes(pickle.dumps(serialize_executable.serialize(compiled)))
        module = read_module(compiled.as_text())
        planned = compiled.memory_analysis()
    generated = ""
    if "flag" in options.settings.kinds:  # LLVM's part of the code, which flags may be for, is in no text of the module
        with request.clock.uncounted("code"):
            generated = kernels(task, lowered, options)
    missing = dict(REASONS)
    if module.calls is None:
        missing |= {"generated_calls": LOOP, "generated_kernels": LOOP}
    if planned is None:
        missing["compiler_planned_bytes"] = "this client of XLA gives no analysis of memory"
    return file, TaskFacts(
        generated_calls=module.calls,
        generated_kernels=module.kernels,
        planned_bytes=None if planned is None else int(planned.temp_size_in_bytes),
        reasons=missing,
        loading={"shapes": [list(shape) for shape in shapes]},
        # The text of a module does not show what LLVM does; that follows from the options.
        code_digest=_digest(module.digest, options, generated),
    )


def time_passes(request: CompileRequest, task: TaskProgram, options: Options) -> dict[str, float]:
    """Compile a task once more under an observer; return milliseconds by pass. Nothing built is kept."""
    return total_ms(_timed(request, task, _lowered(request, task), options))


def list_passes(request: CompileRequest, task: TaskProgram, options: Options) -> list[PassRun]:
    """Return every run of a pass of HLO on a task, in order. It is compiled twice: for times, and for what changed."""
    lowered = _lowered(request, task)
    timed = _timed(request, task, lowered, options)
    directory = tempfile.mkdtemp(prefix="modules-", dir=request.work_dir)
    observed = {**options.compiler_options(), "xla_dump_to": directory, DUMPED: EVERY_PASS}
    compile_lowered(task, lowered, observed)
    return with_times(read_dumps(Path(directory)), timed)


def _lowered(request: CompileRequest, task: TaskProgram) -> Any:
    return lower_task(task, input_shapes(task, compiled_sizes(request.program, task)))


def _timed(request: CompileRequest, task: TaskProgram, lowered: Any, options: Options) -> list[PassRun]:
    with watch_passes(Path(tempfile.mkdtemp(prefix="passes-", dir=request.work_dir))) as runs:
        compile_lowered(task, lowered, options.compiler_options())
    return runs


def kernels(task: TaskProgram, lowered: Any, options: Options) -> str:
    """Return LLVM's IR of a task's kernels, which XLA writes only to files: it is compiled once more for them."""
    with tempfile.TemporaryDirectory(prefix="ablatrix-xla-") as directory:
        compile_lowered(task, lowered, {**options.compiler_options(), "xla_dump_to": directory})
        files = sorted(Path(directory).glob("*.ir-with-opt.ll"))
        return "\n".join(file.read_text(encoding="utf-8") for file in files)


def load_task(file: Path) -> Any:
    """Return the executable in a file that ``build_task`` has made; nothing is compiled."""
    from jax.experimental import serialize_executable

    return serialize_executable.deserialize_and_load(*pickle.loads(file.read_bytes()))


def lower_task(task: TaskProgram, shapes: Shapes) -> Any:
    """Return a task, traced and lowered by JAX for inputs of the given shapes.

    Raises:
        UnsupportedError: An operation has no translation to JAX.
        CompilerError: torchax or JAX failed.
    """
    export = import_torchax()
    import jax
    from torchax.ops.mappings import t2j_dtype

    dtypes = [one.dtype for one in _output_types(task)]
    inputs = [
        jax.ShapeDtypeStruct(shape, t2j_dtype(kind.dtype))
        for shape, kind in zip(shapes, _input_types(task), strict=True)
    ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _names, states, function = export.exported_program_to_jax(task.exported, export_raw=True)
        constants = [jax.numpy.asarray(as_numpy(state.detach())) for state in states]

        def run(*arrays: Any) -> tuple[Any, ...]:
            given = function(constants, arrays)
            return tuple(
                jax.numpy.asarray(one, dtype=t2j_dtype(dtype)) for one, dtype in zip(given, dtypes, strict=True)
            )

        return jax.jit(run).lower(*inputs)
    except AssertionError as error:  # what torchax raises, with the operator alone, when it has no lowering
        raise UnsupportedError(
            f"an operation of task {task.kind} has no translation to JAX: {reason_of(error)}"
        ) from error
    except Exception as error:  # torchax and JAX have no common error
        reason = reason_of(error).partition("\n")[0]
        raise CompilerError(f"task {task.kind} ({task.fingerprint}) cannot be lowered by JAX: {reason}") from error


def as_numpy(tensor: torch.Tensor) -> Any:
    """Return a tensor's memory as an array of numpy; bfloat16 is that of ml_dtypes, which JAX comes with.

    Raises:
        TypeError: numpy has no such type.
    """
    if tensor.dtype != torch.bfloat16:
        return tensor.numpy()
    import ml_dtypes

    return tensor.view(torch.uint16).numpy().view(ml_dtypes.bfloat16)


def compile_lowered(task: TaskProgram, lowered: Any, options: Mapping[str, SettingValue]) -> Any:
    """Return the task, compiled with options of XLA.

    Raises:
        CompilerError: XLA failed.
    """
    try:
        return lowered.compile(compiler_options=dict(options))
    except Exception as error:  # XLA's errors come as several types of jaxlib
        raise CompilerError(f"xla failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}") from error


def input_shapes(task: TaskProgram, sizes: Mapping[str, int]) -> Shapes:
    """Return the shape of each input with its symbols at the given sizes."""
    return tuple(tuple(_size(one, sizes) for one in kind.shape) for kind in _input_types(task))


def _input_types(task: TaskProgram) -> Sequence[torch.Tensor]:
    names = set(task.exported.graph_signature.user_inputs)
    return [node.meta["val"] for node in task.exported.graph.nodes if node.op == "placeholder" and node.name in names]


def _output_types(task: TaskProgram) -> Sequence[torch.Tensor]:
    return [node.meta["val"] for node in task.exported.graph.output_node().args[0]]


def _size(size: Any, sizes: Mapping[str, int]) -> int:
    if isinstance(size, int):
        return size
    expression = size.node.expr
    return int(expression.subs({symbol: sizes[str(symbol)] for symbol in expression.free_symbols}))


def _digest(module: str, options: Options, generated: str) -> str:
    flags = options.settings.building("flag")
    code = {name: flags.get(name) for name in SHOWN_BY_VALUE}
    return digest_value({"module": module, "code": code, **({"generated": generated} if generated else {})})
