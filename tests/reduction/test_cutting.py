"""Parts of programs compute what the whole one does, and stay programs."""

from __future__ import annotations

import operator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.errors import WorkloadError
from ablatrix.reduction.cutting import Whole, bypasses, levels_of, pruned, units_of
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref, export_flat, read_flat
from tests.reduction.programs import flat_graphs

aten = torch.ops.aten
X = torch.tensor([[-1.0, 2.0], [3.0, -4.0]])


def _chain() -> FlatGraph:
    """Return relu(x) -> + w -> sin."""
    return FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=X), Leaf(name="w", kind="parameter", value=torch.ones(2, 2))),
        operations=(
            Operation(name="a", target=aten.relu.default, args=(Ref("x"),), place="one.first"),
            Operation(name="b", target=aten.add.Tensor, args=(Ref("a"), Ref("w")), place="one.second"),
            Operation(name="c", target=aten.sin.default, args=(Ref("b"),), place="two"),
        ),
        outputs=("c",),
    )


@settings(max_examples=60, deadline=None)
@given(flat_graphs(), st.data())
def test_cut_any_part_has_the_values_of_the_whole(graph: FlatGraph, data: st.DataObject) -> None:
    whole = Whole.of(graph)
    units = whole.units
    chosen = data.draw(st.lists(st.sampled_from(units), min_size=1, unique=True))
    cut = whole.cut([unit for unit in units if unit in chosen])
    if cut is None:
        return
    made = cut.values()
    assert {one.name for one in cut.operations} == {name for unit in chosen for name in unit}
    for name, value in made.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, whole.values[name])


@settings(max_examples=6, deadline=None)
@given(flat_graphs(most=6), st.data())
def test_cut_exported_and_read_again_returns_the_same_values(graph: FlatGraph, data: st.DataObject) -> None:
    whole = Whole.of(graph)
    chosen = data.draw(st.lists(st.sampled_from(whole.units), min_size=1, unique=True))
    cut = whole.cut([unit for unit in whole.units if unit in chosen])
    if cut is None:
        return
    inputs = [one.value for one in cut.inputs]
    returned = export_flat(cut).module(check_guards=False)(*inputs)
    again = read_flat(export_flat(cut), inputs)
    values = again.values()
    for name, other, made in zip(cut.outputs, again.outputs, returned, strict=True):
        assert torch.equal(made, whole.values[name])
        assert torch.equal(values[other], whole.values[name])


def test_cut_middle_gets_an_input_with_the_value_it_had() -> None:
    whole = Whole.of(_chain())
    cut = whole.cut([("b",)])
    assert cut is not None
    assert [(one.name, one.kind) for one in cut.leaves] == [("w", "parameter"), ("a", "input")]
    assert torch.equal(cut.inputs[0].value, X.relu())
    assert cut.outputs == ("b",)


def test_cut_both_ends_without_middle_is_two_programs_beside_each_other() -> None:
    cut = Whole.of(_chain()).cut([("a",), ("c",)])
    assert cut is not None
    assert [one.name for one in cut.inputs] == ["x", "b"]
    assert cut.outputs == ("a", "c")


def test_cut_what_depends_on_weights_alone_is_none() -> None:
    graph = FlatGraph(
        leaves=(Leaf(name="w", kind="parameter", value=X), Leaf(name="x", kind="input", value=X)),
        operations=(
            Operation(name="t", target=aten.neg.default, args=(Ref("w"),)),
            Operation(name="b", target=aten.add.Tensor, args=(Ref("x"), Ref("t"))),
        ),
        outputs=("b",),
    )
    assert Whole.of(graph).cut([("t",)]) is None


@settings(max_examples=40, deadline=None)
@given(flat_graphs())
def test_bypasses_any_program_leaves_programs_with_fewer_operations(graph: FlatGraph) -> None:
    small = pruned(graph)
    if small is None:
        return
    for name, changed in bypasses(small):
        assert name not in {one.name for one in changed.operations}
        assert 0 < len(changed.operations) < len(small.operations)
        changed.values()


def test_bypasses_chain_keeps_what_lies_on_both_sides_connected() -> None:
    found = {name: [one.name for one in graph.operations] for name, graph in bypasses(_chain())}
    assert found == {"c": ["a", "b"], "b": ["a", "c"], "a": ["b", "c"]}


def test_levels_of_groups_by_modules_first() -> None:
    many = [
        Operation(name=f"o{at}", target=aten.relu.default, args=(Ref("x"),), place=f"layer.{at // 4}")
        for at in range(16)
    ]
    graph = FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=X),), operations=tuple(many), outputs=tuple(one.name for one in many)
    )
    levels = levels_of(graph)
    assert [len(groups) for groups in levels] == [4, 16]


def test_units_of_tensors_of_one_operation_stay_together() -> None:
    graph = FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=X),),
        operations=(
            Operation(name="s", target=aten.sort.default, args=(Ref("x"), 1)),
            Operation(name="r", target=aten.relu.default, args=(Ref("x"),)),
            Operation(name="i", target=operator.getitem, args=(Ref("s"), 1)),
        ),
        outputs=("i", "r"),
    )
    assert units_of(graph) == (("s", "i"), ("r",))


def test_read_flat_dynamic_program_gets_the_sizes_of_its_inputs() -> None:
    rows = torch.export.Dim("rows", min=2, max=16)

    class Model(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(x.shape[0] * 6) * x.shape[0]

    exported = torch.export.export(Model(), (torch.randn(4, 6),), dynamic_shapes=({0: rows},))
    given = torch.randn(5, 6)
    graph = read_flat(exported, [given])
    assert torch.equal(graph.values()[graph.outputs[0]], given.reshape(30) * 5)
    assert not [one for one in graph.operations if "sym" in str(one.target)]


def test_read_flat_program_in_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Where a test before imported torchax, torch takes its device for an accelerator, which dynamo cannot ask.
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)

    class Model(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cond(x.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (x,))

    exported = torch.export.export(Model(), (X,))
    with pytest.raises(WorkloadError, match=r"torch\.cond"):
        read_flat(exported, [X])
