"""What a workload's builder returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram

if TYPE_CHECKING:
    from ablatrix.records.tokens import TokenFacts
    from ablatrix.workloads.generation import Prompted

Reference = Callable[[Sequence[torch.Tensor]], Sequence[torch.Tensor]]
MakeInputs = Callable[[int, Mapping[str, int]], tuple[torch.Tensor, ...]]


@dataclass(frozen=True)
class Built:
    """A model with what is needed to export and to run it.

    Attributes:
        module: In eval mode, float32, with seeded weights. Its ``forward`` takes the inputs positionally.
        make_inputs: ``(seed, sizes) -> inputs``; ``sizes`` holds the size of each dynamic dimension by name.
            The same arguments give the same tensors.
        input_names: Names of the inputs in order.
        dynamic: Dynamic dimensions: name -> (smallest, largest) size.
        timed_sizes: Size of each dynamic dimension that is timed.
        input_dimensions: For each input with dynamic dimensions, by its name: axis -> name of the dimension.
        own_inputs: Inputs of the first input set, where the workload has its own; else ``make_inputs`` makes them.
        exported: The program, where it was exported before; else ``module`` is exported.
        parameter_count: Elements of its weights, where ``module`` does not hold them as parameters.
        chain: Number of operations in which rounding may accumulate, where the model has no float64 and eager float32
            is itself the oracle; else None.
        rounding: Error that rounding must be expected to leave in the outputs, relative to their values, of a model
            that runs as one operation and so shows few of its roundings; else None.
        reference: What shows eager's error in place of the program, where that computes in wider types than it names,
            or is itself the oracle: takes the inputs, returns the outputs in order.
        quanta: Distance of two values next to each other in each output that is quantised, 0 in one that is not; empty
            where none is known to be.
        unquantised: The module before its weights were quantised, of the same inputs; None where they are not.
        tokens: Of a phase of a model that generates text: its tokens, and the bytes that it must read.
        prompted: Of a decode step: how many steps the check makes one after the other, and what makes the first
            inputs.
    """

    module: torch.nn.Module
    make_inputs: MakeInputs
    input_names: tuple[str, ...]
    dynamic: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    timed_sizes: Mapping[str, int] = field(default_factory=dict)
    input_dimensions: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    own_inputs: tuple[torch.Tensor, ...] | None = None
    exported: ExportedProgram | None = None
    parameter_count: int | None = None
    chain: int | None = None
    rounding: float | None = None
    reference: Reference | None = None
    quanta: tuple[float, ...] = ()
    unquantised: torch.nn.Module | None = None
    tokens: TokenFacts | None = None
    prompted: tuple[int, Callable[[], Prompted]] | None = None

    def dynamic_shapes(self) -> tuple[dict[int, Any] | None, ...] | None:
        """Return what ``torch.export.export`` takes as ``dynamic_shapes``; None for a static program."""
        if not self.dynamic:
            return None
        dimensions = {
            name: torch.export.Dim(name, min=smallest, max=largest)
            for name, (smallest, largest) in self.dynamic.items()
        }
        return tuple(
            {axis: dimensions[name] for axis, name in self.input_dimensions.get(one, {}).items()} or None
            for one in self.input_names
        )


def generator(seed: int) -> torch.Generator:
    """Return a random generator of its own, so that the global one is left alone."""
    return torch.Generator().manual_seed(seed)


def seeded(build: Callable[[], torch.nn.Module], seed: int = 0) -> torch.nn.Module:
    """Build a module in eval mode, without gradients, whose random weights depend on ``seed`` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().eval().requires_grad_(False)


def spread(module: torch.nn.Module) -> torch.nn.Module:
    """Give norms and biases random values, and return the module.

    They are initialised to 1 and 0: a compiler that dropped one would still return the right outputs. Statistics of
    batch norm are drawn like a trained network's: variances between 1 and 3, so that residual paths do not grow much.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0.0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(1.0, 3.0)
    return module
