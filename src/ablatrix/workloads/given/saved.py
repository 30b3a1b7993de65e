"""A program that was exported and saved before: ``torch.export.save``."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError
from ablatrix.import_spec import is_importable
from ablatrix.workloads.built import Built, generator
from ablatrix.workloads.capture.assembly import live_ranges
from ablatrix.workloads.given.function import NO_BOUND
from ablatrix.workloads.inputs.resampling import resample
from ablatrix.workloads.operators import import_modules
from ablatrix.workloads.saved_programs import load_saved

TYPE = re.compile(r'type\\?\\?\\?": \\?\\?\\?"([A-Za-z_][\w.]*\.\w+)')
"""A type's name in the text of a tree, which is a text within a text."""


def build_saved(path: Path) -> Built:
    """Read a saved program; its inputs are the examples that it was saved with, or random ones where it has none.

    Inputs of a structure of their own are the tensors in them, in order.

    Raises:
        WorkloadError: It cannot be read, or has a dynamic dimension without an upper bound.
    """
    program = _read(path)
    kinds = {spec.arg.name: spec.kind for spec in program.graph_signature.input_specs}
    given = [node for node in program.graph.nodes if node.op == "placeholder"]
    given = [node for node in given if kinds[node.name] == InputKind.USER_INPUT]
    nodes = [node for node in given if isinstance(node.meta.get("val"), torch.Tensor)]
    values = [node.meta["val"] for node in nodes]
    leaves = [one for one in pytree.tree_leaves(program.example_inputs or ()) if isinstance(one, torch.Tensor)]
    examples = leaves if len(leaves) == len(nodes) else None
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


def _read(path: Path) -> ExportedProgram:
    try:
        return load_saved(path)
    except WorkloadError:
        raise
    except Exception as error:  # the format has many errors and no common one
        first = error
    import_modules(_modules_of_types(path))
    try:
        return load_saved(path)
    except Exception:  # as above; the first reason is the one that says what is missing
        raise WorkloadError(
            f"it is not a program that this torch can read: {type(first).__name__}: {first}; a program whose inputs, "
            "outputs or operators are of types of your own is read where they are known: give a function instead"
        ) from first


def _modules_of_types(path: Path) -> list[str]:
    """Return the modules of the types that a program is called with and returns, where they are installed."""
    try:
        with zipfile.ZipFile(path) as archive:
            texts = [
                archive.read(name).decode(errors="replace") for name in archive.namelist() if name.endswith(".json")
            ]
    except (OSError, zipfile.BadZipFile):
        return []
    found = {name.rpartition(".")[0] for text in texts for name in TYPE.findall(text)}
    return sorted(name for name in found if name and is_importable(name))


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
