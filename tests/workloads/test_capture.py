"""Captured graphs and cut tasks, where the shipped workloads do not reach or reach only together."""

import functools

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

from ablatrix.errors import WorkloadError
from ablatrix.plan.plan import Plan, PlanOptions, Task
from ablatrix.plan.planner import make_plan
from ablatrix.workloads.capture import capture, export_tasks, input_values, lower, value_tensors
from ablatrix.workloads.capture.graph import OUTSIDE, REGION
from ablatrix.workloads.prepare import prepare
from tests.workloads.toys import TOYS


@pytest.mark.parametrize(
    ("path", "region"),
    [
        ("bert.encoder.layer.3.attention.self", "bert.encoder.layer.3"),
        ("llama.model.layers.11", "llama.model.layers.11"),
        ("transformer.h.0.mlp", "transformer.h.0"),
        ("resnet.encoder.stages.2.layers.5.layer.1.convolution", "resnet.encoder.stages.2.layers.5"),
        ("stages.1.enter", "stages.1"),
        ("stages.1.blocks.10", "stages.1.blocks.10"),
        ("player.3.head", ""),
        ("bert.embeddings.word_embeddings", ""),
        ("", ""),
    ],
)
def test_region_is_path_of_block(path: str, region: str) -> None:
    found = REGION.match(path)
    assert (found.group(1) if found else "") == region


@functools.cache
def lowered(name: str) -> ExportedProgram:
    return prepare(name, TOYS[name], input_sets=1).lowered


@pytest.mark.parametrize(("name", "blocks"), [("mlp", 3), ("attention", 2), ("encoder", 2), ("convolution", 3)])
def test_identical_blocks_are_one_task(name: str, blocks: int) -> None:
    graph = capture(lowered(name))
    plan = make_plan(graph, PlanOptions(partition="regions"))
    kinds: dict[str, set[int]] = {}
    for task in plan.tasks:
        for node in graph.nodes[task.start : task.stop]:
            if node.region != OUTSIDE:
                kinds.setdefault(node.region, set()).add(task.kind)
    assert len(kinds) == blocks
    assert len(set().union(*kinds.values())) == 1


def test_values_are_each_written_once_before_they_are_read() -> None:
    graph = capture(lowered("attention"))
    known = {index for index, value in enumerate(graph.values) if value.kind != "intermediate"}
    for node in graph.nodes:
        assert set(node.reads) <= known
        assert not set(node.writes) & known
        assert all(f"%{place}" in node.operation for place in range(len(node.reads)))
        known |= set(node.writes)
    assert known == set(range(len(graph.values)))


