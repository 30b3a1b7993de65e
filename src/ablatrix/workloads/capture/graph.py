"""Capture: a lowered program as the planner's plain values."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ablatrix.canonical import digest_value
from ablatrix.errors import WorkloadError
from ablatrix.plan.graph import Graph, Node, Value
from ablatrix.workloads.capture.assembly import weight_of
from ablatrix.workloads.capture.limits import SYMBOLS

# A block of the model; inside a stage, one block of the stage.
REGION = re.compile(
    r"^(.*?\bstages\.\d+\.(?:layers|layer|blocks)\.\d+|.*?\b(?:layers|layer|blocks|h|stages)\.\d+)(?=\.|$)"
)
OUTSIDE = "outside"
SKETCHED = 16  # elements at each end of a weight that are looked at first


@dataclass(frozen=True)
class Captured:
    """A graph and where its parts come from.

    Attributes:
        graph: The plain values.
        sources: For each value, the node that makes it and its index among the node's outputs (None: the only
            one).
        nodes: For each node of the graph, the node of the program.
    """

    graph: Graph
    sources: tuple[tuple[torch.fx.Node, int | None], ...]
    nodes: tuple[torch.fx.Node, ...]


def capture(
    program: ExportedProgram, upper_bounds: Mapping[str, int] | None = None, constant_weights: bool = False
) -> Graph:
    """Return a lowered program as plain values.

    Values are numbered: weights and inputs in the order of the program's placeholders, then what each node makes.
    Values of kind ``input`` are in the order of the program's flat inputs. Arithmetic on symbolic sizes is not a
    node: it is part of the text of the operations that use it. So is what an operation runs (branches, the body of a
    loop), as a digest.

    Args:
        program: As ``lower`` returns it.
        upper_bounds: Upper bound of dynamic dimensions by their symbol's name (``s27``); the program's own
            range holds for those that are omitted.
        constant_weights: Whether weights are to be part of the code, so that tasks with other weights are others.

    Raises:
        WorkloadError: A dynamic dimension has no upper bound.
    """
    return walk(program, upper_bounds, constant_weights).graph


def capture_nodes(program: ExportedProgram) -> tuple[Graph, tuple[torch.fx.Node, ...]]:
    """Return a lowered program as plain values, with the node of the program for each node of the graph.

    Raises:
        WorkloadError: A dynamic dimension has no upper bound.
    """
    captured = walk(program)
    return captured.graph, captured.nodes


def input_values(graph: Graph) -> tuple[int, ...]:
    """Return the values that the caller gives, in the order of the program's flat inputs."""
    return tuple(index for index, value in enumerate(graph.values) if value.kind == "input")


def value_tensors(program: ExportedProgram, graph: Graph) -> dict[int, torch.Tensor]:
    """Return the tensor of each value of kind ``parameter``, by the value's index in ``graph``.

    Args:
        program: The program that ``graph`` was captured from.
        graph: As ``capture`` returned it.
    """
    specs = program.graph_signature.input_specs
    found = {}
    for index, (value, spec) in enumerate(zip(graph.values, specs, strict=False)):
        if value.kind == "parameter":
            found[index] = weight_of(program, spec.target).detach()
    return found


def walk(
    program: ExportedProgram, upper_bounds: Mapping[str, int] | None = None, constant_weights: bool = False
) -> Captured:
    """Capture a program and keep where each part comes from; the arguments are those of ``capture``."""
    constants = _weight_names(program) if constant_weights else {}
    return _Walk(program, bounds_of(program, upper_bounds), constants).run()


def _weight_names(program: ExportedProgram) -> dict[str, str]:
    """Return a name of each weight by its placeholder, the same for two that are equal."""
    names: dict[str, str] = {}
    kept: dict[Any, list[tuple[str, torch.Tensor]]] = {}
    for spec in program.graph_signature.input_specs:
        if spec.kind != InputKind.USER_INPUT:
            tensor = weight_of(program, spec.target).detach()
            alike = kept.setdefault(_sketch(tensor), [])
            name = next((name for name, other in alike if torch.equal(tensor, other)), f"weight {len(names)}")
            alike.append((name, tensor))
            names[spec.arg.name] = name
    return names


