"""What does each compiler's profiler cost for a kernel, and which part of that lies within the kernel's own time?

A chain of operations on one element: each kernel takes next to nothing, so that what a profile says of it is what the
profiler costs there, and at most what a run without the profiler takes. From a run without the profiler, a run with it
and the sum of the kernels follows between which two values the part lies; `profile_inside` of each compiler is held
against these.

    python benchmarks/profile_costs.py [--only tvm]

The last line on stdout is one JSON object.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from time import perf_counter_ns

import torch

from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.adapter import BoundRun
from ablatrix.compilers.profiling.program import ProfiledProgram
from ablatrix.explain.sums import least_times
from ablatrix.testing import make_program, make_request
from ablatrix.trials.fork_server import import_compiler

LENGTH, RUNS, ROUNDS, SLACK = 64, 40, 5, 0.15
COMPILERS = ("tvm", "inductor", "onnxruntime", "xla", "openvino")


class Products(torch.nn.Module):  # type: ignore[misc]
    """Small products, which Inductor leaves to the library: of operations on elements it makes one kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, multiplied again and again."""
        for _ in range(LENGTH):
            x = x @ self.weight
        return x


class Chain(torch.nn.Module):  # type: ignore[misc]
    """Operations on one element, no two neighbours alike."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what they make of it."""
        for number in range(LENGTH):
            x = (torch.sin, torch.exp, torch.tanh, torch.cos)[number % 4](x)
        return x


def main() -> None:
    """Measure each compiler in turn, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=COMPILERS)
    chosen = parser.parse_args().only or COMPILERS
    found = {}
    for name in chosen:
        found[name] = _measured(name)
        print(f"{name}: {found[name]}", flush=True)
    holds = all(one["low"] - SLACK <= one["profile_inside"] <= one["high"] + SLACK for one in found.values())
    targets = {"profile_inside": f"between the two, {SLACK} aside"}
    print(json.dumps({"benchmark": "profile_costs", "figures": found, "targets": targets, "holds": holds}))


def _measured(name: str) -> dict[str, float]:
    entry = installed_catalogue().compiler(name)
    with tempfile.TemporaryDirectory(prefix="ablatrix-costs-") as scratch:
        x = torch.full((2, 2) if name == "inductor" else (1,), 0.5)
        model = Products() if name == "inductor" else Chain()
        levels = {**entry.defaults(), "fusion": "off"}
        request = make_request(make_program(model, (x,)), Path(scratch), levels, entry=entry)
        adapter = import_compiler(entry)
        adapter.set_threads(1)
        profiled: ProfiledProgram = adapter.profile(request, mapped=False)  # type: ignore[attr-defined]
        return _costs(adapter.compile(request).bind((x,)), profiled, profiled.bind((x,)))


def _costs(plain: BoundRun, profiled: ProfiledProgram, timed: BoundRun) -> dict[str, float]:
    plain_ms = []
    for _ in range(ROUNDS):
        for _ in range(RUNS):
            since = perf_counter_ns()
            plain.run()
            plain_ms.append((perf_counter_ns() - since) / 1e6)
        profiled.record(timed, RUNS)
    found = profiled.read([1.0], RUNS)
    alone, under = _fastest(plain_ms[RUNS:]), _fastest(found.walls_ms)
    kernels, count = sum(least_times(found.times_ms)), len(found.kernels)
    cost = under - alone
    return {
        "kernels": count,
        "plain_us": 1e3 * alone / count,
        "profiled_us": 1e3 * under / count,
        "kernel_us": 1e3 * kernels / count,
        "cost_us": 1e3 * cost / count,
        "low": max((kernels - alone) / cost, 0.0),
        "high": min(kernels / cost, 1.0),
        "profile_inside": found.inside,
    }


def _fastest(times: "list[float] | tuple[float, ...]") -> float:
    """Return the mean of the fastest third."""
    ordered = sorted(times)
    return statistics.fmean(ordered[: -(-len(ordered) // 3)])


if __name__ == "__main__":
    main()
