"""The executor over tasks, for any compiler that compiles task by task.

Binding does all the work: one arena, a view at each buffer's offset with the shape of this input, and one
callable per task with its arguments bound. A run is a bare loop over these callables.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import torch

from ablatrix.compilers.adapter import CompileFacts
from ablatrix.errors import CompilerError
from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Plan

SIGNATURE = re.compile(r"^(?P<dtype>\w+)\[(?P<shape>.*)\]\(.*\)$")
# Functions in torch's symbolic sizes, besides Python's own operators.
FUNCTIONS = {"Mod": lambda a, b: a % b, "PythonMod": lambda a, b: a % b, "Max": max, "Min": min}
OVERHEAD_ROUNDS = 2000


class TaskFunction(Protocol):
    """One distinct task, compiled and loaded."""

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a callable that reads ``inputs`` and writes ``outputs`` in place, without set-up work.

        Args:
            inputs: The task's reads but for weights that are part of its code, in order; contiguous, aligned to the
                plan's alignment.
            outputs: Storage for its writes, in order.
        """


@dataclass(frozen=True, slots=True)
class Tensor:
    """Type of a value: dtype and shape, whose sizes are numbers or expressions over symbols."""

    dtype: torch.dtype
    shape: tuple[str, ...]

    @classmethod
    def from_signature(cls, signature: str) -> Tensor:
        """Read a ``Value.signature`` such as ``float32[1,s27,64](64*s27,64,1)``."""
        found = SIGNATURE.match(signature)
        if found is None:
            raise CompilerError(f"the value signature {signature!r} is not of the form dtype[shape](strides)")
        return cls(getattr(torch, found["dtype"]), tuple(_split(found["shape"])))

    def shape_at(self, sizes: Mapping[str, int]) -> list[int]:
        """Return the shape with each symbol at its size."""
        return [int(size) if size.isdigit() else _evaluate(size, sizes) for size in self.shape]


class TaskExecutable:
    """A program as tasks that run one after the other on one arena.

    Args:
        graph: What the plan was made for; gives each value's type and the program's inputs and outputs.
        plan: Tasks, and where each buffer lies.
        functions: The loaded function of each distinct task, by ``kind``.
        parameters: The tensor of each value of kind ``parameter``.
        upper_bounds: Upper bound of each symbol that the tasks were compiled for.
        facts: What the compiler reports about them.
    """

    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        functions: Sequence[TaskFunction],
        parameters: Mapping[int, torch.Tensor],
        upper_bounds: Mapping[str, int],
        facts: CompileFacts,
    ) -> None:
        self.facts = facts
        self._graph = graph
        self._plan = plan
        self._functions = functions
        # A weight that is part of the code is no input of a task. The program itself may return it.
        self._constants = {index for index, value in enumerate(graph.values) if value.constant}
        held = {value: t for value, t in parameters.items() if value not in self._constants or value in graph.outputs}
        self._parameters = {value: _aligned(tensor, plan.options.alignment) for value, tensor in held.items()}
        self._upper_bounds = dict(upper_bounds)
        self._inputs = [index for index, value in enumerate(graph.values) if value.kind == "input"]
        placed = {buffer.value for buffer in plan.buffers} | set(self._inputs)
        self._types = {value: Tensor.from_signature(graph.values[value].signature) for value in placed}

    def bind(self, inputs: Sequence[torch.Tensor]) -> TaskRun:
        """Allocate the arena and bind every task to one set of inputs.

        Raises:
            CompilerError: The inputs do not fit the program, or a size is beyond its upper bound.
        """
        sizes = read_sizes([self._types[value] for value in self._inputs], inputs, self._upper_bounds)
        alignment = self._plan.options.alignment
        tensors = dict(self._parameters)
        tensors.update(zip(self._inputs, (_aligned(tensor, alignment) for tensor in inputs), strict=True))
        arena = _arena(self._plan.arena_bytes, alignment)
        for buffer in self._plan.buffers:
            kind = self._types[buffer.value]
            shape = kind.shape_at(sizes)
            stop = buffer.offset + math.prod(shape) * kind.dtype.itemsize
            tensors[buffer.value] = arena[buffer.offset : stop].view(kind.dtype).view(shape)
        calls = [
            self._functions[task.kind].bind(
                [tensors[value] for value in task.reads if value not in self._constants],
                [tensors[value] for value in task.writes],
            )
            for task in self._plan.tasks
        ]
        return TaskRun(calls, tuple(tensors[value] for value in self._graph.outputs))


