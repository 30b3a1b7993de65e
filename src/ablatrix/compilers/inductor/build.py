"""From one task to its artifact: Inductor's frontend, its lowering and scheduling, the C++ compiler, packing."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sympy
import torch
from torch._functorch import config as functorch_config
from torch._inductor import compile_fx, config, ir
from torch._inductor.codecache import PyCodeCache
from torch._inductor.cpp_builder import CppTorchDeviceOptions, get_cpp_compiler
from torch._inductor.cpu_vec_isa import pick_vec_isa
from torch._inductor.scheduler import ExternKernelSchedulerNode, FusedSchedulerNode, SchedulerNode
from torch._inductor.utils import fresh_cache

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.built_task import TaskFacts, source_digest
from ablatrix.compilers.dump import TaskDump
from ablatrix.compilers.inductor.artifact import Call, pack
from ablatrix.compilers.inductor.destination_passing import pass_destinations
from ablatrix.compilers.inductor.left_out import decomposition_table, left_out
from ablatrix.compilers.inductor.options import Options
from ablatrix.compilers.inductor.own_passes import inserted_passes, run_first
from ablatrix.compilers.inductor.passes import fused_groups, observe_passes, watch_passes
from ablatrix.compilers.inductor.toolchain import cache_directory
from ablatrix.compilers.inductor.wrapper import allocated_bytes, canonical_source, kernel_names, kernel_sources
from ablatrix.compilers.passes import PassRun
from ablatrix.compilers.reasons import reason_of
from ablatrix.errors import CompilerError
from ablatrix.workloads.program import TaskProgram

ITEM_SIZES = {str(one): one.itemsize for one in vars(torch).values() if isinstance(one, torch.dtype)}
ALIAS = (
    "memory_planning places the buffers of a task in pools whatever allow_buffer_reuse says: inside a task 'reuse' "
    "switches only inplace_buffers here"
)
NOT_STORED = (
    "packed weights cannot be stored, so what is in the cache holds the code without its weights, and each process "
    "that runs a task compiles it; a disk cache saves no time at 'weights: constant'"
)


def key_facts(options: Options) -> dict[str, Any]:
    """Return what Inductor's code depends on beyond the task."""
    return {
        "switches": options.switches(),
        "instruction_set": str(pick_vec_isa()),
        "cpp_compiler": cpp_compiler(),
        "adapter": source_digest(Path(__file__).parent),
    }


