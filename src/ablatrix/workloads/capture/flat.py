"""A program as plain operations on named values, so that parts of it can be taken out, changed and exported again."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from ablatrix.canonical import digest_bytes, digest_value
from ablatrix.errors import WorkloadError
from ablatrix.workloads.capture.assembly import weight_of
from ablatrix.workloads.capture.lowering import CHECKS

LeafKind = Literal["input", "parameter", "constant"]
PLAIN = (bool, int, float, complex, str, torch.dtype, torch.device, torch.layout, torch.memory_format, type(None))


@dataclass(frozen=True)
class Ref:
    """A value of the program as an argument, by its name."""

    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaf:
    """A value that no operation makes.

    Attributes:
        name: A Python identifier, unique in its program.
        kind: ``input``, or what it is among a module's state.
        value: Contiguous.
        rule: Python that makes the value from ``torch`` alone; empty where it is given element by element.
    """

    name: str
    kind: LeafKind
    value: torch.Tensor
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call of an operator.

    Attributes:
        name: Of the value that it makes; a Python identifier, unique in its program.
        target: An overload of ATen or of another library, or ``operator.getitem``.
        args, kwargs: Plain values, lists of them, and `Ref` for values of the program.
        place: Path of the module that called it, such as ``encoder.layer.0``; empty where it is not known.
    """

    name: str
    target: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the values that it takes, in order, each once."""
        leaves = pytree.tree_leaves((self.args, dict(self.kwargs)), is_leaf=lambda one: isinstance(one, Ref))
        return tuple(dict.fromkeys(one.name for one in leaves if isinstance(one, Ref)))

    def with_refs(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with other values in place of references; a name that is not given stays."""

        def put(one: Any) -> Any:
            return values.get(one.name, one) if isinstance(one, Ref) else one

        args, kwargs = pytree.tree_map(put, (self.args, dict(self.kwargs)), is_leaf=lambda one: isinstance(one, Ref))
        return args, kwargs

    def at(self, values: Mapping[str, Any]) -> Operation:
        """Return the same call with other values in place of some references."""
        args, kwargs = self.with_refs(values)
        return replace(self, args=args, kwargs=kwargs)


@dataclass(frozen=True, kw_only=True, eq=False)
class FlatGraph:
    """A pure program of fixed sizes.

    Attributes:
        leaves: Inputs and state.
        operations: In an order in which they can run.
        outputs: Names of the values that it returns.
    """

    leaves: tuple[Leaf, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]

    @property
    def inputs(self) -> tuple[Leaf, ...]:
        """The leaves that are inputs, in order."""
        return tuple(one for one in self.leaves if one.kind == "input")

    @property
    def state(self) -> tuple[Leaf, ...]:
        """The leaves that are weights and constants, in order."""
        return tuple(one for one in self.leaves if one.kind != "input")

    def digest(self) -> str:
        """Return the digest of operations, outputs and all values; names of operations in the model are aside."""
        calls = [
            [one.name, str(one.target), repr(one.args), repr(sorted(one.kwargs.items()))] for one in self.operations
        ]
        leaves = [[one.name, one.kind, str(one.value.dtype), list(one.value.shape)] for one in self.leaves]
        return digest_value(
            {
                "calls": calls,
                "leaves": leaves,
                "values": [_digest_of(one.value) for one in self.leaves],
                "outputs": list(self.outputs),
            }
        )

    def run(self, leaves: Mapping[str, torch.Tensor] | None = None) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each operation, in order, as eager computes it.

        Args:
            leaves: Values of leaves; default: their own.
        """
        held: dict[str, Any] = dict(leaves or {one.name: one.value for one in self.leaves})
        for one in self.operations:
            args, kwargs = one.with_refs(held)
            held[one.name] = one.target(*args, **kwargs)
            yield one.name, held[one.name]

    def values(self) -> dict[str, Any]:
        """Return the values of all operations, as eager computes them."""
        with torch.no_grad():
            return dict(self.run())


def is_part_of(operation: Operation) -> bool:
    """Return whether an operation takes one value out of several that another one made."""
    return operation.target is operator.getitem


class FlatModule(torch.nn.Module):  # type: ignore[misc]
    """A flat graph as a module, to be exported: its state is parameters and buffers, and it returns a tuple."""

    def __init__(self, graph: FlatGraph) -> None:
        super().__init__()
        self._graph = graph
        for one in graph.state:
            if one.kind == "parameter" and (one.value.is_floating_point() or one.value.is_complex()):
                self.register_parameter(one.name, torch.nn.Parameter(one.value, requires_grad=False))
            else:
                self.register_buffer(one.name, one.value)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the operations."""
        held: dict[str, Any] = {one.name: getattr(self, one.name) for one in self._graph.state}
        held |= {one.name: given for one, given in zip(self._graph.inputs, inputs, strict=True)}
        held |= dict(self._graph.run(held))
        return tuple(held[name] for name in self._graph.outputs)


