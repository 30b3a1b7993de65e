"""What the check says of outputs, for small modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ablatrix.trials.worker.check import Comparison
from ablatrix.workloads.oracle import Oracle
from ablatrix.workloads.program import InputSet


class Function(torch.nn.Module):  # type: ignore[misc]
    """A function as a module."""

    def __init__(self, function: Callable[..., Any], **buffers: torch.Tensor) -> None:
        super().__init__()
        self.function = function
        for name, value in buffers.items():
            self.register_buffer(name, value)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs, *self.buffers())


def prepared(function: Callable[..., Any], *inputs: torch.Tensor, **buffers: torch.Tensor) -> InputSet:
    """Return the input set of a function, with what the oracle answers and allows."""
    with torch.no_grad():
        exported = torch.export.export(Function(function, **buffers), inputs)
    answer = Oracle(exported).answer(inputs)
    return InputSet(0, {}, inputs, answer.expected, answer.allowances)


def eager(function: Callable[..., Any], *inputs: torch.Tensor, **buffers: torch.Tensor) -> list[torch.Tensor]:
    """Return what a function gives in eager."""
    with torch.no_grad():
        given = function(*inputs, *buffers.values())
    return [given] if isinstance(given, torch.Tensor) else list(given)


def judge(outputs: torch.Tensor | Sequence[torch.Tensor], input_set: InputSet) -> Comparison:
    """Compare outputs with the default tolerance."""
    comparison = Comparison(rms_factor=2.0, rms_floor=1e-6, input_sets=1)
    comparison.compare([outputs] if isinstance(outputs, torch.Tensor) else outputs, input_set, "input set 0")
    return comparison


def changed(output: torch.Tensor, *index: int, to: float) -> torch.Tensor:
    """Return a copy with one element changed."""
    other = output.clone()
    other[index] = to
    return other