@cache
def cpp_compiler() -> str:
    """Return the first line of the C++ compiler's text on its version."""
    done = subprocess.run([get_cpp_compiler(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.partition("\n")[0]


def compile_here(request: CompileRequest, task: TaskProgram, options: Options) -> Call:
    """Return a task's entry as Inductor compiles it in this process, for code that is not stored whole.

    Raises:
        CompilerError: Inductor failed on the task.
    """
    return made_here(request, task, options).call


def made_here(request: CompileRequest, task: TaskProgram, options: Options) -> Made:
    """Return a task as Inductor compiles it in this process.

    Raises:
        CompilerError: Inductor failed on the task.
    """
    return _compile(request, task, options, Seen(task), TaskDump(None, task.kind, request.clock))


def build_task(request: CompileRequest, task: TaskProgram, options: Options, key: str) -> tuple[Path, TaskFacts, Call]:
    """Build a task's artifact, and return its entry in this process with it.

    Raises:
        CompilerError: Inductor failed on the task.
    """
    seen = Seen(task)
    dump = TaskDump.of(request, task)
    made = _compile(request, task, options, seen, dump)
    code = made.code
    dump.text("after", "wrapper.py", "The program that Inductor generates.", lambda: str(code.source_code))
    dump.text("code", "kernels.cpp", "The C++ in it, by kernel.", lambda: kernel_sources(code.source_code))
    with request.clock.phase("link"):
        source = canonical_source(code.source_code)
        kernels = [getattr(made.module, name) for name in kernel_names(code.source_code)]
        file = request.work_dir / f"{key}.zip"
        pack(file, source, [Path(kernel.__self__.__file__) for kernel in kernels])
    planned = None if options.cpp_wrapper else allocated_bytes(source, task.upper_bounds, ITEM_SIZES)
    reasons = {"estimator": "Inductor has no estimate of its own beside the allocations in its code"}
    if planned is None or seen.extern_bytes is None:
        reasons["compiler_planned_bytes"] = (
            "allocations in a C++ wrapper are not read"
            if options.cpp_wrapper
            else "a size depends on a dimension without an upper bound"
        )
    if options.memory_plan:
        reasons["reuse"] = ALIAS
    if options.constant_weights:
        reasons["weights"] = NOT_STORED
    facts = TaskFacts(
        generated_calls=seen.nests,
        generated_kernels=len(kernels),
        planned_bytes=None if planned is None or seen.extern_bytes is None else planned + seen.extern_bytes,
        reasons=reasons,
        loading=made.sizes.assumed(),
        # The libraries hold the paths of their sources; the wrapper holds these sources.
        code_digest=digest_value(
            {"wrapper": source, "for": str(pick_vec_isa()), "by": cpp_compiler(), **_flags(options)}
        ),
    )
    return file, facts, made.call


@dataclass(frozen=True)
class Made:
    """A task as Inductor compiled it: its ``CompiledFxGraph``, the module of its wrapper, and its sizes."""

    code: Any
    module: Any
    sizes: Sizes

    @property
    def call(self) -> Call:
        """The wrapper's entry: it takes a list of tensors, which it empties."""
        call: Call = self.module.call
        return call


def compile_seen(request: CompileRequest, task: TaskProgram, options: Options, seen: Seen, dump: TaskDump) -> str:
    """Compile a task in this process, looked at by ``seen``, and return the wrapper that Inductor generates."""
    return str(_compile(request, task, options, seen, dump).code.source_code)


def _compile(request: CompileRequest, task: TaskProgram, options: Options, seen: Seen, dump: TaskDump) -> Made:
    try:
        with cache_directory(request.work_dir / "inductor"), _quiet():
            with request.clock.phase("import"):
                module, inputs = pass_destinations(task.exported)
                sizes = Sizes.of(inputs)
            dump.text("before", "graph.py", "The FX graph, outputs among its inputs.", lambda: readable(module))
            code = _generate(module, inputs, options, seen, request.clock, dump)
    except Exception as error:  # Inductor raises errors of many kinds
        raise CompilerError(f"inductor failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}") from error
    if code.constants and not options.constant_weights:
        raise CompilerError(f"inductor keeps constants of task {task.kind} out of its code: {sorted(code.constants)}")
    return Made(code, next(one for one in reversed(PyCodeCache.modules) if one.key == code.cache_key), sizes)


def _flags(options: Options) -> dict[str, Any]:
    """Return the flags of the C++ compiler, for which a study's settings may be, and which no source shows."""
    if "config" not in options.settings.kinds:
        return {}
    with config.patch(options.switches()):
        flags = CppTorchDeviceOptions(vec_isa=pick_vec_isa(), device_type="cpu")
        return {"flags": [*flags.get_cflags(), *flags.get_definitions(), *flags.get_passthrough_args()]}


def time_passes(request: CompileRequest, task: TaskProgram, options: Options) -> dict[str, float]:
    """Compile a task once more under an observer; return milliseconds by pass. Nothing built is kept.

    What Inductor keeps in memory from the first compile is dropped before, so that the C++ compiler runs again.
    """
    apart = PhaseClock()
    with fresh_cache(dir=str(request.work_dir)), _quiet(), watch_passes() as milliseconds:
        module, inputs = pass_destinations(task.exported)
        _generate(module, inputs, options, Seen(task), apart, TaskDump(None, task.kind, apart))
    return milliseconds


def list_passes(request: CompileRequest, task: TaskProgram, options: Options) -> list[PassRun]:
    """Compile a task once more under observers; return passes of graphs, lowerings and fusions. Nothing is kept."""
    apart, seen = PhaseClock(), SeenGroups(task)
    with fresh_cache(dir=str(request.work_dir)), _quiet(), observe_passes() as runs:
        module, inputs = pass_destinations(task.exported)
        _generate(module, inputs, options, seen, apart, TaskDump(None, task.kind, apart))
    return [*runs, *seen.groups]


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="copyreg")
        yield


def readable(module: torch.fx.GraphModule) -> str:
    """Return a graph as Python, with the type of each value."""
    return str(module.print_readable(print_output=False, include_stride=True))


def _generate(
    module: torch.fx.GraphModule, inputs: list[Any], options: Options, seen: Seen, clock: PhaseClock, dump: TaskDump
) -> Any:
    """Return Inductor's ``CompiledFxGraph``; its frontend counts as ``import``, the rest as ``compile``."""
    made: list[Any] = []
    run_first(options.settings, module)

    def compile_graph(graph: Any, examples: Sequence[Any], **keywords: Any) -> Any:
        dump.text("before", "traced.py", "The graph as AOTAutograd gives it on.", lambda: readable(graph))
        with clock.phase("compile"):
            made.append(compile_fx.compile_fx_inner(graph, examples, **keywords))
        return made[-1]

    switches = {**options.switches(), **inserted_passes(options.settings, seen.look_at)}
    with (
        clock.phase("import"),
        torch.no_grad(),
        config.patch(switches),
        functorch_config.patch(enable_autograd_cache=False),
        left_out(options.settings),
    ):
        table = decomposition_table(options.settings)
        compile_fx.compile_fx(module, inputs, inner_compile=compile_graph, decompositions=table)
    (code,) = made
    return code


@dataclass
class Seen:
    """What the scheduler has after fusion, read by a pass that changes nothing.

    Attributes:
        nests: Loop nests that code is generated for.
        extern_bytes: What calls out of the wrapper allocate for their results; None when a size has no bound.
    """

    task: TaskProgram
    nests: int = 0
    extern_bytes: int | None = 0

    def look_at(self, nodes: list[Any]) -> list[Any]:
        """Count, and return the nodes unchanged."""
        for node in nodes:
            if isinstance(node, (SchedulerNode, FusedSchedulerNode)):
                self.nests += 1
            elif isinstance(node, ExternKernelSchedulerNode):
                made = node.node
                if isinstance(made, (ir.ExternKernelAlloc, ir.MultiOutput)) and isinstance(made.layout, ir.FixedLayout):
                    self._add(made.layout)
        return nodes

    def _add(self, layout: Any) -> None:
        size = sympy.sympify(layout.storage_size() * layout.dtype.itemsize)
        bounds = self.task.upper_bounds
        at_bound = size.subs({symbol: bounds[str(symbol)] for symbol in size.free_symbols if str(symbol) in bounds})
        known = self.extern_bytes is not None and at_bound.is_Integer
        self.extern_bytes = (self.extern_bytes or 0) + int(at_bound) if known else None


@dataclass
class SeenGroups(Seen):
    """The same, and which operators were fused.

    Attributes:
        groups: A run of the scheduler's fusion for each loop nest of several operators.
    """

    groups: list[PassRun] = field(default_factory=list)

    def look_at(self, nodes: list[Any]) -> list[Any]:
        """Note the groups, and return the nodes unchanged."""
        self.groups += fused_groups(nodes)
        return super().look_at(nodes)


@dataclass(frozen=True)
class Sizes:
    """Dynamic sizes of a task, and what Inductor assumed about them while it compiled.

    ``torch.compile`` would check such an assumption before each call and compile anew; here whoever binds inputs
    checks it, and refuses sizes that the code was not made for.
    """

    locations: dict[str, list[int]]
    environment: Any
    before: int

    @classmethod
    def of(cls, inputs: Sequence[Any]) -> Sizes:
        """Find an input and an axis for each symbol, and note what was assumed before."""
        locations: dict[str, list[int]] = {}
        for index, tensor in enumerate(inputs):
            for axis, size in enumerate(tensor.shape):
                if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol:
                    locations.setdefault(str(size.node.expr), [index, axis])
        environment = inputs[0].fake_mode.shape_env
        return cls(locations, environment, 0 if environment is None else len(environment.guards))

    def assumed(self) -> dict[str, Any]:
        """Return the locations, and the assumptions as text, for the loader."""
        guards = [] if self.environment is None else self.environment.guards[self.before :]
        return {"locations": self.locations, "guards": [str(guard.expr) for guard in guards]}
