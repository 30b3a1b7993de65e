"""The planner's input: a program as plain values, without tensors and without torch."""

from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["input", "parameter", "intermediate"]


@dataclass(frozen=True, slots=True)
class Value:
    """One tensor of the program.

    Attributes:
        bytes: Size in bytes, dynamic dimensions taken at their upper bound.
        kind: ``input`` and ``parameter`` (weights, constants) come from outside and are never placed in the
            arena; ``intermediate`` is made by a node.
        signature: dtype, shape and strides as text; dynamic dimensions by their symbol's name.
        constant: Which weight it is, where it is part of the code of the tasks that read it; two values that are equal
            have the same. Empty where a task takes it as an input, and for what is no parameter.
    """

    bytes: int
    kind: ValueKind
    signature: str
    constant: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        operation: The target with all its static arguments as text; tensor arguments are written as ``%0``, ``%1``, ...
            in the order of ``reads``.
        reads: Indices of the values that it reads, in argument order (repeats allowed).
        writes: Indices of the values that it makes.
        region: Path of the model block that the node belongs to (``encoder.layer.3``), or any other label;
            empty when it belongs with the node before it.
    """

    operation: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    region: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A program: values, nodes in execution order, and the values that it returns (in order, repeats allowed)."""

    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