def _sketch(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Return what equal tensors have in common, so that few are compared in full."""
    flat = tensor.reshape(-1)
    ends = (*flat[:SKETCHED].tolist(), *flat[-SKETCHED:].tolist())
    return (tensor.dtype, tuple(tensor.shape), tensor.stride(), ends)


def bounds_of(program: ExportedProgram, upper_bounds: Mapping[str, int] | None) -> dict[str, int]:
    """Return the upper bound of each symbol of the program: as given, else by the program's own range."""
    bounds = dict(upper_bounds or {})
    for symbol, interval in program.range_constraints.items():
        if interval.upper.is_Integer:
            bounds.setdefault(str(symbol), int(interval.upper))
    return bounds


class _Walk:
    def __init__(self, program: ExportedProgram, bounds: Mapping[str, int], constants: Mapping[str, str]) -> None:
        self.program = program
        self.bounds = bounds
        self.constants = constants
        self.values: list[Value] = []
        self.sources: list[tuple[torch.fx.Node, int | None]] = []
        self.index: dict[tuple[torch.fx.Node, int | None], int] = {}
        self.expressions: dict[Any, int] = {}
        self.bodies: dict[str, str] = {}

    def run(self) -> Captured:
        nodes: list[Node] = []
        sources: list[torch.fx.Node] = []
        kinds = {spec.arg.name: spec.kind for spec in self.program.graph_signature.input_specs}
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                kind = "input" if kinds[node.name] == InputKind.USER_INPUT else "parameter"
                self._add(node, None, kind)
            elif node.op == "call_function" and makes_tensors(node):
                nodes.append(self._node(node))
                sources.append(node)
        outputs = tuple(self._value(node) for node in self.program.graph.output_node().args[0])
        graph = Graph(values=tuple(self.values), nodes=tuple(nodes), outputs=outputs)
        return Captured(graph, tuple(self.sources), tuple(sources))

    def _add(self, node: torch.fx.Node, output: int | None, kind: Any) -> int:
        tensor = node.meta["val"] if output is None else node.meta["val"][output]
        shape, strides = [[_text(size) for size in sizes] for sizes in (tensor.shape, tensor.stride())]
        elements = math.prod(self._at_bound(size) for size in tensor.shape)
        signature = f"{str(tensor.dtype).removeprefix('torch.')}[{','.join(shape)}]({','.join(strides)})"
        index = len(self.values)
        constant = self.constants.get(node.name, "") if kind == "parameter" else ""
        self.values.append(Value(elements * tensor.element_size(), kind, signature, constant))
        self.sources.append((node, output))
        self.index[node, output] = index
        return index

    def _node(self, node: torch.fx.Node) -> Node:
        reads: list[int] = []
        positional = [self._render(argument, reads) for argument in node.args]
        named = [f"{name}={self._render(node.kwargs[name], reads)}" for name in sorted(node.kwargs)]
        made = node.meta.get("val")
        if isinstance(made, torch.Tensor):
            writes = [self._add(node, None, "intermediate")]
        else:
            writes = [  # an assertion makes nothing
                self._add(node, output, "intermediate")
                for output, one in enumerate(made or ())
                if isinstance(one, torch.Tensor)
            ]
        return Node(
            operation=f"{node.target}({', '.join(positional + named)})",
            reads=tuple(reads),
            writes=tuple(writes),
            region=region_of(node),
        )

    def _render(self, argument: Any, reads: list[int]) -> str:
        if isinstance(argument, torch.fx.Node):
            if argument.op == "get_attr":
                return self._body(argument.target)
            if is_symbolic(argument):
                return _text(argument.meta["val"])
            reads.append(self._value(argument))
            return f"%{len(reads) - 1}"
        if isinstance(argument, (list, tuple)):
            return f"[{', '.join(self._render(one, reads) for one in argument)}]"
        if isinstance(argument, dict):
            return f"{{{', '.join(f'{key!r}: {self._render(one, reads)}' for key, one in argument.items())}}}"
        return _text(argument) if isinstance(argument, SYMBOLS) else repr(argument)

    def _body(self, name: str) -> str:
        """Return a digest of what an operation runs, the same for two that are written alike."""
        if name not in self.bodies:
            self.bodies[name] = f"<{digest_value(_code(self.program.graph_module.get_submodule(name)))}>"
        return self.bodies[name]

    def _value(self, node: torch.fx.Node) -> int:
        if node.target is operator.getitem:
            return self.index[node.args[0], node.args[1]]
        return self.index[node, None]

    def _at_bound(self, size: Any) -> int:
        if isinstance(size, int):
            return size
        expression = size.node.expr
        if expression not in self.expressions:
            at_bound = expression.subs(
                {symbol: self.bounds.get(str(symbol), symbol) for symbol in expression.free_symbols}
            )
            if not at_bound.is_Integer:
                raise WorkloadError(
                    f"the dynamic size {expression} has no upper bound; there are bounds for "
                    f"{sorted(self.bounds)}. "
                    "Give the dimension a largest size (torch.export.Dim(..., max=...))"
                )
            self.expressions[expression] = int(at_bound)
        return self.expressions[expression]


def makes_tensors(node: torch.fx.Node) -> bool:
    """Whether a node is an operation of its own: neither arithmetic on sizes nor the choice of one output."""
    return not is_symbolic(node) and node.target is not operator.getitem


def is_symbolic(node: torch.fx.Node) -> bool:
    """Whether a node's value is a size, or computed of sizes, and not a tensor."""
    return isinstance(node.meta.get("val"), (int, float, *SYMBOLS))


def region_of(node: torch.fx.Node) -> str:
    """Return the path of the model block that a node belongs to.

    What a model does before, between and after its blocks is ``OUTSIDE``: regions of its own, so that equal blocks
    stay equal. A node that no module made (a constant that was folded, a size) has no region.
    """
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    path = next(reversed(stack.values()))[0]
    found = REGION.match(path)
    return found.group(1) if found else OUTSIDE


def _text(size: Any) -> str:
    return str(size.node.expr) if isinstance(size, SYMBOLS) else str(size)


def _code(body: torch.fx.GraphModule) -> list[Any]:
    """Return what a body computes, as plain values; a node goes by its number, so that no name matters."""
    numbers = {node: f"%{index}" for index, node in enumerate(body.graph.nodes)}

    def plain(argument: Any) -> Any:
        if isinstance(argument, torch.fx.Node):
            return numbers[argument]
        if isinstance(argument, (list, tuple)):
            return [plain(one) for one in argument]
        if isinstance(argument, dict):
            return {str(key): plain(one) for key, one in argument.items()}
        return _text(argument) if isinstance(argument, SYMBOLS) else repr(argument)

    lines = []
    for node in body.graph.nodes:
        if node.op == "get_attr":
            held = getattr(body, node.target)
            lines.append([node.op, _code(held) if isinstance(held, torch.fx.GraphModule) else node.target])
        else:
            target = str(node.target) if node.op == "call_function" else ""
            lines.append([node.op, target, plain(node.args), plain(node.kwargs)])
    return lines


def symbols_of(program: ExportedProgram, dimensions: Sequence[Mapping[int, str]]) -> dict[str, str]:
    """Return the name of the dimension that each symbol stands for.

    Args:
        program: A lowered program.
        dimensions: For each flat input: axis -> name of the dimension.

    Raises:
        WorkloadError: A dimension is not dynamic in the program: export fixed its size.
    """
    kinds = {spec.arg.name: spec.kind for spec in program.graph_signature.input_specs}
    inputs = [
        node for node in program.graph.nodes if node.op == "placeholder" and kinds[node.name] == InputKind.USER_INPUT
    ]
    names: dict[str, str] = {}
    for node, axes in zip(inputs, dimensions, strict=True):
        for axis, name in axes.items():
            size = node.meta["val"].shape[axis]
            if not isinstance(size, torch.SymInt) or not size.node.expr.is_Symbol:
                raise WorkloadError(f"dimension '{name}' (axis {axis} of '{node.name}') was fixed to {size} by export")
            names[str(size.node.expr)] = name
    return names
