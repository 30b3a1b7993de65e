"""Programs of modules, and requests to compile them, as a worker makes them in a trial."""

from collections.abc import Mapping
from pathlib import Path

import torch

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.cache import Scope, TaskCache
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.compilers.settings import NO_SETTINGS, Applied
from ablatrix.plan.plan import Partition, PlanOptions, Reuse
from ablatrix.plan.planner import make_plan
from ablatrix.records.model import WorkloadFacts
from ablatrix.records.workload import InputFacts
from ablatrix.workloads.capture import capture, export_tasks, take
from ablatrix.workloads.program import Program


class Function(torch.nn.Module):  # type: ignore[misc]
    """A plain function as a module."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> object:
        """Call the function."""
        return self.function(*inputs)  # type: ignore[operator]


def make_program(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], dynamic_shapes: object = None) -> Program:
    """Export and lower a module; it has no input sets and no oracle.

    Args:
        module: What to export; it is brought to eval mode and its weights need no gradients any more.
        inputs: Positional inputs to export it with.
        dynamic_shapes: As ``torch.export.export`` takes them; None for a static program.
    """
    with torch.no_grad():
        exported = torch.export.export(module.eval().requires_grad_(False), inputs, dynamic_shapes=dynamic_shapes)
    functional, lowered = take(exported)
    facts = WorkloadFacts(
        name="toy",
        tier="tiny",
        parameters={},
        inputs=[
            InputFacts(name=name, shape=list(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))
            for name, tensor in zip(lowered.graph_signature.user_inputs, inputs, strict=True)
        ],
        dynamic={},
        timed_sizes={},
        parameter_count=0,
        digest="",
    )
    return Program(facts=facts, exported=functional.program, lowered=lowered, input_sets=())


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
    scope: Scope | None = None,
    entry: CompilerEntry | None = None,
) -> CompileRequest:
    """Plan a program and ask for one configuration of it.

    Args:
        program: What ``make_program`` returned.
        directory: Holds what is built, and the cache unless one is given.
        knobs: Levels of the compiler's own knobs. Weights are constants of the tasks at ``weights: constant``.
        cache: Which cache the compiler asks; one in ``directory`` when None.
        bounds: Upper bound of each symbol of a dynamic program, by the symbol's name.
        partition: How the planner cuts the program.
        reuse: Whether buffers between tasks are released before the end of a run.
        threads: Threads of a run.
        dump: Where to write a dump; None for none.
        scope: Whose entries the cache in ``directory`` holds; those of these very knobs when None.
        entry: The compiler's entry, which says what the levels set; None for a compiler without settings.
    """
    constant_weights = (knobs or {}).get("weights") == "constant"
    graph = capture(program.lowered, bounds, constant_weights)
    plan = make_plan(graph, PlanOptions(partition=partition, reuse=reuse))
    work_dir = directory / "work"
    work_dir.mkdir(exist_ok=True)
    return CompileRequest(
        program=program,
        graph=graph,
        plan=plan,
        tasks=export_tasks(program.lowered, plan, bounds, constant_weights),
        knobs={"partition": partition, "reuse": reuse, **(knobs or {})},
        cache=cache or TaskCache(directory / "cache", scope=scope or Scope(knobs=dict(knobs or {}))),
        clock=PhaseClock(),
        threads=threads,
        work_dir=work_dir,
        settings=NO_SETTINGS if entry is None else Applied.of(entry, dict(knobs or {})),
        dump=dump,
    )
