"""Operators that are not torch's own: which modules a process has to import before it can read a program with them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch._library.custom_ops import OPDEFS
from torch.export import ExportedProgram

from ablatrix.errors import WorkloadError
from ablatrix.import_spec import import_file, is_importable
from ablatrix.workloads.entry import WorkloadEntry

KNOWN = frozenset({"ablatrix", "aten", "higher_order", "prim", "prims", "quantized", "quantized_decomposed"})
"""Namespaces of operators that every worker has."""


def needed_modules(programs: Iterable[ExportedProgram], entry: WorkloadEntry) -> tuple[str, ...]:
    """Return the modules and files that have to be imported before programs can be read, in order.

    Args:
        programs: As they are kept.
        entry: Of their workload: what its function was imported from registers its operators.
    """
    names = {name for program in programs for name in _operators(program.graph_module)}
    foreign = sorted(name for name in names if name.partition("::")[0] not in KNOWN)
    found: dict[str, None] = {}
    own = entry.builder.rpartition(":")[0] if entry.origin is None or entry.origin.kind == "function" else ""
    if foreign and own:
        found[own] = None
    for name in foreign:
        definition = OPDEFS.get(name)
        namespace = name.partition("::")[0]
        if definition is not None:
            module = definition._init_fn.__module__
            if getattr(sys.modules.get(module), "__file__", None) != own:
                found[module] = None
        elif is_importable(namespace):
            found[namespace] = None
    return tuple(found)


def import_modules(names: Iterable[str]) -> None:
    """Import what `needed_modules` named.

    Raises:
        WorkloadError: One cannot be imported here.
    """
    for name in names:
        try:
            import_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)
        except Exception as error:  # a module of the user's may raise anything
            raise WorkloadError(
                f"the program has operators of '{name}', which cannot be imported: {type(error).__name__}: {error}"
            ) from error


def _operators(module: torch.fx.GraphModule) -> Iterator[str]:
    for node in module.graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload):
            yield str(node.target._schema.name)
    for inner in module.children():
        if isinstance(inner, torch.fx.GraphModule):
            yield from _operators(inner)
