"""Lower an exported program: decompose it, fold what depends on no input, drop what is not needed."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ablatrix.workloads.capture.assembly import Slot, assemble, copy_meta, live_ranges, subgraphs, weight_of
from ablatrix.workloads.capture.decompositions import decompose
from ablatrix.workloads.capture.functional import Functional, make_functional
from ablatrix.workloads.capture.limits import refuse_random, refuse_unbounded
from ablatrix.workloads.capture.rewrites import copy_operation

aten = torch.ops.aten

CHECKS = frozenset(
    {
        aten._assert_tensor_metadata.default,
        aten._assert_scalar.default,
        aten._assert_async.msg,
        aten.sym_constrain_range_for_size.default,
    }
)
QUANTISED = frozenset({torch.int8, torch.uint8})
# Operations that return their input unless they change its type, shape or strides.
IDENTITIES = frozenset(
    {
        aten.alias.default,
        aten.clone.default,
        aten.detach.default,
        aten.expand.default,
        aten.lift_fresh_copy.default,
        aten.reshape.default,
        aten.slice.Tensor,
        aten.view.default,
        aten._to_copy.default,
    }
)


def lower(exported: ExportedProgram) -> ExportedProgram:
    """Return the program that is captured, partitioned and given to compilers.

    It is decomposed (see ``decompositions``), has no in-place operation, no assertion and no operation that
    returns its input; whatever depends on no input is computed here, once, and kept as a constant; what no
    output needs is gone. It takes its inputs flat and returns a flat tuple; what it writes to is among them, see
    `take`. Weights that are used as they were keep their name and their memory.

    Raises:
        WorkloadError: The program draws random numbers, or sizes in it depend on values.
    """
    return take(exported)[1]


def take(exported: ExportedProgram) -> tuple[Functional, ExportedProgram]:
    """Return a program as a pure function of tensors, and that function lowered.

    Raises:
        WorkloadError: As for `lower`.
    """
    functional, decomposed = make_functional(exported)
    if decomposed is None:
        decomposed = decompose(functional.program)
    return functional, _Lowering(decomposed).run()


class _Lowering:
    """One pass over a decomposed program. ``known`` holds the value of each node that depends on no input."""

    def __init__(self, program: ExportedProgram) -> None:
        self.program = program
        self.known: dict[torch.fx.Node, Any] = {}
        self.same: dict[torch.fx.Node, torch.fx.Node] = {}
        self.specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}

    def run(self) -> ExportedProgram:
        with torch.no_grad():
            for node in self.program.graph.nodes:
                self._look_at(node)
        return self._rebuild(self._needed())

    def _look_at(self, node: torch.fx.Node) -> None:
        if node.op == "placeholder":
            spec = self.specs[node.name]
            if spec.kind != InputKind.USER_INPUT:
                self.known[node] = weight_of(self.program, spec.target)
        elif node.op == "call_function" and node.target not in CHECKS:
            refuse_random(node)
            if all(source in self.known for source in node.all_input_nodes) and not self._turns_back(node):
                arguments, keywords = torch.fx.map_arg((node.args, node.kwargs), self.known.__getitem__)
                self.known[node] = node.target(*arguments, **keywords)
            elif node.target in IDENTITIES and _same(node, node.args[0]):
                self.same[node] = self._resolve(node.args[0])

    def _turns_back(self, node: torch.fx.Node) -> bool:
        """Return whether a node makes floats of a quantised weight: that is done in a run, as a program has it."""
        if node.target is not aten._to_copy.default or not node.meta["val"].is_floating_point():
            return False
        source = self.known.get(node.args[0])
        return isinstance(source, torch.Tensor) and source.dtype in QUANTISED

    def _resolve(self, node: torch.fx.Node) -> torch.fx.Node:
        return self.same.get(node, node)

    def _needed(self) -> set[torch.fx.Node]:
        pending = [self._resolve(node) for node in self.program.graph.output_node().all_input_nodes]
        needed: set[torch.fx.Node] = set()
        while pending:
            node = pending.pop()
            if node not in needed:
                needed.add(node)
                if node not in self.known:
                    refuse_unbounded(node)
                    pending.extend(self._resolve(source) for source in node.all_input_nodes)
        return needed

    def _rebuild(self, needed: set[torch.fx.Node]) -> ExportedProgram:
        graph = torch.fx.Graph()
        slots: list[Slot] = []
        state: dict[str, torch.Tensor] = {}
        made: dict[torch.fx.Node, torch.fx.Node] = {}
        old_nodes = list(self.program.graph.nodes)
        numbers = (node for node in old_nodes if node in needed and node in self.known)
        for index, node in enumerate(numbers):
            if not isinstance(self.known[node], torch.Tensor):
                made[node] = self.known[node]
                continue
            lifted = node.op == "placeholder"
            name = self.specs[node.name].target if lifted else f"folded_{index}"
            made[node] = graph.placeholder(node.name if lifted else f"c_{name}")
            copy_meta(node, made[node])
            state[name] = self.known[node]
            if not lifted:
                state[name] = self.known[node].detach().contiguous().clone()
                made[node].meta["val"] = _contiguous(node.meta["val"])
            parameter = lifted and self.specs[node.name].kind == InputKind.PARAMETER
            slots.append(Slot(made[node], weight=name, parameter=parameter))
        for node in old_nodes:
            if node.op == "placeholder" and self.specs[node.name].kind == InputKind.USER_INPUT:
                made[node] = graph.placeholder(node.name)
                copy_meta(node, made[node])
                slots.append(Slot(made[node]))
        for node in old_nodes:
            if node in needed and node not in made:
                made[node] = copy_operation(graph, node, lambda source: made[self._resolve(source)])
        outputs = [made[self._resolve(node)] for node in self.program.graph.output_node().args[0]]
        program = self.program
        return assemble(
            graph,
            slots,
            outputs,
            state,
            ranges=live_ranges(program),
            verifiers=program.verifiers,
            bodies=subgraphs(program),
        )


def _same(node: torch.fx.Node, source: Any) -> bool:
    """Whether two nodes have the same type, shape and strides, compared as text so that no guard is added."""
    one, other = node.meta["val"], source.meta["val"]
    return one.dtype == other.dtype and str((one.shape, one.stride())) == str((other.shape, other.stride()))


def _contiguous(value: torch.Tensor) -> torch.Tensor:
    return value if value.is_contiguous() else torch.empty_like(value, memory_format=torch.contiguous_format)
