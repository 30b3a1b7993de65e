"""Every workload in toy size, and how to run a plan with torch."""

from collections.abc import Sequence

import torch

from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Plan
from ablatrix.workloads.capture import input_values, value_tensors
from ablatrix.workloads.program import Program, TaskProgram

TOYS: dict[str, dict[str, int]] = {
    "mlp": {"layers": 3, "hidden": 8, "classes": 3, "batch": 2},
    "convolution": {"blocks": 3, "channels": 4, "image": 6},
    "attention": {"blocks": 2, "hidden": 8, "heads": 2, "tokens": 5},
    "encoder": {"layers": 2, "hidden": 16, "heads": 2, "tokens": 6, "vocabulary": 11},
    "decoder": {
        "layers": 2,
        "hidden": 16,
        "inner": 24,
        "heads": 4,
        "groups": 2,
        "tokens": 6,
        "tokens_bound": 12,
        "vocabulary": 11,
    },
    "resnet": {"layers": 14, "channels": 2, "image": 32, "classes": 5},
    "bound_propagation": {"stages": 2, "blocks": 2, "channels": 3, "image": 6, "classes": 4},
}
PARTS_OF_OTHERS = frozenset({"attention", "convolution"})
"""Workloads that are blocks of others alone, of ``encoder`` and of ``resnet``: the long forms of tests have them."""


def run_plan_eager(
    program: Program, graph: Graph, plan: Plan, tasks: Sequence[TaskProgram], inputs: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Run a plan's tasks one after another and return the program's outputs."""
    modules = [task.exported.module(check_guards=False) for task in tasks]
    held = value_tensors(program.lowered, graph)
    held.update(zip(input_values(graph), inputs, strict=True))
    with torch.no_grad():
        for task in plan.tasks:
            made = modules[task.kind](*[held[value] for value in task.reads])
            held.update(zip(task.writes, made, strict=True))
    return [held[value] for value in graph.outputs]


def run_lowered(program: Program, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Run the lowered program as it is."""
    with torch.no_grad():
        return list(program.lowered.module(check_guards=False)(*inputs))
