"""A program that was exported and saved before: ``torch.export.save``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built, generator
from ablatrix.workloads.capture.assembly import live_ranges
from ablatrix.workloads.given.function import NO_BOUND, resample
from ablatrix.workloads.saved_programs import load_saved


def build_saved(path: Path) -> Built:
    """Read a saved program; its inputs are the examples that it was saved with, or random ones where it has none.

    Raises:
        WorkloadError: It cannot be read, takes inputs other than tensors in order, or has a dynamic dimension
            without an upper bound.
    """
    try:
        program = load_saved(path)
    except WorkloadError:
        raise
    except Exception as error:  # the format has many errors and no common one
        raise WorkloadError(f"it is not a program that this torch can read: {type(error).__name__}: {error}") from error
    kinds = {spec.arg.name: spec.kind for spec in program.graph_signature.input_specs}
    nodes = [
        node for node in program.graph.nodes if node.op == "placeholder" and kinds[node.name] == InputKind.USER_INPUT
    ]
    values = [node.meta.get("val") for node in nodes]
    examples, keywords = program.example_inputs or (None, {})
    nested = examples is not None and (len(examples) != len(nodes) or not all(map(torch.is_tensor, examples)))
    if keywords or nested or not all(map(torch.is_tensor, values)):
        raise WorkloadError("it must take tensors in order; export it with plain positional inputs")
    bounds = _bounds(program)
    dimensions = {
        node.name: {axis: str(size) for axis, size in enumerate(value.shape) if not isinstance(size, int)}
        for node, value in zip(nodes, values, strict=True)
    }
    derived = sorted({name for axes in dimensions.values() for name in axes.values()} - set(bounds))
    if derived:
        raise WorkloadError(f"sizes of inputs must be numbers or dynamic dimensions alone, but got {derived}")
    sizes: dict[str, int] = {}
    for index, axes in enumerate(dimensions.values()):
        for axis, name in axes.items():
            sizes.setdefault(name, examples[index].shape[axis] if examples else bounds[name][1])
    inputs = (
        tuple(examples)
        if examples
        else tuple(_draw(value, axes, sizes) for value, axes in zip(values, dimensions.values(), strict=True))
    )
    return Built(
        module=program.module(check_guards=False),
        make_inputs=resample(inputs, list(dimensions.values())),
        input_names=tuple(node.name for node in nodes),
        dynamic=bounds,
        timed_sizes=sizes,
        input_dimensions=dimensions,
        own_inputs=tuple(one.detach().contiguous() for one in inputs),
        exported=program,
    )


def _bounds(program: ExportedProgram) -> dict[str, tuple[int, int]]:
    found = {}
    for symbol, interval in live_ranges(program).items():
        if not interval.upper.is_Integer or int(interval.upper) >= NO_BOUND:
            raise WorkloadError(
                f"its dynamic dimension {symbol} has no upper bound; export it with torch.export.Dim(name, max=...)"
            )
        found[str(symbol)] = (max(2, int(interval.lower)), int(interval.upper))
    return found


def _draw(value: Any, axes: Any, sizes: Any) -> torch.Tensor:
    shape = [sizes[axes[axis]] if axis in axes else size for axis, size in enumerate(value.shape)]
    if value.dtype.is_floating_point:
        return torch.randn(shape, generator=generator(0)).to(value.dtype)
    return torch.randint(2, shape, generator=generator(0)).to(value.dtype)
