"""Programs that are cut off behind an operation: everything that it needs, and its value as the only output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, GraphModule, Node

from ablatrix.errors import WorkloadError

FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)\n\s*(?P<text>.*)')
LIBRARY = ("/torch/", "<")
LONGEST_TEXT = 120


@dataclass(frozen=True)
class Operation:
    """One operation of a program, whose value is a tensor.

    Attributes:
        number: Its place in graph order, from 0, among all operations.
        name: Of its node.
        operation: What it computes, with its operands: ``aten.add.Tensor(linear, x)``.
        operands: Numbers of the operations that it reads.
        line: Where the model has it: file, line and text, or the module; empty where that is not known.
    """

    number: int
    name: str
    operation: str
    operands: tuple[int, ...]
    line: str


class Cuttable:
    """A program of static sizes that can be cut off behind each of its operations.

    Args:
        exported: The program.
        inputs: Flat positional inputs: the examples of what is cut off.

    Raises:
        WorkloadError: It has a dynamic dimension.
    """

    def __init__(self, exported: ExportedProgram, inputs: Sequence[torch.Tensor]) -> None:
        if exported.range_constraints:
            raise WorkloadError("a program with a dynamic dimension cannot be cut off: fix its sizes")
        self._module = exported.module(check_guards=False)
        self._inputs = tuple(inputs)
        nodes = [node for node in self._module.graph.nodes if node.op == "call_function" and _is_tensor(node)]
        self._nodes = nodes
        numbers = {node: number for number, node in enumerate(nodes)}
        self.operations = tuple(_operation(numbers, node) for node in nodes)
        (result,) = [node for node in self._module.graph.nodes if node.op == "output"]
        self.results = tuple(sorted({numbers[one] for one in result.all_input_nodes if one in numbers}))
        """Numbers of the operations whose values are the program's outputs."""

    def before(self, number: int) -> list[int]:
        """Return the numbers of the operations that one needs, in order, without itself."""
        found: set[int] = set()
        waiting = list(self.operations[number].operands)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.operations[one].operands
        return sorted(found)

    def save(self, number: int, path: Path) -> None:
        """Write the program that ends with one operation, as ``torch.export.save`` does.

        Raises:
            WorkloadError: It cannot be exported.
        """
        try:
            torch.export.save(torch.export.export(self._cut(self._nodes[number]), self._inputs), path)
        except Exception as error:  # torch has no common one
            first = str(error).splitlines()[0] if str(error) else ""
            name = self.operations[number].name
            raise WorkloadError(
                f"the program cannot be cut off behind '{name}': {type(error).__name__}: {first}"
            ) from error

    def _cut(self, last: Node) -> GraphModule:
        needed, waiting = {last}, [last]
        while waiting:
            for one in waiting.pop().all_input_nodes:
                if one not in needed:
                    needed.add(one)
                    waiting.append(one)
        graph = Graph()
        copies: dict[Node, Node] = {}
        for node in self._module.graph.nodes:
            if node.op == "placeholder" or node in needed:
                copies[node] = graph.node_copy(node, lambda one: copies[one])
        graph.output((copies[last],))
        return GraphModule(self._module, graph)


def _is_tensor(node: Node) -> bool:
    return isinstance(node.meta.get("val"), torch.Tensor)


def _operation(numbers: Mapping[Node, int], node: Node) -> Operation:
    operands: list[int] = []
    waiting = list(node.all_input_nodes)
    while waiting:  # through operations with several results, which are no tensors themselves
        one = waiting.pop()
        if one in numbers:
            operands.append(numbers[one])
        else:
            waiting += one.all_input_nodes
    values = ", ".join(_argument(one) for one in node.args)
    return Operation(
        number=numbers[node],
        name=node.name,
        operation=f"{node.target}({values})"[:LONGEST_TEXT],
        operands=tuple(sorted({*operands})),
        line=source_line(node.meta),
    )


def _argument(one: Any) -> str:
    return one.name if isinstance(one, Node) else str(one)


def source_line(meta: Mapping[str, Any]) -> str:
    """Return where a model has an operation, from what its export says; empty where it says nothing.

    Args:
        meta: Of its node: the innermost line of the model's own code, else the module.
    """
    frames = list(FRAME.finditer(str(meta.get("stack_trace") or "")))
    own = [one for one in frames if not any(part in one["file"] for part in LIBRARY)]
    if own or frames:
        one = (own or frames)[-1]
        text = one["text"].strip()[:LONGEST_TEXT]
        return f"{one['file']}:{one['line']}: {text}"
    modules = meta.get("nn_module_stack") or {}
    names = [str(name) for name, _ in modules.values()] if isinstance(modules, dict) else []
    return f"module {names[-1]}" if names and names[-1] else ""
