"""Smaller sizes and simpler values of a program."""

from __future__ import annotations

import torch

from ablatrix.reduction.shapes import one_axis_smaller, sizes_of, smaller
from ablatrix.reduction.values import all_simple, evaluate_rule, named_if_simple, simpler_leaves
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref

aten = torch.ops.aten


def heads() -> FlatGraph:
    """Return x [4, 6, 8] viewed as [4, 6, 2, 4], and added to a bias of 4."""
    return FlatGraph(
        leaves=(
            Leaf(name="x", kind="input", value=torch.randn(4, 6, 8)),
            Leaf(name="w", kind="parameter", value=torch.randn(4)),
        ),
        operations=(
            Operation(name="v", target=aten.view.default, args=(Ref("x"), [4, 6, 2, 4])),
            Operation(name="y", target=aten.add.Tensor, args=(Ref("v"), Ref("w"))),
        ),
        outputs=("y",),
    )


def shape(graph: FlatGraph) -> tuple[int, ...]:
    return tuple(graph.values()[graph.outputs[0]].shape)


def test_sizes_of_names_each_once_and_the_largest_first() -> None:
    assert sizes_of(heads()) == [8, 6, 4]


def test_smaller_size_of_an_axis_follows_in_views() -> None:
    assert [shape(one) for one in smaller(heads(), 6)] == [(4, 1, 2, 4), (4, 2, 2, 4), (4, 4, 2, 4), (4, 3, 2, 4)]


def test_smaller_size_that_is_part_of_another_takes_it_along() -> None:
    assert [shape(one) for one in smaller(heads(), 4)] == [(1, 6, 2, 1), (2, 6, 2, 2)]


def test_smaller_size_of_a_view_is_one_that_eager_can_run() -> None:
    graph = FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=torch.randn(3, 5)),),
        operations=(Operation(name="y", target=aten.view.default, args=(Ref("x"), [3, 5, 1])),),
        outputs=("y",),
    )
    assert [shape(one) for one in smaller(graph, 3)] == [(1, 5, 1), (2, 5, 1)]


def test_one_axis_smaller_leaves_the_others() -> None:
    graph = FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=torch.randn(4, 4)),),
        operations=(Operation(name="y", target=aten.relu.default, args=(Ref("x"),)),),
        outputs=("y",),
    )
    assert [shape(one) for one in one_axis_smaller(graph, graph.leaves[0], 1)] == [(4, 1), (4, 2)]


def test_smaller_rows_of_a_table_bring_indices_back_into_it() -> None:
    graph = FlatGraph(
        leaves=(
            Leaf(name="table", kind="parameter", value=torch.randn(10, 3)),
            Leaf(name="ids", kind="input", value=torch.tensor([9, 3])),
        ),
        operations=(Operation(name="y", target=aten.embedding.default, args=(Ref("table"), Ref("ids"))),),
        outputs=("y",),
    )
    first = next(smaller(graph, 10))
    assert [list(one.value.shape) for one in first.leaves] == [[1, 3], [2]]
    assert first.inputs[0].value.tolist() == [0, 0]


def test_simpler_leaves_have_rules_that_make_them_again() -> None:
    leaf = Leaf(name="x", kind="input", value=torch.randn(2, 3))
    made = list(simpler_leaves(leaf))
    assert [one.value.tolist() for one in made[:2]] == [[[0.0] * 3] * 2, [[1.0] * 3] * 2]
    assert all(torch.equal(evaluate_rule(one.rule), one.value) for one in made if one.rule)
    assert torch.equal(made[4].value, leaf.value.round())


def test_simpler_leaves_stop_at_what_the_leaf_has() -> None:
    assert list(simpler_leaves(Leaf(name="x", kind="input", value=torch.zeros(2)))) == []
    assert len(list(simpler_leaves(Leaf(name="x", kind="input", value=torch.ones(2))))) == 1


def test_named_if_simple_finds_the_rule_of_values() -> None:
    assert named_if_simple(Leaf(name="x", kind="input", value=torch.ones(2, 2))).rule == (
        "torch.ones([2, 2], dtype=torch.float32)"
    )
    assert named_if_simple(Leaf(name="x", kind="input", value=torch.tensor([0.3]))).rule == ""


def test_all_simple_leaves_indices_and_masks_as_they_are() -> None:
    graph = FlatGraph(
        leaves=(
            Leaf(name="x", kind="input", value=torch.randn(7)),
            Leaf(name="at", kind="input", value=torch.tensor([3])),
        ),
        operations=(Operation(name="y", target=aten.index.Tensor, args=(Ref("x"), [Ref("at")])),),
        outputs=("y",),
    )
    first = next(all_simple(graph))
    assert first.leaves[0].value.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0, -2.0, -1.0]
    assert first.leaves[1].value.tolist() == [3]
