"""A program as Python computes what the program does, with its very values."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings

from ablatrix.errors import WorkloadError
from ablatrix.reduction.source import call_source, inputs_source, kept_in_file, module_source, tensor_source
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref
from tests.reduction.programs import flat_graphs

aten = torch.ops.aten


def executed(graph: FlatGraph) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Run the text of a program, and return what it defines."""
    names: dict[str, Any] = {"torch": torch, "VALUES": kept_in_file(graph)}
    exec(module_source(graph) + inputs_source(graph), names)
    return names["Model"](), names["make_inputs"]()


@settings(max_examples=40, deadline=None)
@given(flat_graphs())
def test_module_source_any_program_returns_its_values_bit_by_bit(graph: FlatGraph) -> None:
    if not graph.inputs:
        return
    module, inputs = executed(graph)
    values = graph.values()
    for made, name in zip(module(*inputs), graph.outputs, strict=True):
        assert torch.equal(made, values[name])


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([0.1, -1e-42, float("inf"), float("nan")]),
        torch.tensor([[1, -(2**62)]]),
        torch.tensor([True, False]),
        torch.tensor(3.3),
        torch.zeros(0, 3),
        torch.tensor([0.1, 2.0], dtype=torch.bfloat16),
        torch.tensor([0.1, 2.0], dtype=torch.float64),
        torch.arange(1000.0),
    ],
)
def test_tensor_source_makes_the_same_tensor(value: torch.Tensor) -> None:
    leaf = Leaf(name="x", kind="input", value=value)
    made = eval(tensor_source(leaf), {"torch": torch, "VALUES": {"x": value}})
    assert (made.dtype, made.shape) == (value.dtype, value.shape)
    assert torch.equal(made.nan_to_num(7.0), value.nan_to_num(7.0))


def test_call_source_writes_lists_types_and_numbers_that_are_none() -> None:
    one = Operation(
        name="y",
        target=aten.full.default,
        args=([2, 3], float("-inf")),
        kwargs={"dtype": torch.float32, "device": torch.device("cpu")},
    )
    assert call_source(one, {}) == (
        'torch.ops.aten.full.default([2, 3], float("-inf"), dtype=torch.float32, device=torch.device("cpu"))'
    )
    two = Operation(name="z", target=aten.cat.default, args=([Ref("a"), Ref("w")], 1))
    assert call_source(two, {"w": "self.w"}) == "torch.ops.aten.cat.default([a, self.w], 1)"


def test_call_source_object_is_refused() -> None:
    with pytest.raises(WorkloadError, match="of type object cannot be written"):
        call_source(Operation(name="y", target=aten.relu.default, args=(object(),)), {})
