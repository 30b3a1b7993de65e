"""A program as a pure function of tensors: flat inputs, flat outputs, and nothing that it writes to.

Export keeps the model's own structure: keywords, dataclasses, named tuples, outputs of transformers. Such a program can
only be read back where the packages with these types are loaded, so it is flattened before it is kept. A buffer that
the program writes to becomes an input with the buffer's value, and what it writes becomes a further output; so does an
input that it writes to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError
from ablatrix.workloads.capture.assembly import Slot, assemble, copy_meta, live_ranges, subgraphs, weight_of
from ablatrix.workloads.capture.decompositions import decompose, make_functional_only

WRITES = (OutputKind.BUFFER_MUTATION, OutputKind.PARAMETER_MUTATION)
BUILT_IN = (tuple, list, dict)
"""Types of which a program may be made and still be read everywhere."""


@dataclass(frozen=True)
class Functional:
    """A program that writes to nothing.

    Attributes:
        program: Takes flat tensors, and returns tensors alone.
        written: Each buffer that the given program writes to, with its value, in the order in which they follow the
            other inputs; by its name in the model.
    """

    program: ExportedProgram
    written: dict[str, torch.Tensor]


def make_functional(exported: ExportedProgram) -> tuple[Functional, ExportedProgram | None]:
    """Return a program as a pure function, and that decomposed, where this was made on the way.

    A program that is one already, and has no types but Python's own, stays as it is.

    Raises:
        WorkloadError: It takes or returns what is no tensor and cannot be omitted.
    """
    decomposed = decompose(exported)
    if all(spec.kind is OutputKind.USER_OUTPUT for spec in decomposed.graph_signature.output_specs):
        if _is_flat(exported):
            return Functional(exported, {}), decomposed
        return Functional(_flattened(exported, {}), {}), None
    pure = make_functional_only(exported)
    targets = {spec.target for spec in pure.graph_signature.output_specs if spec.kind in WRITES}
    written = {
        str(spec.target): weight_of(pure, spec.target).detach()
        for spec in pure.graph_signature.input_specs
        if spec.kind in {InputKind.BUFFER, InputKind.PARAMETER} and spec.target in targets
    }
    return Functional(_flattened(pure, written), written), None


def _is_flat(program: ExportedProgram) -> bool:
    """Whether a program takes tensors in order, and returns tensors in containers of Python's own."""
    signature = program.graph_signature
    user_inputs = [one.arg for one in signature.input_specs if one.kind is InputKind.USER_INPUT]
    arguments = [*user_inputs, *(one.arg for one in signature.output_specs)]
    call = program.call_spec
    if call.in_spec is None or call.out_spec is None or not all(isinstance(one, TensorArgument) for one in arguments):
        return False
    in_order = pytree.tree_structure((tuple(0 for _ in user_inputs), {}))
    return bool(call.in_spec == in_order) and _is_built_in(call.out_spec)


def _is_built_in(spec: Any) -> bool:
    return spec.is_leaf() or (spec.type in BUILT_IN and all(map(_is_built_in, spec.children())))


def _flattened(program: ExportedProgram, written: dict[str, torch.Tensor]) -> ExportedProgram:
    """Return a program with flat inputs and outputs, in which buffers that are written to are inputs."""
    graph = torch.fx.Graph()
    made: dict[torch.fx.Node, torch.fx.Node] = {}
    slots: list[Slot] = []
    state: dict[str, torch.Tensor] = {}
    late: list[torch.fx.Node] = []
    specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
    placeholders = [node for node in program.graph.nodes if node.op == "placeholder"]
    given = [node for node in placeholders if specs[node.name].kind is InputKind.USER_INPUT]
    for node in placeholders:
        spec = specs[node.name]
        if spec.kind is InputKind.USER_INPUT:
            continue
        if spec.target in written:
            late.append(node)
            continue
        held = weight_of(program, str(spec.target))
        if not isinstance(held, torch.Tensor):
            raise WorkloadError(f"the program holds '{spec.target}', a {type(held).__name__}, which is no tensor")
        made[node] = graph.node_copy(node)
        state[str(spec.target)] = held
        slots.append(Slot(made[node], weight=str(spec.target), parameter=spec.kind is InputKind.PARAMETER))
    for node in (*given, *late):
        if not isinstance(node.meta.get("val"), torch.Tensor):
            _refuse_used(node)
            continue
        made[node] = graph.node_copy(node)
        slots.append(Slot(made[node]))
    for node, copy in made.items():
        copy_meta(node, copy)
    for node in program.graph.nodes:
        if node.op not in {"placeholder", "output"}:
            made[node] = graph.node_copy(node, lambda source: made[source])
            copy_meta(node, made[node])
    outputs = [made[node] for node in _returned(program)]
    return assemble(
        graph,
        slots,
        outputs,
        state,
        ranges=live_ranges(program),
        verifiers=program.verifiers,
        bodies=subgraphs(program),
    )


def _refuse_used(node: torch.fx.Node) -> None:
    """Refuse an input that is no tensor, unless export has made it part of the program."""
    if node.users:
        raise WorkloadError(f"input '{node.name}' is a number that the program computes with; give it as a tensor")


def _returned(program: ExportedProgram) -> list[torch.fx.Node]:
    """Return the nodes of all outputs that are tensors: those of the caller, then what is written."""
    nodes = program.graph.output_node().args[0]
    pairs = list(zip(program.graph_signature.output_specs, nodes, strict=True))
    own = [node for spec, node in pairs if spec.kind is OutputKind.USER_OUTPUT]
    writes = [node for spec, node in pairs if spec.kind is not OutputKind.USER_OUTPUT]
    found = [node for node in (*own, *writes) if isinstance(getattr(node, "meta", {}).get("val"), torch.Tensor)]
    if not found:
        raise WorkloadError("the program returns no tensor, so there is nothing to compute or to check")
    return found
