"""Time by kernel in TVM's virtual machine, and which nodes each kernel computes.

The virtual machine calls an instrument before and after each call. Which nodes a call computes is read from a second
lowering of the task, whose variables are named by node: Relax keeps the name of a variable through its passes, but for
what a fused function returns, which is found again by the kernel and the values that made it before fusion.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import tvm
from tvm import relax

from ablatrix.compilers.profiling import Executed, KernelTimes, ProfiledKernel, SourceValue, claims_by_dataflow
from ablatrix.compilers.profiling.marks import marks_in
from ablatrix.compilers.tvm.build import host_target
from ablatrix.compilers.tvm.importing import import_task
from ablatrix.compilers.tvm.pipeline import Options, lower
from ablatrix.workloads.onnx.operation import find_onnx

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.adapter import CompileRequest
    from ablatrix.compilers.tvm.compiler import TvmTask
    from ablatrix.workloads.program import TaskProgram

OWN = ("vm.builtin.", "_ffi.", "call_tir_dyn")
"""Beginnings of names of what the virtual machine does itself: allocation, shapes, views."""
KERNEL_CALLS = ("relax.call_tir", "relax.call_dps_packed", "relax.call_tir_inplace")
FUSE, REWRITE = "FuseOps", "CallTIRRewrite"


class TvmProfiler:
    """A task in a virtual machine that reports each call.

    Args:
        request: What the task is part of.
        options: Of the configuration.
        task: Its nodes are marked.
        loaded: The task, in a virtual machine of its own.
        mapped: Whether kernels are mapped to nodes.
    """

    def __init__(
        self, request: CompileRequest, options: Options, task: TaskProgram, loaded: TvmTask, *, mapped: bool
    ) -> None:
        self._loaded = loaded
        self._claims = _claims(request, options, task) if mapped else []
        self._calls: list[list[tuple[str, int]]] = []
        self._walls: list[float] = []
        self._since = 0
        self._loaded.machine.set_instrument(self._see)

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that keeps the times of its kernels."""
        call = self._loaded.bind(inputs, outputs)

        def run() -> None:
            self._calls.append([])
            since = perf_counter_ns()
            call()
            self._walls.append((perf_counter_ns() - since) / 1e6)

        return run

    def begin(self) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """Nothing is to be done."""

    def read(self) -> KernelTimes:
        """Return the times of all calls; kernels are mapped where they are those that the task was lowered to."""
        names = [name for name, _ in self._calls[0]] if self._calls else []
        claims = [nodes for _, nodes in self._claims]
        if names != [name for name, _ in self._claims]:
            claims = [frozenset()] * len(names)
        return KernelTimes(
            kernels=tuple(
                ProfiledKernel(name=name, nodes=tuple(sorted(nodes))) for name, nodes in zip(names, claims, strict=True)
            ),
            times_ms=tuple(tuple(time / 1e6 for _, time in calls) for calls in self._calls),
            walls_ms=tuple(self._walls),
        )

    def _see(self, _function: Any, name: str, before: bool, _result: Any, *_arguments: Any) -> int:
        if name.startswith(OWN):
            return 0
        if before:
            self._since = perf_counter_ns()
        else:
            self._calls[-1].append((str(name), perf_counter_ns() - self._since))
        return 0


def _claims(request: CompileRequest, options: Options, task: TaskProgram) -> list[tuple[str, frozenset[int]]]:
    """Return the kernels that a task is lowered to, in the order of their calls, with the nodes of each."""
    if find_onnx(task.exported) is not None:
        return []
    module = import_task(request, task, named=True)
    snapshots: dict[str, Any] = {}

    @tvm.ir.instrument.pass_instrument
    class Watch:
        def run_before_pass(self, module: Any, info: Any) -> None:
            if str(info.name) in (FUSE, REWRITE):
                snapshots[f"before {info.name}"] = module

        def run_after_pass(self, module: Any, info: Any) -> None:
            if str(info.name) == FUSE:
                snapshots["fused"] = module

    imported = module["main"]
    with host_target(options.settings), options.context(Watch()):
        lower(module, options, task.upper_bounds)
    final = snapshots.get(f"before {REWRITE}")
    if final is None:
        return []
    source = {
        name: SourceValue(nodes=marks_in(name), reads=_reads(value))
        for name, value in _bindings(imported)
        if marks_in(name)
    }
    originals: dict[str, tuple[str, ...]] = {}
    if "fused" in snapshots:
        originals = _originals(snapshots[f"before {FUSE}"], snapshots["fused"])
    calls = [(name, value) for name, value in _bindings(final["main"]) if _callee(value)]
    executed = [Executed(writes=originals.get(name, (name,)), reads=_known(value, originals)) for name, value in calls]
    claims = claims_by_dataflow(executed, source)
    return [(_callee(value), nodes) for (_, value), nodes in zip(calls, claims, strict=True)]


def _originals(before: Any, fused: Any) -> dict[str, tuple[str, ...]]:
    """Return, for each variable of a fused module, the variables that it computes as they were called before."""
    unfused: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, value in _bindings(before["main"]):
        if _callee(value):
            unfused.setdefault((_callee(value), _reads(value)), []).append(name)
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _bindings(fused["main"]):
        if not isinstance(value, relax.Call) or not isinstance(value.op, tvm.ir.GlobalVar):
            continue
        function = fused[value.op]
        given: dict[str, str] = {}  # a constant has no name
        for parameter, argument in zip(function.params, value.args, strict=True):
            name_of = str(argument.name) if isinstance(argument, relax.Var) else ""
            given[str(parameter.name)] = found.get(name_of, (name_of,))[-1]
        inner: list[str] = []
        for made, held in _bindings(function):
            if not _callee(held):
                continue
            reads = tuple(filter(None, (given.get(one, one) for one in _reads(held))))
            same = unfused.get((_callee(held), reads), [])
            original = made if made in same or not same else same.pop(0)
            given[made] = original
            inner.append(original)
        found[name] = tuple(inner) or (name,)
    return found


def _bindings(function: Any) -> list[tuple[str, Any]]:
    return [(str(one.var.name), one.value) for block in function.body.blocks for one in block.bindings]


def _callee(value: Any) -> str:
    """Return the name of the kernel that a value is a call of; empty where it is none."""
    if not isinstance(value, relax.Call) or getattr(value.op, "name", "") not in KERNEL_CALLS:
        return ""
    called = value.args[0]
    return str(called.name_hint if isinstance(called, tvm.ir.GlobalVar) else called.global_symbol)


def _reads(value: Any) -> tuple[str, ...]:
    """Return the names of the variables that a value reads, in order."""
    if isinstance(value, relax.Var):
        return (str(value.name),)
    if isinstance(value, relax.Tuple):
        return tuple(name for field in value.fields for name in _reads(field))
    if isinstance(value, relax.TupleGetItem):
        return _reads(value.tuple_value)
    if isinstance(value, relax.Call):
        return tuple(name for argument in value.args for name in _reads(argument))
    return ()


def _known(value: Any, originals: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(one for name in _reads(value) for one in originals.get(name, (name,)))
