"""Time by kernel in Inductor's wrapper, and which nodes of a task each call of a kernel computes.

The wrapper is Python: around each statement that calls a kernel a clock is read. Which nodes a call computes is read
from what the scheduler has after fusion, in one more compile of the task whose nodes are marked: the buffers that a
call is given say which of the scheduler's nodes it runs, and these say which nodes of the graph they compute.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import torch
from torch._inductor.utils import fresh_cache
from torch._inductor.virtualized import V

from ablatrix.compilers.adapter import PhaseClock
from ablatrix.compilers.dump import TaskDump
from ablatrix.compilers.inductor.artifact import load, wrapper_of
from ablatrix.compilers.inductor.build import Seen, compile_seen, made_here
from ablatrix.compilers.inductor.wrapper import COMPILER, canonical_source, kernel_names
from ablatrix.compilers.profiling import KernelTimes, ProfiledKernel, TaskGraph
from ablatrix.compilers.profiling.marks import is_view, node_marks

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import CompileRequest
    from ablatrix.compilers.built_task import BuiltTask
    from ablatrix.compilers.inductor.artifact import Call
    from ablatrix.compilers.inductor.compiler import InductorTask
    from ablatrix.compilers.inductor.options import Options
    from ablatrix.workloads.program import TaskProgram

CLOCK, KEEP = "_ablatrix_clock", "_ablatrix_keep"
LIBRARY = ("extern_kernels.", "torch.ops.", "aten.", "inductor_ops.", "mkldnn.")
"""Beginnings of what a wrapper calls to compute something, beside its own kernels."""
NO_KERNEL = ("torch.ops.inductor._reinterpret_tensor",)
BUFFER = re.compile(r"\b(?:buf|arg)\d+(?:_\d+)?\b")


@dataclass(frozen=True)
class KernelStatement:
    """A statement of a wrapper that calls a kernel: which, and the buffers and arguments in it."""

    name: str
    values: frozenset[str]


def with_clocks(source: str) -> tuple[str, list[KernelStatement]]:
    """Return a wrapper whose statements that call kernels are timed, and these statements in order.

    Args:
        source: The wrapper, canonical.
    """
    own, tree = set(kernel_names(source)), ast.parse(source)
    found: list[KernelStatement] = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == "call":
            function.body = _timed(function.body, own, found)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n", found


def _timed(body: list[ast.stmt], own: set[str], found: list[KernelStatement]) -> list[ast.stmt]:
    timed: list[ast.stmt] = []
    for statement in body:
        name = _kernel(statement, own)
        for nested in ("body", "orelse"):
            if name is None and getattr(statement, nested, None):
                setattr(statement, nested, _timed(getattr(statement, nested), own, found))
        if name is None:
            timed.append(statement)
            continue
        values = frozenset(BUFFER.findall(ast.unparse(statement)))
        number = len(found)
        found.append(KernelStatement(name, values))
        before, behind = ast.parse(f"_since = {CLOCK}()\n{KEEP}({number}, {CLOCK}() - _since)").body
        timed += [before, statement, behind]
    return timed


def _kernel(statement: ast.stmt, own: set[str]) -> str | None:
    """Return what a statement calls, where that is a kernel."""
    if not isinstance(statement, (ast.Expr, ast.Assign)):
        return None
    for one in ast.walk(statement.value):
        if isinstance(one, ast.Call):
            name = ast.unparse(one.func)
            if name in own or (name.startswith(LIBRARY) and not name.startswith(NO_KERNEL)):
                return name.removeprefix("torch.ops.")
    return None


class InductorProfiler:
    """A task whose wrapper reads a clock around each call of a kernel.

    Args:
        loaded: The task, around such a wrapper.
        clocked: Gets the times.
    """

    def __init__(self, loaded: InductorTask, clocked: Clocked) -> None:
        self._loaded = loaded
        self._clocked = clocked

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that keeps the times of its kernels."""
        call, clocked = self._loaded.bind(inputs, outputs), self._clocked

        def run() -> None:
            clocked.begin()
            since = perf_counter_ns()
            call()
            clocked.walls_ms.append((perf_counter_ns() - since) / 1e6)

        return run

    def begin(self) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """Nothing is to be done."""

    def read(self) -> KernelTimes:
        """Return the times of all calls."""
        return self._clocked.read()