def read_sizes(
    types: Sequence[Tensor], inputs: Sequence[torch.Tensor], upper_bounds: Mapping[str, int]
) -> dict[str, int]:
    """Read each symbol's size from the inputs, and check that the inputs are what the program takes.

    Raises:
        CompilerError: The inputs do not fit, or a size is beyond its upper bound.
    """
    if len(inputs) != len(types):
        raise CompilerError(f"the program takes {len(types)} inputs, but {len(inputs)} were given")
    sizes: dict[str, int] = {}
    for kind, tensor in zip(types, inputs, strict=True):
        for name, size in zip(kind.shape, tensor.shape, strict=False):
            if name.isidentifier():
                sizes.setdefault(name, int(size))
    for index, (kind, tensor) in enumerate(zip(types, inputs, strict=True)):
        if kind.dtype != tensor.dtype or kind.shape_at(sizes) != list(tensor.shape):
            raise CompilerError(
                f"input {index} must be {kind.dtype} of shape [{', '.join(kind.shape)}], "
                f"but it is {tensor.dtype} of shape {list(tensor.shape)}"
            )
    for name, size in sizes.items():
        bound = upper_bounds.get(name)
        if bound is not None and size > bound:
            raise CompilerError(
                f"the dynamic dimension {name} has size {size}, beyond the upper bound {bound} that "
                "memory was planned for; raise the knob upper_bound or give a smaller input"
            )
    return sizes


class TaskRun:
    """A bound program."""

    def __init__(self, calls: Sequence[Callable[[], None]], outputs: tuple[torch.Tensor, ...]) -> None:
        self._calls = tuple(calls)
        self._outputs = outputs

    def run(self) -> None:
        """Run every task once, in order."""
        for call in self._calls:
            call()

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Return the outputs of the last run; they lie in the arena."""
        return self._outputs

    def overhead_us(self) -> float | None:
        """Measure what the loop itself costs a task in microseconds; None for a program of one task."""
        if len(self._calls) < 2:
            return None
        idle = TaskRun([_nothing] * len(self._calls), ())
        since = perf_counter()
        for _ in range(OVERHEAD_ROUNDS):
            idle.run()
        return (perf_counter() - since) * 1e6 / (OVERHEAD_ROUNDS * len(self._calls))


def _nothing() -> None:
    return None


def _arena(size: int, alignment: int) -> torch.Tensor:
    whole = torch.empty(size + alignment, dtype=torch.uint8)
    start = -whole.data_ptr() % alignment
    return whole[start : start + size]


def _aligned(tensor: torch.Tensor, alignment: int) -> torch.Tensor:
    """Return the tensor contiguous and at a multiple of the alignment: the same one where it already is."""
    dense = tensor.detach().contiguous()
    if dense.data_ptr() % alignment == 0:
        return dense
    storage = _arena(dense.numel() * dense.element_size(), alignment).view(dense.dtype).view(dense.shape)
    return storage.copy_(dense)


def _split(shape: str) -> list[str]:
    """Split the sizes of a shape at its commas, those inside parentheses left alone."""
    sizes, depth, start = [], 0, 0
    for index, character in enumerate(shape):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            sizes.append(shape[start:index].strip())
            start = index + 1
    return [*sizes, shape[start:].strip()] if shape else []


def _evaluate(expression: str, sizes: Mapping[str, int]) -> int:
    names: dict[str, Any] = {**FUNCTIONS, **sizes}
    try:
        return int(eval(expression, {"__builtins__": {}}, names))  # text made by our own capture
    except (NameError, SyntaxError, TypeError) as error:
        raise CompilerError(f"the size {expression!r} cannot be computed from {dict(sizes)}: {error}") from error
