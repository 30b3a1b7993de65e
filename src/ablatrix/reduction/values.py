"""Simpler values for weights and inputs, each with a rule by which anybody makes them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from ablatrix.workloads.capture import FlatGraph, Leaf

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
SMALL = 5
"""Whole numbers of a ramp: from -2 to 2, so that signs differ and nothing grows."""


def simpler_leaves(leaf: Leaf) -> Iterator[Leaf]:
    """Yield a leaf with simpler values, the simplest first: those that it has are not among them."""
    for rule in _rules(leaf.value):
        made = evaluate_rule(rule)
        if made.dtype == leaf.value.dtype and made.shape == leaf.value.shape:
            if torch.equal(made, leaf.value):
                return
            yield replace(leaf, value=made, rule=rule)
    if leaf.value.dtype in FLOATS:
        for digits in (0, 1, 2):
            rounded = torch.round(leaf.value.double(), decimals=digits).to(leaf.value.dtype)
            if not torch.equal(rounded, leaf.value):
                yield replace(leaf, value=rounded, rule="")


def named_if_simple(leaf: Leaf) -> Leaf:
    """Return a leaf with the rule that makes just its values, where there is one."""
    for rule in _rules(leaf.value):
        made = evaluate_rule(rule)
        if made.dtype == leaf.value.dtype and made.shape == leaf.value.shape and torch.equal(made, leaf.value):
            return replace(leaf, rule=rule)
    return leaf


def all_simple(graph: FlatGraph) -> Iterator[FlatGraph]:
    """Yield a program with all of its floats by one rule: a ramp, then random ones from fixed seeds.

    Of whole numbers and booleans those stay that it has: they may be indices and masks.
    """
    for number in range(2):
        leaves = []
        for at, one in enumerate(graph.leaves):
            if one.value.dtype not in FLOATS or one.value.numel() == 0:
                leaves.append(one)
                continue
            rule = _ramp(one.value) if number == 0 else _random(one.value, at)
            leaves.append(replace(one, value=evaluate_rule(rule), rule=rule))
        yield replace(graph, leaves=tuple(leaves))


def with_leaf(graph: FlatGraph, leaf: Leaf) -> FlatGraph:
    """Return a program with another leaf of the same name."""
    return replace(graph, leaves=tuple(leaf if one.name == leaf.name else one for one in graph.leaves))


def evaluate_rule(rule: str) -> torch.Tensor:
    """Return what a rule of this module makes."""
    made: torch.Tensor = eval(rule, {"torch": torch})
    return made


def _rules(value: torch.Tensor) -> Iterator[str]:
    shape = _shape(value.shape)
    if value.numel() == 0:
        return
    yield f"torch.zeros({shape}, dtype={value.dtype})"
    yield f"torch.ones({shape}, dtype={value.dtype})"
    if value.dtype in FLOATS:
        yield _ramp(value)
        yield _random(value, 0)


def _ramp(value: torch.Tensor) -> str:
    return f"(torch.arange({value.numel()}) % {SMALL} - {SMALL // 2}).reshape({_shape(value.shape)}).to({value.dtype})"


def _random(value: torch.Tensor, seed: int) -> str:
    return f"torch.randn({_shape(value.shape)}, generator=torch.Generator().manual_seed({seed})).to({value.dtype})"


def _shape(sizes: Sequence[int]) -> str:
    return str(list(sizes))
