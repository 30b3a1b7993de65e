"""Small programs, and requests to compile them."""

from collections.abc import Mapping
from pathlib import Path

import torch

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.cache import TaskCache
from ablatrix.compilers.catalogue import Level
from ablatrix.plan.plan import Partition, PlanOptions, Reuse
from ablatrix.plan.planner import make_plan
from ablatrix.records.model import WorkloadFacts
from ablatrix.workloads.capture import capture, export_tasks, lower
from ablatrix.workloads.program import Program


class Block(torch.nn.Module):  # type: ignore[misc]
    """One small attention block with a feed-forward part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (torch.nn.Linear(width, width) for _ in range(3))
        self.norm = torch.nn.LayerNorm(width)
        self.inner = torch.nn.Linear(width, 2 * width)
        self.outer = torch.nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = torch.softmax(self.query(x) @ self.key(x).transpose(-1, -2), -1)
        x = self.norm(x + scores @ self.value(x))
        return x + self.outer(torch.nn.functional.gelu(self.inner(x)))


class Stack(torch.nn.Module):  # type: ignore[misc]
    """Equal blocks, so that regions repeat."""

    def __init__(self, blocks: int = 3, width: int = 8) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Block(width) for _ in range(blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Function(torch.nn.Module):  # type: ignore[misc]
    """A plain function as a module."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> object:
        return self.function(*inputs)  # type: ignore[operator]


def make_program(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], dynamic_shapes: object = None) -> Program:
    """Export and lower a module; it has no draws and no oracle."""
    with torch.no_grad():
        exported = torch.export.export(module.eval().requires_grad_(False), inputs, dynamic_shapes=dynamic_shapes)
    facts = WorkloadFacts(
        name="toy",
        tier="tiny",
        parameters={},
        inputs=[],
        dynamic={},
        timed_sizes={},
        parameter_count=0,
        digest="",
    )
    return Program(facts=facts, exported=exported, lowered=lower(exported), draws=())


def make_request(
    program: Program,
    directory: Path,
    knobs: Mapping[str, Level] | None = None,
    cache: TaskCache | None = None,
    bounds: Mapping[str, int] | None = None,
    partition: Partition = "whole",
    reuse: Reuse = "keep",
    threads: int = 1,
    dump: Path | None = None,
) -> CompileRequest:
    """Plan a program and ask for one configuration of it. ``directory`` holds what is built and the cache."""
    graph = capture(program.lowered, bounds)
    plan = make_plan(graph, PlanOptions(partition=partition, reuse=reuse))
    work_dir = directory / "work"
    work_dir.mkdir(exist_ok=True)
    return CompileRequest(
        program=program,
        graph=graph,
        plan=plan,
        tasks=export_tasks(program.lowered, plan, bounds),
        knobs={"partition": partition, "reuse": reuse, **(knobs or {})},
        cache=TaskCache(directory / "cache") if cache is None else cache,
        clock=PhaseClock(),
        threads=threads,
        work_dir=work_dir,
        dump=dump,
    )