class Splits(nn.Module):  # type: ignore[misc]
    """Several outputs of one operation, an unused one, an unused input, and an output returned twice."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(1.0, 5.0))
        self.unused = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        left, right = x.split([3, 1], dim=1)
        values, _ = (left * (self.scale * 2)[:3]).max(dim=1)
        return {"values": values, "again": values, "right": right}


def _lowered() -> torch.export.ExportedProgram:
    return lower(torch.export.export(Splits(), (torch.randn(2, 4), torch.randn(1))))


def test_outputs_of_one_operation_are_separate_values() -> None:
    graph = capture(_lowered())
    (maximum,) = [node for node in graph.nodes if ".max." in node.operation]
    assert len(maximum.writes) == 2
    assert graph.values[maximum.writes[1]].signature == "int64[2](1)"
    assert graph.outputs[0] == graph.outputs[1] == maximum.writes[0]


def test_weights_are_folded_and_unused_ones_dropped() -> None:
    program = _lowered()
    graph = capture(program)
    (weight,) = value_tensors(program, graph).values()
    assert torch.equal(weight, torch.tensor([2.0, 4.0, 6.0]))
    assert [graph.values[value].signature for value in input_values(graph)] == ["float32[2,4](4,1)", "float32[1](1)"]


def _cut(start: int, stop: int, reads: tuple[int, ...], writes: tuple[int, ...], kind: int) -> Task:
    return Task(start, stop, reads, writes, kind, f"task-{kind}")


def _plan(*tasks: Task) -> Plan:
    return Plan(PlanOptions(), tasks, (), 0, 0, 0, 0, 0)


def test_task_returns_output_chosen_in_other_task() -> None:
    program = _lowered()
    graph = capture(program)
    place = next(index for index, node in enumerate(graph.nodes) if ".max." in node.operation)
    maximum, product = graph.nodes[place], graph.nodes[place].reads[0]
    (task,) = export_tasks(program, _plan(_cut(place, place + 1, (product,), maximum.writes, 0)))
    x = torch.randn(2, 3)
    values, indices = task.exported.module()(x)
    assert torch.equal(values, x.max(1).values)
    assert torch.equal(indices, x.max(1).indices)


def test_task_without_its_required_size_is_refused() -> None:
    class Positions(nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return y.relu() + torch.ones(x.shape[0])

    size = torch.export.Dim("size", min=2, max=9)
    shapes = ({0: size}, {0: size})
    program = lower(torch.export.export(Positions(), (torch.ones(4), torch.ones(4)), dynamic_shapes=shapes))
    graph = capture(program)
    ones = next(index for index, node in enumerate(graph.nodes) if not node.reads)
    with pytest.raises(WorkloadError, match=r"needs the dynamic size s.*, which none of its inputs has"):
        export_tasks(program, _plan(_cut(ones, ones + 1, (), graph.nodes[ones].writes, 0)))


def test_dimension_without_bound_is_refused() -> None:
    shapes = ({0: torch.export.Dim("size", min=2)},)
    program = lower(torch.export.export(nn.ReLU(), (torch.ones(4),), dynamic_shapes=shapes))
    with pytest.raises(WorkloadError, match="has no upper bound"):
        capture(program)
    (symbol,) = program.range_constraints
    assert capture(program, {str(symbol): 5}).values[0].bytes == 20


def test_buffer_that_is_written_to_is_an_input_and_an_output() -> None:
    class Counter(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.count += 1
            return x * self.count

    lowered = lower(torch.export.export(Counter(), (torch.ones(2),)))
    assert list(lowered.graph_signature.user_inputs) == ["x", "b_count"]
    product, count = lowered.module(check_guards=False)(torch.ones(2), torch.full((1,), 4.0))
    assert (product.tolist(), count.tolist()) == ([5.0, 5.0], [5.0])


def test_program_that_uses_random_numbers_is_refused() -> None:
    class Noise(nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.rand_like(x)

    with pytest.raises(WorkloadError, match="random numbers"):
        lower(torch.export.export(Noise(), (torch.ones(2),)))


@pytest.mark.parametrize("kind", ["bool", "causal"])
def test_masked_attention_is_lowered_correctly(kind: str) -> None:
    class Attends(nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            if kind == "causal":
                return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True) + mask.sum()
            return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    x, mask = torch.randn(1, 2, 4, 8), torch.ones(4, 4, dtype=torch.bool).tril()
    got = lower(torch.export.export(Attends(), (x, mask))).module()(x, mask)[0]
    torch.testing.assert_close(got, Attends()(x, mask))


def test_bounds_of_larger_radius_hold_those_of_every_image_within() -> None:
    sizes = {"stages": 2, "blocks": 1, "channels": 3, "image": 8, "classes": 4}
    program = prepare("bound_propagation", sizes, input_sets=1)
    image, radius = program.input_sets[0].inputs
    run = program.exported.module()
    lower_bound, upper_bound = run(image, radius)
    assert bool((lower_bound < upper_bound).all())
    for seed in range(5):
        offset = torch.rand(image.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        exact, same = run(image + offset * radius, torch.zeros_like(radius))
        torch.testing.assert_close(exact, same)
        assert bool((lower_bound <= exact).all())
        assert bool((exact <= upper_bound).all())
