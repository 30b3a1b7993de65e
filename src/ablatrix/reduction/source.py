"""A program as Python that needs torch alone: a module of operators of ATen, with its weights and inputs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref, is_part_of

MOST_INLINE = 64
"""Elements of a tensor that are written one by one; a larger one without a rule is kept in a file."""
VALUES_FILE = "values.pt"
WIDTH = 100


def module_source(graph: FlatGraph, name: str = "Model") -> str:
    """Return a class of ``torch.nn.Module`` that computes a program.

    Raises:
        WorkloadError: An argument of an operation cannot be written as Python.
    """
    lines = [f"class {name}(torch.nn.Module):"]
    if graph.state:
        lines += ["    def __init__(self):", "        super().__init__()"]
        for one in graph.state:
            made = tensor_source(one)
            if _is_parameter(one):
                lines.append(f"        self.{one.name} = torch.nn.Parameter({made}, requires_grad=False)")
            else:
                lines.append(f'        self.register_buffer("{one.name}", {made})')
        lines.append("")
    lines.append(f"    def forward(self, {', '.join(one.name for one in graph.inputs)}):")
    states = {one.name: f"self.{one.name}" for one in graph.state}
    lines += [f"        {one.name} = {call_source(one, states)}" for one in graph.operations]
    returned = ", ".join(graph.outputs)
    lines.append(f"        return ({returned},)")
    return "\n".join(lines) + "\n"


def inputs_source(graph: FlatGraph) -> str:
    """Return a function that makes the inputs of a program."""
    made = "".join(f"\n        {tensor_source(one)},  # {one.name}" for one in graph.inputs)
    return f"def make_inputs():\n    return ({made}\n    )\n"


def kept_in_file(graph: FlatGraph) -> dict[str, torch.Tensor]:
    """Return the values that are too many to be written, by name."""
    return {one.name: one.value for one in graph.leaves if not one.rule and one.value.numel() > MOST_INLINE}


def tensor_source(leaf: Leaf) -> str:
    """Return Python that makes a leaf's value, exactly."""
    if leaf.rule:
        return leaf.rule
    if leaf.value.numel() > MOST_INLINE:
        return f'VALUES["{leaf.name}"]'
    return f"torch.tensor({_nested(leaf.value)}, dtype={leaf.value.dtype})" + _empty(leaf.value)


def call_source(operation: Operation, states: Mapping[str, str]) -> str:
    """Return the expression of one operation; ``states`` says what values have other names."""
    if is_part_of(operation):
        source, index = operation.args
        return f"{_plain(source, states)}[{index}]"
    words = [_plain(one, states) for one in operation.args]
    words += [f"{name}={_plain(one, states)}" for name, one in operation.kwargs.items()]
    return f"torch.ops.{operation.target}({', '.join(words)})"


def comment(text: str, width: int = WIDTH) -> str:
    """Return a text as lines of a comment."""
    return "\n".join(f"# {line}" for part in text.splitlines() for line in textwrap.wrap(part, width - 2) or [""])


def _plain(value: Any, states: Mapping[str, str]) -> str:
    if isinstance(value, Ref):
        return states.get(value.name, value.name)
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_plain(one, states) for one in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
    if isinstance(value, torch.device):
        return f'torch.device("{value}")'
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, (bool, int, float, complex, str, torch.dtype, torch.layout, torch.memory_format, type(None))):
        return repr(value)
    raise WorkloadError(f"an argument of type {type(value).__name__} cannot be written as Python: {value!r}")


def _nested(value: torch.Tensor) -> str:
    def shown(one: Any) -> str:
        if isinstance(one, list):
            return "[" + ", ".join(map(shown, one)) + "]"
        return f'float("{one}")' if isinstance(one, float) and not math.isfinite(one) else repr(one)

    return shown(_numbers(value))


def _numbers(value: torch.Tensor) -> Any:
    wide = value.detach()
    if wide.dtype in {torch.bfloat16, torch.float16, torch.float32}:
        return _shortest(wide)
    return wide.tolist()


def _shortest(value: torch.Tensor) -> Any:
    """Return floats with as few digits as tell them from all others of their type."""
    if value.dtype is torch.float32:
        import numpy

        def short(one: Any) -> Any:
            return [short(each) for each in one] if isinstance(one, (list, numpy.ndarray)) else float(str(one))

        array = value.numpy()
        return short(array) if array.ndim else float(str(array[()]))
    return value.double().tolist()


def _empty(value: torch.Tensor) -> str:
    """Return what gives an empty tensor its shape, which no nested list has."""
    return f".reshape({list(value.shape)})" if value.numel() == 0 else ""


def _is_parameter(leaf: Leaf) -> bool:
    return leaf.kind == "parameter" and (leaf.value.is_floating_point() or leaf.value.is_complex())
