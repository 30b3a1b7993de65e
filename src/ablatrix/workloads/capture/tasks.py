"""Tasks: each distinct task of a plan as an exported program of its own."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils._sympy.value_ranges import ValueRanges

from ablatrix.errors import WorkloadError
from ablatrix.plan.plan import Plan, Task
from ablatrix.workloads.capture.assembly import Slot, assemble, copy_meta, subgraphs, weight_of
from ablatrix.workloads.capture.graph import Captured, bounds_of, is_symbolic, walk
from ablatrix.workloads.capture.limits import SYMBOLS
from ablatrix.workloads.program import TaskProgram


def export_tasks(
    program: ExportedProgram,
    plan: Plan,
    upper_bounds: Mapping[str, int] | None = None,
    constant_weights: bool = False,
) -> tuple[TaskProgram, ...]:
    """Return one program for each distinct task of a plan, in order of ``kind``.

    Each is cut out of the lowered program, not exported again; symbols keep their names. It takes the task's
    reads as flat inputs, weights among them unless they are constants of its own, and returns the tuple of its writes.

    Args:
        program: The lowered program that the plan was made for.
        plan: Its tasks.
        upper_bounds: As for ``capture``.
        constant_weights: As for ``capture``.

    Raises:
        WorkloadError: A task needs a dynamic size that none of its inputs has.
    """
    captured = walk(program, upper_bounds, constant_weights)
    bounds = bounds_of(program, upper_bounds)
    members: dict[int, list[Task]] = {}
    for task in plan.tasks:
        members.setdefault(task.kind, []).append(task)
    return tuple(_export(program, captured, members[kind], bounds) for kind in sorted(members))


def _export(
    program: ExportedProgram, captured: Captured, members: list[Task], bounds: Mapping[str, int]
) -> TaskProgram:
    task = members[0]
    values = captured.graph.values
    constants = [value for value in task.reads if values[value].constant]
    given = [value for value in task.reads if not values[value].constant]
    cut = _Cut(captured, task, constants, given)
    symbols = {str(symbol) for symbol in cut.symbols}
    ranges = {
        symbol: ValueRanges(interval.lower, bounds[str(symbol)])
        for symbol, interval in program.range_constraints.items()
        if str(symbol) in symbols
    }
    state = _state(program, captured, constants)
    held = subgraphs(program)
    exported = assemble(
        cut.graph,
        cut.slots,
        cut.outputs,
        state,
        ranges=ranges,
        verifiers=program.verifiers,
        bodies={name: held[name] for name in sorted(cut.bodies)},
    )
    places = [task.reads.index(value) for value in given]
    return TaskProgram(
        kind=task.kind,
        fingerprint=task.fingerprint,
        exported=exported,
        upper_bounds={name: bounds[name] for name in sorted(symbols)},
        parameter_inputs=tuple(
            position
            for position, index in enumerate(places)
            if all(values[member.reads[index]].kind == "parameter" for member in members)
        ),
    )


def _state(program: ExportedProgram, captured: Captured, constants: Sequence[int]) -> dict[str, torch.Tensor]:
    """Return the weights that are part of a task, by the names that they have there."""
    targets = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs}
    sources = [captured.sources[value][0].name for value in constants]
    return {_weight(index): weight_of(program, targets[name]).detach() for index, name in enumerate(sources)}


def _weight(index: int) -> str:
    return f"weight_{index}"


class _Cut:
    """The graph of one task: its inputs, copies of its nodes, and the arithmetic on sizes that they use.

    Weights that are part of the task come before its inputs, as in what torch exports.
    """

    def __init__(self, captured: Captured, task: Task, constants: Sequence[int], given: Sequence[int]) -> None:
        self.captured = captured
        self.task = task
        self.graph = torch.fx.Graph()
        self.made: dict[tuple[torch.fx.Node, int | None], torch.fx.Node] = {}
        self.sizes: dict[Any, torch.fx.Node] = {}
        self.symbols: set[Any] = set()
        self.bodies: set[str] = set()
        weights = [Slot(self._input(value, _weight(index)), _weight(index)) for index, value in enumerate(constants)]
        self.slots = [*weights, *(Slot(self._input(value, f"input_{index}")) for index, value in enumerate(given))]
        self.holders = self._find_holders()
        for node in captured.nodes[task.start : task.stop]:
            self._note_symbols(node)
            copy = self.graph.node_copy(node, self._argument)
            copy_meta(node, copy)
            self.made[node, None] = copy
        self.outputs = [self._tensor(*captured.sources[value]) for value in task.writes]

    def _input(self, value: int, name: str) -> torch.fx.Node:
        source, output = self.captured.sources[value]
        node = self.graph.placeholder(name)
        tensor = source.meta["val"] if output is None else source.meta["val"][output]
        node.meta = {"val": tensor}
        self.made[source, output] = node
        return node

    def _find_holders(self) -> dict[Any, tuple[torch.fx.Node, int]]:
        """Find, for each symbol, an input and a dimension of it whose size is that symbol."""
        holders: dict[Any, tuple[torch.fx.Node, int]] = {}
        for slot in self.slots:
            for dimension, size in enumerate(slot.node.meta["val"].shape):
                if isinstance(size, torch.SymInt):
                    expression = size.node.expr
                    self.symbols |= expression.free_symbols
                    if expression.is_Symbol:
                        holders.setdefault(expression, (slot.node, dimension))
        return holders

    def _note_symbols(self, node: torch.fx.Node) -> None:
        made = node.meta["val"]
        for tensor in (made,) if isinstance(made, torch.Tensor) else made or ():
            if isinstance(tensor, torch.Tensor):
                for size in tensor.shape:
                    if isinstance(size, torch.SymInt):
                        self.symbols |= size.node.expr.free_symbols

    def _argument(self, node: torch.fx.Node) -> torch.fx.Node:
        if node.op == "get_attr":
            self.bodies.add(node.target)
            return self.graph.get_attr(node.target)
        if is_symbolic(node):
            return self._size(node)
        if node.target is operator.getitem:
            return self._tensor(node.args[0], node.args[1])
        return self.made[node, None]

    def _tensor(self, node: torch.fx.Node, output: int | None) -> torch.fx.Node:
        if (node, output) not in self.made:
            chosen = self.graph.call_function(operator.getitem, (self.made[node, None], output))
            copy_meta(node, chosen)
            chosen.meta["val"] = node.meta["val"][output]
            self.made[node, output] = chosen
        return self.made[node, output]

    def _size(self, node: torch.fx.Node) -> torch.fx.Node:
        """Make a size inside the task: taken from an input that has it, or computed as the program does."""
        value = node.meta["val"]
        expression = value.node.expr if isinstance(value, SYMBOLS) else value
        if expression not in self.sizes:
            if expression in self.holders:
                holder, dimension = self.holders[expression]
                made = self.graph.call_function(torch.ops.aten.sym_size.int, (holder, dimension))
            elif node.target is torch.ops.aten.sym_size.int:
                raise WorkloadError(
                    f"task {self.task.start}..{self.task.stop} needs the dynamic size {expression}, "
                    f"which none of its inputs has; they have {sorted(map(str, self.holders))}"
                )
            else:
                made = self.graph.node_copy(node, self._argument)
            made.meta = {"val": value}
            self.sizes[expression] = made
        return self.sizes[expression]
