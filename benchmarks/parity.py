"""Is what we time what users run: the default configuration as one task, against each compiler's own plain use.

For each of five compilers and three workloads three processes run the same model on one processor: ours (the adapter,
every knob as the compiler ships it, ``partition: whole``), the compiler's plain use of the model
(``torch.compile(model)``, an ``onnxruntime.InferenceSession`` on the exported file, ``openvino.compile_model``,
``jax.jit``, ``tvm.compile`` with Relax's own default pipeline), and its plain use of the program that all compilers get
here, lowered. For Inductor and OpenVINO a fourth enters the code of that third one as ours does, without what the plain
call does around it: the function that Inductor compiled, without ``torch.compile``'s frame evaluation and guards; a
request of OpenVINO with its tensors set, without copies of inputs and outputs. They take turns, in bursts that change
their order; new processes are one more block. Figures are ratios of medians, ours over theirs, with their intervals
over blocks. A pair holds where ours is within the margin of the model, of the lowered program (then lowering is what
the rest is due to) or of its entered code (then lowering and the call are).

With ``--keep-memory`` glibc returns no memory to the system in any process, so that new arrays of a plain use cost no
page faults: what is then left of a difference has another reason than the allocation of outputs and temporaries.

    python benchmarks/parity.py [--blocks N] [--rounds N] [--compiler NAME ...] [--workload NAME ...] [--keep-memory]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import permutations
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.plain_use import PLAIN_USE, compile_openvino
from ablatrix.statistics.ratio import paired_ratio

MARGIN = 0.03
WORKLOADS: Mapping[str, dict[str, int]] = {
    "mlp": {"layers": 4, "hidden": 1024, "batch": 64},
    "convolution": {"blocks": 2, "channels": 64},
    "encoder": {"layers": 4, "hidden": 256, "tokens": 64, "vocabulary": 1024},
}
SIDES = ("ours", "model", "lowered")
ENTERED = "entered"
STEP = 7
"""Between the orders of two rounds, which follow each other by the alphabet: coprime to 6 and to 24."""
BURST_S = 0.1
WARM_UP_S = 1.0
THREADS = "1"
Run = Callable[[], Any]
Make = Callable[..., tuple[Run, Run]]


KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
"""With these glibc takes arrays from its heap, and keeps what is freed (mallopt(3))."""


def main(compilers: list[str], workloads: list[str], blocks: int, rounds: int, keep_memory: bool) -> None:
    """Measure every pair and print the verdict as JSON."""
    figures: dict[str, dict[str, Any]] = {}
    os.environ.update(KEEP_MEMORY if keep_memory else {})
    for compiler in compilers:
        for workload in workloads:
            measured = [measure(compiler, workload, rounds) for _ in range(blocks)]
            name, found = f"{workload} on {compiler}", dict[str, Any]()
            for side in sides_of(compiler)[1:]:
                ratio = paired_ratio([math.log(one["ours"] / one[side]) for one in measured])
                found[f"ours_over_{side}"] = {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
            figures[name] = {**found, "ms": {side: 1e3 * time for side, time in measured[-1].items()}}
            print(name, figures[name], flush=True)
    beyond = {name for name, one in figures.items() if not any(is_within(one[key]) for key in one if key != "ms")}
    targets = {"largest_difference": MARGIN}
    print(json.dumps({"benchmark": "parity", "figures": figures, "targets": targets, "holds": not beyond}))


def sides_of(compiler: str) -> tuple[str, ...]:
    """Return the sides that a compiler has."""
    return (*SIDES, ENTERED) if compiler in ENTER else SIDES


def is_within(found: Mapping[str, float]) -> bool:
    """Return whether a ratio is within the margin."""
    return abs(math.log(found["ratio"])) <= math.log1p(MARGIN)


def measure(compiler: str, workload: str, rounds: int) -> dict[str, float]:
    """Return the time of each side in seconds, in one set of new processes: the median over rounds."""
    with ExitStack() as stack:
        names = sides_of(compiler)
        sides = {side: stack.enter_context(Side(side, compiler, workload)) for side in names}
        counts = {side: max(1, round(BURST_S / one.ask(0))) for side, one in sides.items()}
        orders = list(permutations(names))
        times: dict[str, list[float]] = {side: [] for side in names}
        for number in range(rounds):
            for side in orders[STEP * number % len(orders)]:
                times[side].append(sides[side].ask(counts[side]))
        return {side: median(held) for side, held in times.items()}


class Side:
    """A process that holds one side, and runs it when it is asked."""

    def __init__(self, side: str, compiler: str, workload: str) -> None:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PJRT_NPROC", "TVM_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")
        self._name = f"{side} {compiler} {workload}"
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", side, compiler, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(names, THREADS), "JAX_PLATFORMS": "cpu"},
        )

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, count: int) -> float:
        """Return the median time of so many runs in seconds; of 0: that of warm-up's second half."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"a side has ended; to see why: python {__file__} --serve {self._name}")
        return float(answer)


