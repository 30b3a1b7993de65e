"""Random pure programs for tests: operations on matrices of one shape, several outputs among them."""

from __future__ import annotations

import operator

import torch
from hypothesis import strategies as st

from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref

aten = torch.ops.aten
UNARY = (aten.relu.default, aten.neg.default, aten.sin.default, aten.tanh.default)
BINARY = (aten.add.Tensor, aten.mul.Tensor, aten.maximum.default)


@st.composite
def flat_graphs(draw: st.DrawFn, most: int = 12) -> FlatGraph:
    """Draw a program; every operation takes values that are there before it."""
    random = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    leaves = [
        Leaf(name=f"x{at}", kind="input", value=torch.randn(2, 4, generator=random))
        for at in range(draw(st.integers(1, 2)))
    ]
    leaves += [
        Leaf(name=f"w{at}", kind="parameter", value=torch.randn(2, 4, generator=random))
        for at in range(draw(st.integers(0, 2)))
    ]
    names, made = [one.name for one in leaves], []
    for at in range(draw(st.integers(1, most))):
        one, other = (Ref(draw(st.sampled_from(names))) for _ in range(2))
        kind = draw(st.sampled_from(["unary", "binary", "split"]))
        name = f"op{at}"
        if kind == "unary":
            made.append(Operation(name=name, target=draw(st.sampled_from(UNARY)), args=(one,)))
        elif kind == "binary":
            made.append(Operation(name=name, target=draw(st.sampled_from(BINARY)), args=(one, other)))
        else:
            made.append(Operation(name=f"{name}_all", target=aten.sort.default, args=(one, 1)))
            made.append(Operation(name=name, target=operator.getitem, args=(Ref(f"{name}_all"), 0)))
        names.append(name)
    outputs = draw(
        st.lists(
            st.sampled_from([one.name for one in made if "_all" not in one.name]), min_size=1, max_size=3, unique=True
        )
    )
    return FlatGraph(leaves=tuple(leaves), operations=tuple(made), outputs=tuple(outputs))
