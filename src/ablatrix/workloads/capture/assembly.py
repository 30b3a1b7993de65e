"""Build an ``ExportedProgram`` from a graph that was built node by node.

Exporting a part of a program again through ``torch.export`` takes about as long as exporting the whole; its
graph, with shapes and symbols, is already there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.utils import _pytree as pytree

KEPT_META = ("val", "nn_module_stack")


@dataclass(frozen=True)
class Slot:
    """One placeholder of a program: an input of the caller, or a weight with its name in the state."""

    node: torch.fx.Node
    weight: str | None = None
    parameter: bool = False


def copy_meta(source: torch.fx.Node, target: torch.fx.Node) -> None:
    """Keep shapes and module path; drop stack traces, which hold file names of the machine."""
    target.meta = {key: source.meta[key] for key in KEPT_META if key in source.meta}


def weight_of(program: ExportedProgram, name: str) -> torch.Tensor:
    """Return a weight or constant of a program by its name in the state."""
    found = program.state_dict.get(name)
    return program.constants[name] if found is None else found


def subgraphs(program: ExportedProgram) -> dict[str, torch.fx.GraphModule]:
    """Return the bodies that a program's nodes run (branches, loops), by the name that its graph has for each."""
    names = {node.target for node in program.graph.nodes if node.op == "get_attr"}
    return {name: program.graph_module.get_submodule(name) for name in sorted(names)}


def live_ranges(program: ExportedProgram) -> dict[Any, Any]:
    """Return the ranges of the symbols that the program's inputs have; export keeps some that it has unified."""
    live: set[Any] = set()
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op == "placeholder" and isinstance(value, torch.Tensor):
            live = live.union(*(size.node.expr.free_symbols for size in value.shape if not isinstance(size, int)))
    return {symbol: interval for symbol, interval in program.range_constraints.items() if symbol in live}


def assemble(
    graph: torch.fx.Graph,
    slots: Sequence[Slot],
    outputs: Sequence[torch.fx.Node],
    state: Mapping[str, torch.Tensor],
    *,
    ranges: Mapping[Any, Any],
    verifiers: Sequence[type],
    bodies: Mapping[str, torch.fx.GraphModule] | None = None,
) -> ExportedProgram:
    """Return the program of a graph whose placeholders are ``slots``: flat inputs, flat outputs.

    Args:
        graph: Its nodes but the output, whose placeholders come in the order of ``slots``.
        slots: What each placeholder is.
        outputs: What it returns.
        state: Its weights by name.
        ranges: Of its symbols.
        verifiers: Of the program that it was made from.
        bodies: What its nodes run, see `subgraphs`.
    """
    graph.output(tuple(outputs))
    signature = ExportGraphSignature(
        input_specs=[_input_spec(slot) for slot in slots],
        output_specs=[
            OutputSpec(kind=OutputKind.USER_OUTPUT, arg=TensorArgument(name=node.name), target=None) for node in outputs
        ],
    )
    callers = [slot.node for slot in slots if slot.weight is None]
    in_spec = pytree.tree_structure((tuple(0 for _ in callers), {}))
    out_spec = pytree.tree_structure(tuple(0 for _ in outputs))
    entry = ModuleCallEntry(
        fqn="",
        signature=ModuleCallSignature(
            inputs=[TensorArgument(name=node.name) for node in callers],
            # Without names, which torch does not keep right when it traces the program again (an output chosen of two).
            outputs=[TensorArgument(name="") for _ in outputs],
            in_spec=in_spec,
            out_spec=out_spec,
            forward_arg_names=[node.name for node in callers],
        ),
    )
    root = torch.nn.Module()
    for name, body in (bodies or {}).items():
        root.add_module(name, body)
    return ExportedProgram(
        root=root,
        graph=graph,
        graph_signature=signature,
        state_dict=dict(state),
        range_constraints=dict(ranges),
        module_call_graph=[entry],
        verifiers=list(verifiers),
    )


def _input_spec(slot: Slot) -> InputSpec:
    argument = TensorArgument(name=slot.node.name)
    if slot.weight is None:
        return InputSpec(kind=InputKind.USER_INPUT, arg=argument, target=None)
    if slot.parameter:
        return InputSpec(kind=InputKind.PARAMETER, arg=argument, target=slot.weight)
    return InputSpec(kind=InputKind.BUFFER, arg=argument, target=slot.weight, persistent=True)
