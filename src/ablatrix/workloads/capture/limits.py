"""What a program may not do, found in its nodes: draw random numbers, and let sizes depend on values."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols

from ablatrix.errors import WorkloadError

DROPOUT = ("dropout", "bernoulli", "rrelu")
SYMBOLS = (torch.SymInt, torch.SymFloat, torch.SymBool)


def refuse_random(node: torch.fx.Node) -> None:
    """Refuse an operation that draws random numbers, itself or in what it runs.

    Raises:
        WorkloadError: It does; the message names it, where it is, and what to try.
    """
    found = _random(node)
    if found is None:
        return
    if any(word in found for word in DROPOUT):
        remedy = "call .eval() on the model: it was given, or exported, in train mode"
    else:
        remedy = "draw them outside of the model, with a seed, and give them to it as an input"
    raise WorkloadError(
        f"the program draws random numbers in {found}{place_of(node)}: every run and every compiler would draw others, "
        f"so that no output could be checked; {remedy}"
    )


def _random(node: torch.fx.Node) -> str | None:
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        return str(node.target)
    owner = node.graph.owning_module
    bodies = [owner.get_submodule(one.target) for one in node.all_input_nodes if one.op == "get_attr"] if owner else []
    inner = (_random(one) for body in bodies for one in body.graph.nodes if one.op == "call_function")
    return next((found for found in inner if found), None)


def refuse_unbounded(node: torch.fx.Node) -> None:
    """Refuse an operation whose value or size depends on values of tensors as no size of an input does.

    Raises:
        WorkloadError: It does; the message names it, where it is, and what to try.
    """
    made = node.meta.get("val")
    parts: tuple[Any, ...] = tuple(made) if isinstance(made, (tuple, list)) else (made,)
    sizes = [size for one in parts for size in (one.shape if isinstance(one, torch.Tensor) else (one,))]
    if any(isinstance(size, SYMBOLS) and free_unbacked_symbols(size) for size in sizes):
        maker = node.args[0] if node.target is operator.getitem else node
        raise WorkloadError(
            f"a size in the program depends on values of tensors, at {maker.target}{place_of(maker)}; memory is "
            "planned before values are known, so sizes may depend on sizes of inputs alone: keep all elements and mask "
            "them with torch.where in place of nonzero, unique or indexing by a mask, and a size in place of .item()"
        )


def place_of(node: torch.fx.Node) -> str:
    """Return where in its model a node is, as the end of a sentence; empty where it does not say."""
    stack = node.meta.get("nn_module_stack")
    path = next(reversed(stack.values()))[0] if stack else ""
    path = str(path).removeprefix("L['self'].").removeprefix("L['self']")
    return f" in {path}" if path else ""