@dataclass
class Clocked:
    """The times of the statements of one wrapper, for each run."""

    statements: list[KernelStatement]
    nodes: list[frozenset[int]] = field(default_factory=list)
    runs: list[list[float]] = field(default_factory=list)
    walls_ms: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a run."""
        self.runs.append([0.0] * len(self.statements))

    def keep(self, number: int, nanoseconds: int) -> None:
        """Keep the time of a statement."""
        self.runs[-1][number] += nanoseconds / 1e6

    def read(self) -> KernelTimes:
        """Return the times."""
        kernels = (
            ProfiledKernel(name=one.name, nodes=tuple(sorted(nodes)))
            for one, nodes in zip(self.statements, self.nodes, strict=True)
        )
        return KernelTimes(kernels=tuple(kernels), times_ms=tuple(map(tuple, self.runs)), walls_ms=tuple(self.walls_ms))


def clocked_task(
    request: CompileRequest,
    task: TaskProgram,
    options: Options,
    built: BuiltTask,
    bind: Callable[[Call], InductorTask],
    *,
    mapped: bool,
) -> InductorProfiler:
    """Return a task whose wrapper reads clocks.

    Args:
        request: What the task is part of.
        task: Its nodes are marked.
        options: Of the configuration.
        built: Its artifact.
        bind: Returns the loaded task around an entry of a wrapper.
        mapped: Whether calls are mapped to nodes.
    """
    if options.constant_weights:
        made = made_here(request, task, options)
        source = canonical_source(made.code.source_code)
        timed, statements = with_clocks(source)
        clocked = Clocked(statements)
        scope = {**vars(made.module), CLOCK: perf_counter_ns, KEEP: clocked.keep}
        exec(compile(_without_kernels(timed), f"<inductor {built.key[:12]}, timed>", "exec"), scope)
        entry: Call = scope["call"]
    else:
        source = wrapper_of(built.file)
        timed, statements = with_clocks(source)
        clocked = Clocked(statements)
        names = {CLOCK: perf_counter_ns, KEEP: clocked.keep}
        entry = load(built.file, request.work_dir, built.key, (timed, names))
    clocked.nodes = claims(request, task, options, source) if mapped else [frozenset()] * len(statements)
    return InductorProfiler(bind(entry), clocked)


def _without_kernels(source: str) -> str:
    """Return a wrapper that takes its kernels from where it is run."""
    tree, own = ast.parse(source), set(kernel_names(source))
    tree.body = [one for one in tree.body if not (isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) in own)]
    tree.body = [one for one in tree.body if not ast.unparse(one).startswith(f"{COMPILER}.wait")]
    # Weights are set behind such a line.
    tree.body = [one for one in tree.body if not (isinstance(one, ast.Assign) and ast.unparse(one.value) == "None")]
    return ast.unparse(tree) + "\n"


@dataclass
class SeenOrigins(Seen):
    """What the scheduler has after fusion, and which nodes of the task each of its nodes computes.

    Attributes:
        computes: For each name of a buffer or of a changed argument, what is behind it.
    """

    computes: list[tuple[frozenset[str], frozenset[int]]] = field(default_factory=list)

    def look_at(self, nodes: list[Any]) -> list[Any]:
        """Note what each node of the scheduler computes, and return the nodes unchanged."""
        parts = [part for node in nodes for part in node.get_nodes()]
        made = {origin for part in parts for origin in _made(part)}
        marks = _all_marks(V.graph.graph, self.task)
        for node in nodes:
            held = list(node.get_nodes())
            inside = {origin for part in held for origin in _made(part)}
            claimed = _behind(held, made - inside)
            self.computes.append(
                (
                    frozenset(name for part in held for name in _names(part)),
                    frozenset().union(*(marks.get(one, frozenset()) for one in claimed)),
                )
            )
        return super().look_at(nodes)


def _made(part: Any) -> list[Any]:
    """Return the node of FX whose value a node of the scheduler makes; where torch does not say, the last ones."""
    origin = getattr(part.node, "origin_node", None)
    if origin is not None:
        return [origin]
    origins = set(getattr(part.node, "origins", None) or ())
    return [one for one in origins if not any(user in origins for user in one.users)]


def _names(part: Any) -> Iterable[str]:
    yield from part.get_buffer_names()
    mutated = getattr(part.node, "get_mutation_names", None)
    yield from () if mutated is None else mutated()


def _behind(parts: Iterable[Any], others: set[Any]) -> set[Any]:
    """Return the nodes of FX that some nodes of the scheduler compute: up to what others make."""
    waiting: list[Any] = []
    for part in parts:
        waiting += _made(part)
    found = set(waiting)
    while waiting:
        for one in waiting.pop().all_input_nodes:
            if one not in others and one not in found and one.op == "call_function":
                found.add(one)
                waiting.append(one)
    return found


def _all_marks(graph: torch.fx.Graph, task: TaskProgram) -> Mapping[Any, frozenset[int]]:
    """Return the marks of the nodes that Inductor compiles; one that replaced others has those that are lost."""
    marks: dict[Any, frozenset[int]] = {node: node_marks(node) for node in graph.nodes}
    ours = TaskGraph.of(task)
    held = set().union(*(found for node, found in marks.items() if not is_view(node)))
    lost = ours.computing - held
    for node in [one for one in graph.nodes if one.op == "call_function" and not is_view(one)]:
        if lost:
            before = _nearest(node, marks, lambda one: one.all_input_nodes)
            behind = marks[node] or _nearest(node, marks, lambda one: list(one.users))
            found = ours.between(before, behind, lost)
            marks[node] |= found
            lost -= found
    # A product that was decomposed leaves views with its mark, which compute no part of it.
    return {node: found - ours.computing if is_view(node) else found for node, found in marks.items()}


def _nearest(node: Any, marks: Mapping[Any, frozenset[int]], further: Callable[[Any], Iterable[Any]]) -> frozenset[int]:
    """Return the marks of the nearest marked nodes in a direction."""
    found: set[int] = set()
    seen, waiting = {node}, list(further(node))
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if marks.get(one):
            found |= marks[one]
        else:
            waiting += further(one)
    return frozenset(found)


def claims(request: CompileRequest, task: TaskProgram, options: Options, source: str) -> list[frozenset[int]]:
    """Return the nodes of each statement of a wrapper that calls a kernel.

    Args:
        request: What the task is part of.
        task: Its nodes are marked.
        options: Of the configuration.
        source: The wrapper as it runs.
    """
    seen, apart = SeenOrigins(task), PhaseClock()
    with fresh_cache(dir=str(request.work_dir)):
        made = compile_seen(request, task, options, seen, TaskDump(None, task.kind, apart))
    statements = with_clocks(canonical_source(made))[1]
    own = with_clocks(source)[1]
    if [one.name for one in statements] != [one.name for one in own]:
        return [frozenset()] * len(own)
    return match_statements(statements, seen.computes)


def match_statements(
    statements: list[KernelStatement], computes: list[tuple[frozenset[str], frozenset[int]]]
) -> list[frozenset[int]]:
    """Return what each statement computes: the first that has a buffer makes it, the last that has an argument does.

    Args:
        statements: In order.
        computes: Names of the buffers and arguments that a node of the scheduler writes, and what it computes.
    """
    found: list[set[int]] = [set() for _ in statements]
    for names, nodes in computes:
        buffers = {name for name in names if name.startswith("buf")}
        places = [index for index, one in enumerate(statements) if one.values & buffers][:1]
        places = places or [index for index, one in enumerate(statements) if one.values & names][-1:]
        for place in places:
            found[place] |= nodes
    return [frozenset(one) for one in found]