def serve(side: str, compiler: str, workload: str) -> None:
    """Build one side, and answer each line of standard input with the median time of so many runs."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what compilers print belongs to no answer
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch

    from ablatrix.testing.requests import make_program
    from ablatrix.workloads.parameters import build_workload, check_parameters
    from ablatrix.workloads.shipped import get_shipped

    torch.set_num_threads(int(THREADS))
    entry = get_shipped(workload)
    built = build_workload(entry, check_parameters(entry, WORKLOADS[workload]))
    inputs = built.make_inputs(0, {})
    with tempfile.TemporaryDirectory() as directory, torch.no_grad():
        make: Make = {"ours": ours, ENTERED: ENTER.get(compiler, ours)}.get(side, theirs)
        wanted, module = built.module(*inputs), built.module
        if side in {"lowered", ENTERED}:
            module = make_program(module, inputs).lowered.module(check_guards=False)
        run, read = make(compiler, module, inputs, Path(directory))
        run()
        assert torch.allclose(read().reshape(wanted.shape), wanted, rtol=1e-3, atol=1e-3), f"{side} is wrong"
        warm = timed(run, WARM_UP_S)
        for line in sys.stdin:
            times = timed_count(run, int(line)) if int(line) else warm[len(warm) // 2 :]
            print(median(times), file=answers, flush=True)


def timed(run: Run, seconds: float) -> list[float]:
    """Return the times of runs over so many seconds, at least two."""
    end, times = perf_counter() + seconds, list[float]()
    while perf_counter() < end or len(times) < 2:
        times += timed_count(run, 1)
    return times


def timed_count(run: Run, count: int) -> list[float]:
    """Return the times of so many runs in seconds."""
    times = []
    for _ in range(count):
        start = perf_counter_ns()
        run()
        times.append((perf_counter_ns() - start) * 1e-9)
    return times


def ours(compiler: str, module: Any, inputs: tuple[Any, ...], directory: Path) -> tuple[Run, Run]:
    """The adapter, with every knob as the compiler ships it."""
    from ablatrix.testing.requests import make_program, make_request
    from ablatrix.trials.fork_server.child import import_compiler

    entry = SHIPPED[compiler]
    adapter = import_compiler(entry)
    adapter.set_threads(int(THREADS))
    knobs = entry.levels(())  # as the compiler ships
    program = make_program(module, inputs)
    request = make_request(program, directory, knobs, reuse=knobs["reuse"], entry=entry)  # type: ignore[arg-type]
    bound = adapter.compile(request).bind(inputs)
    return bound.run, partial(_first, bound)


def _first(bound: Any) -> Any:
    return bound.outputs()[0].clone()


def theirs(compiler: str, module: Any, inputs: tuple[Any, ...], directory: Path) -> tuple[Run, Run]:
    """The compiler's own plain use."""
    bound = PLAIN_USE[compiler](module, inputs, directory, int(THREADS))(inputs)
    return bound.run, lambda: bound.outputs()[0]


def entered_inductor(_compiler: str, module: Any, inputs: tuple[Any, ...], _directory: Path) -> tuple[Run, Run]:
    """What ``torch.compile`` calls in the end: the function that Inductor made, with the arguments that it is given."""
    import torch
    from torch._inductor.compile_fx import compile_fx

    made: list[Run] = []

    def backend(graph: Any, examples: Any) -> Any:
        function: Run = compile_fx(graph, examples)

        def call(*arguments: Any) -> Any:
            made[:] = [partial(function, *arguments)]
            return function(*arguments)

        return call

    torch.compile(module, backend=backend)(*inputs)
    return made[0], lambda: made[0]()[0]


def entered_openvino(_compiler: str, module: Any, inputs: tuple[Any, ...], _directory: Path) -> tuple[Run, Run]:
    """A request of the compiled model whose inputs are set once."""
    import torch

    from ablatrix.compilers.openvino.library import import_openvino

    request = compile_openvino(module, inputs, int(THREADS)).create_infer_request()
    for index, tensor in enumerate(inputs):
        request.set_input_tensor(index, import_openvino().Tensor(tensor.numpy(), shared_memory=True))
    return request.infer, lambda: torch.from_numpy(request.get_output_tensor(0).data.copy())


ENTER: Mapping[str, Make] = {"inductor": entered_inductor, "openvino": entered_openvino}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:5])
    else:
        parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
        parser.add_argument("--blocks", type=int, default=5, help="sets of new processes")
        parser.add_argument("--rounds", type=int, default=15, help="bursts of each side in a block")
        parser.add_argument("--compiler", nargs="+", choices=list(PLAIN_USE), default=list(PLAIN_USE))
        parser.add_argument("--workload", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
        parser.add_argument("--keep-memory", action="store_true", help="no process returns memory to the system")
        given = parser.parse_args()
        main(given.compiler, given.workload, given.blocks, given.rounds, given.keep_memory)
