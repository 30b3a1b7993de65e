"""Whether our times agree with those of other timers on the same executable in the same process.

Eager: ``torch.utils.benchmark``, as ``blocked_autorange`` does it: the median of means of blocks of runs. Our samples
are put into blocks of the same size, so that both are the same statistic. Beside it our plain p50 over the same median:
times are skewed, and a mean lies above the p50. TVM: our p50 against the median of the virtual machine's own
``time_evaluator``, which calls the compiled function from C++. Timers take turns, and the figure is the median over
repeats of the ratio (ours over theirs).

    python benchmarks/agreement.py [repeats] [seconds of one turn of either timer] [workload ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median

import torch
import tvm
from torch.utils.benchmark import Timer

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.cache import TaskCache
from ablatrix.compilers.catalogue import TVM
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.compilers.tasks import TaskExecutable
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.trials.worker.timing import time_iterations, warm_up
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
REPEATS = 31
TURN_S = 0.1


def main(repeats: int, turn_s: float, names: Sequence[str]) -> None:
    """Compare on these workloads, in turns of so many seconds, and print the verdict as JSON."""
    EagerCompiler().set_threads(1)
    TvmCompiler().preload()
    TvmCompiler().set_threads(1)
    p50: dict[str, float] = {}
    plain: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            request = make_request(prepare(name, WORKLOADS[name], input_sets=1), Path(directory) / name)
            eager = EagerCompiler().compile(request).bind(request.program.input_sets[0].inputs).run
            theirs, size = torch_timer(eager, turn_s)
            p50[f"{name} on eager"] = agreement(our_timer(eager, turn_s, size), theirs, repeats)
            plain[f"{name} on eager"] = agreement(our_timer(eager, turn_s), theirs, repeats)
            p50[f"{name} on tvm"] = agreement(*tvm_timers(request, turn_s), repeats)
            print({one: round(ratio, 4) for one, ratio in p50.items() if one.startswith(name)}, flush=True)
    largest = max(abs(ratio - 1) for ratio in p50.values())
    figures = {"p50_ours_over_theirs": p50, "plain_p50_over_torch_median": plain, "largest_difference": largest}
    holds = largest <= TARGETS["largest_difference"]
    print(json.dumps({"benchmark": "agreement", "figures": figures, "targets": TARGETS, "holds": holds}))


def agreement(ours: Timing, theirs: Timing, repeats: int) -> float:
    """Return the median ratio of two timers of the same thing, which take turns and swap order."""
    ratios = []
    for number in range(repeats):
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        a, b = first(), second()
        ratios.append(a / b if first is ours else b / a)
    return median(ratios)


def our_timer(run: Callable[[], object], turn_s: float, block: int = 1) -> Timing:
    """Return a timer that gives the median of the engine's timed loop in seconds, over means of blocks of runs."""
    count = max(1, runs_a_turn(run, turn_s) // block) * block

    def measure() -> float:
        samples = time_iterations(run, count)
        return median(fmean(samples[start : start + block]) for start in range(0, count, block)) / 1e3

    return measure


def torch_timer(run: Callable[[], object], turn_s: float) -> tuple[Timing, int]:
    """Return torch's timer, which gives its median in seconds, and the size of the blocks that it chose."""
    timer = Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads())
    size = timer.blocked_autorange(min_run_time=turn_s).number_per_run
    count = max(3, runs_a_turn(run, turn_s) // size)
    return lambda: median(timer.timeit(size).mean for _ in range(count)), size


def runs_a_turn(run: Callable[[], object], turn_s: float) -> int:
    """Return how often to run in one turn."""
    return max(20, round(turn_s * 1e3 / median(warm_up(partial(time_iterations, run), 50, 150))))


def tvm_timers(request: CompileRequest, turn_s: float) -> tuple[Timing, Timing]:
    """Return our timer and TVM's for the compiled program, which is one task."""
    executable = TvmCompiler().compile(request)
    assert isinstance(executable, TaskExecutable)
    bound = executable.bind(request.program.input_sets[0].inputs)
    ours = our_timer(bound.run, turn_s)
    # TVM's evaluator wants the machine and the arguments that are behind the one call of the bound run.
    (call,) = bound._calls
    assert isinstance(call, partial), "the task copies its outputs, and the evaluator would not"
    machine = executable._functions[0]._machine  # type: ignore[attr-defined]
    number = 10
    repeat = max(3, round(turn_s / (number * ours())))
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
        knobs={**TVM.defaults(), "partition": "whole", "reuse": "release"},
        cache=TaskCache(directory / "cache"),
        clock=PhaseClock(),
        threads=1,
        work_dir=directory / "work",
    )


if __name__ == "__main__":
    repeats, turn_s, *names = [*sys.argv[1:], *[str(REPEATS), str(TURN_S)][len(sys.argv) - 1 :]]
    main(int(repeats), float(turn_s), names or list(WORKLOADS))
