"""Whether our times agree with others' on the same executable in the same process.

Eager: the median of our timed loop against the median of as many ``torch.utils.benchmark.Timer.timeit(1)``; beside it
our mean against the median of the same timer's ``blocked_autorange``, whose every value is a mean of many runs (times
are skewed: their mean lies above their median). TVM: our median against the median of the virtual machine's own
``time_evaluator``, which calls the compiled function from C++. Timers take turns, and the figure is the median over
repeats of the ratio (ours over theirs).

    python benchmarks/agreement.py [repeats]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean, median

import torch
import tvm
from torch.utils.benchmark import Timer

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.cache import TaskCache
from ablatrix.compilers.catalogue import get_compiler
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.compilers.tasks import TaskExecutable
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.trials.timing import time_iterations, warm_up
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program

Timing = Callable[[], float]
TARGETS = {"largest_difference": 0.03}
WORKLOADS = {
    "mlp": {"layers": 2, "hidden": 256, "batch": 32},
    "attention": {"hidden": 128, "heads": 2, "tokens": 32},
    "encoder": {"layers": 2, "hidden": 128, "heads": 2, "tokens": 32, "vocabulary": 128},
}
SLICE_S = 0.1
"""Time of one turn of either timer."""


def main(repeats: int) -> None:
    """Compare on all workloads and print the verdict as JSON."""
    EagerCompiler().set_threads(1)
    TvmCompiler().preload()
    TvmCompiler().set_threads(1)
    p50: dict[str, float] = {}
    means: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, parameters in WORKLOADS.items():
            request = make_request(prepare(name, parameters, draws=1), Path(place) / name)
            eager = EagerCompiler().compile(request).bind(request.program.draws[0].inputs).run
            p50[f"{name} on eager"] = agreement(our_timer(eager, median), torch_timer(eager), repeats)
            means[f"{name} on eager"] = agreement(our_timer(eager, fmean), torch_timer_of_means(eager), repeats)
            p50[f"{name} on tvm"] = agreement(*tvm_timers(request), repeats)
            print({one: round(ratio, 4) for one, ratio in p50.items() if one.startswith(name)}, flush=True)
    largest = max(abs(ratio - 1) for ratio in p50.values())
    figures = {"p50_ours_over_theirs": p50, "mean_ours_over_theirs": means, "largest_difference": largest}
    holds = largest <= TARGETS["largest_difference"]
    print(json.dumps({"benchmark": "agreement", "figures": figures, "targets": TARGETS, "holds": holds}))


def agreement(ours: Timing, theirs: Timing, repeats: int) -> float:
    """Return the median ratio of two timers of the same thing, which take turns and swap places."""
    ratios = []
    for number in range(repeats):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        a, b = first(), second()
        ratios.append(a / b if first is ours else b / a)
    return median(ratios)


def our_timer(run: Callable[[], object], summary: Callable[[list[float]], float]) -> Timing:
    """Return a timer that gives a summary of the engine's timed loop in seconds."""
    count = runs_a_turn(run)
    return lambda: summary(time_iterations(run, count)) / 1e3


def torch_timer(run: Callable[[], object]) -> Timing:
    """Return torch's timer, one run at a time, which gives the median in seconds."""
    timer = Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads())
    count = runs_a_turn(run)
    return lambda: median(timer.timeit(1).mean for _ in range(count))


def torch_timer_of_means(run: Callable[[], object]) -> Timing:
    """Return torch's timer as it is mostly used: the median of means of many runs, in seconds."""
    timer = Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads())
    return lambda: float(timer.blocked_autorange(min_run_time=SLICE_S).median)


def runs_a_turn(run: Callable[[], object]) -> int:
    """Return how often to run in one turn."""
    return max(20, round(SLICE_S * 1e3 / median(warm_up(run, 50, 150))))


def tvm_timers(request: CompileRequest) -> tuple[Timing, Timing]:
    """Return our timer and TVM's for the compiled program, which is one task."""
    executable = TvmCompiler().compile(request)
    assert isinstance(executable, TaskExecutable)
    bound = executable.bind(request.program.draws[0].inputs)
    ours = our_timer(bound.run, median)
    # TVM's evaluator wants the machine and the arguments that are behind the one call of the bound run.
    (call,) = bound._calls
    assert isinstance(call, partial), "the task copies its outputs, and the evaluator would not"
    machine = executable._functions[0]._machine  # type: ignore[attr-defined]
    number = 10
    repeat = max(3, round(SLICE_S / (number * ours())))
    evaluate = machine.time_evaluator("main", tvm.cpu(), number=number, repeat=repeat)
    return ours, lambda: float(median(evaluate(*call.args).results))


def make_request(program: Program, directory: Path) -> CompileRequest:
    """Plan a program as one task and ask for it with the compiler's default knobs."""
    (directory / "work").mkdir(parents=True)
    graph = capture(program.lowered, {})
    plan = make_plan(graph, PlanOptions(partition="whole", reuse="release"))
    return CompileRequest(
        program=program,
        graph=graph,
        plan=plan,
        tasks=export_tasks(program.lowered, plan, {}),
        knobs={**get_compiler("tvm").defaults(), "partition": "whole", "reuse": "release"},
        cache=TaskCache(directory / "cache"),
        clock=PhaseClock(),
        threads=1,
        work_dir=directory / "work",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 31)