def export_flat(graph: FlatGraph) -> ExportedProgram:
    """Export a flat graph, with its inputs as examples."""
    with torch.no_grad():
        return torch.export.export(FlatModule(graph).eval(), tuple(one.value for one in graph.inputs))


def read_flat(exported: ExportedProgram, inputs: Sequence[torch.Tensor]) -> FlatGraph:
    """Return a program as plain operations, at the sizes of some inputs.

    Args:
        exported: A pure function of tensors (`ablatrix.workloads.program.Program.exported`).
        inputs: Its inputs, flat; dynamic dimensions get their sizes.

    Raises:
        WorkloadError: It has operations that take programs (``torch.cond``), or arguments that are no plain values.
    """
    program = _functional(exported, inputs)
    specs = {spec.arg.name: spec for spec in program.graph_signature.input_specs}
    given = iter(inputs)
    leaves: list[Leaf] = []
    operations: list[Operation] = []
    names: dict[torch.fx.Node, str] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder":
            names[node] = node.name
            leaves.append(_leaf(program, node.name, specs[node.name], given))
        elif node.op == "call_function" and node.target not in CHECKS:
            names[node] = node.name
            operations.append(_operation(node))
        elif node.op == "get_attr":
            raise WorkloadError(f"the program has '{node.name}', a program that an operation of it takes (torch.cond)")
    returned = [one for one in pytree.tree_leaves(program.graph.output_node().args[0]) if one in names]
    used = {name for one in operations for name in one.uses} | {names[one] for one in returned}
    return FlatGraph(
        leaves=tuple(one for one in leaves if one.name in used or one.kind == "input"),
        operations=tuple(operations),
        outputs=tuple(dict.fromkeys(names[one] for one in returned)),
    )


def _functional(exported: ExportedProgram, inputs: Sequence[torch.Tensor]) -> ExportedProgram:
    """Return a program without dynamic dimensions, and without operations that write to their inputs."""
    program = exported
    if program.range_constraints:
        with torch.no_grad():
            program = torch.export.export(program.module(check_guards=False), tuple(inputs))
    targets = [node.target for node in program.graph.nodes if node.op == "call_function"]
    if any(isinstance(one, torch._ops.OpOverload) and one._schema.is_mutable for one in targets):
        program = program.run_decompositions({})
    return program


def _leaf(program: ExportedProgram, name: str, spec: Any, given: Iterator[torch.Tensor]) -> Leaf:
    if spec.kind is InputKind.USER_INPUT:
        return Leaf(name=name, kind="input", value=next(given).detach().contiguous())
    held = weight_of(program, str(spec.target))
    if not isinstance(held, torch.Tensor):
        raise WorkloadError(f"the program holds '{spec.target}', a {type(held).__name__}, which is no tensor")
    kind: LeafKind = "parameter" if spec.kind is InputKind.PARAMETER else "constant"
    return Leaf(name=name, kind=kind, value=held.detach().contiguous())


def _operation(node: torch.fx.Node) -> Operation:
    def plain(one: Any) -> Any:
        if isinstance(one, torch.fx.Node):
            return Ref(one.name)
        if not isinstance(one, PLAIN):
            raise WorkloadError(f"operation '{node.name}' has an argument of type {type(one).__name__}: {one!r}")
        return one

    args, kwargs = pytree.tree_map(plain, (_lists(node.args), _lists(node.kwargs)))
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    place = str(stack[-1][0]) if stack else ""
    return Operation(name=node.name, target=node.target, args=args, kwargs=kwargs, place=place)


def _lists(value: Any) -> Any:
    """Return arguments with plain lists and dictionaries in place of those of FX, which are none of pytree's."""
    if isinstance(value, list):
        return [_lists(one) for one in value]
    if isinstance(value, tuple):
        return tuple(_lists(one) for one in value)
    if isinstance(value, Mapping):
        return {name: _lists(one) for name, one in value.items()}
    return value


def _digest_of(value: torch.Tensor) -> str:
    flat = value.detach().contiguous().reshape(-1).view(torch.uint8) if value.numel() else value.reshape(-1)
    return digest_bytes(flat.numpy().tobytes())
