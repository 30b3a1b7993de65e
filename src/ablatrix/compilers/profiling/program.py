"""A program under a profiler, and the profile that its runs add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ablatrix.compilers.profiling.kernels import KernelProfile, KernelTimes, ProfiledKernel, TaskProfiler
from ablatrix.errors import CompilerError

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.adapter import BoundRun, Executable
    from ablatrix.plan.plan import Plan


class ProfiledProgram:
    """A compiled program whose kernels can be timed.

    Args:
        plan: Its tasks.
        timed: The tasks under the profiler.
        profilers: Of each distinct task, by kind.
        source, inside: See `KernelProfile`.
    """

    def __init__(
        self,
        plan: Plan,
        timed: Executable,
        profilers: Sequence[TaskProfiler],
        source: str,
        inside: float,
    ) -> None:
        self._plan, self._timed, self._profilers = plan, timed, tuple(profilers)
        self._source, self._inside = source, inside

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        """Return the program on one set of inputs."""
        return self._timed.bind(inputs)

    def record(self, bound: BoundRun, count: int) -> None:
        """Run the program some times, and keep what the profiler says."""
        for one in self._profilers:
            one.begin()
        try:
            for _ in range(count):
                bound.run()
        finally:
            for one in self._profilers:
                one.end()

    def read(self, plain_ms: Sequence[float], skipped: int) -> KernelProfile:
        """Return the profile of all runs that were recorded; once, at the end.

        Args:
            plain_ms: For each round the fastest run of the plain program.
            skipped: Runs at the beginning that warmed up.

        Raises:
            CompilerError: The profiler did not report every run.
        """
        whole = _together(self._plan, [one.read() for one in self._profilers])
        return KernelProfile(
            kernels=whole.kernels,
            times_ms=whole.times_ms[skipped:],
            walls_ms=whole.walls_ms[skipped:],
            plain_ms=tuple(plain_ms),
            source=self._source,
            inside=self._inside,
            artifact_digest=self._timed.facts.artifact_digest,
        )


def _together(plan: Plan, readings: Sequence[KernelTimes]) -> KernelTimes:
    """Return the times of a program from those of its distinct tasks: tasks of one kind share a profiler."""
    counts = [sum(task.kind == kind for task in plan.tasks) for kind in range(len(readings))]
    runs = {len(one.times_ms) / count for one, count in zip(readings, counts, strict=True)}
    if len(runs) != 1 or not next(iter(runs)).is_integer():
        raise CompilerError(f"profilers of the tasks reported different numbers of runs: {sorted(runs)}")
    number = int(runs.pop())
    kernels: list[ProfiledKernel] = []
    times: list[list[float]] = [[] for _ in range(number)]
    walls = [0.0] * number
    seen = [0] * len(readings)
    for position, task in enumerate(plan.tasks):
        one, place = readings[task.kind], seen[task.kind]
        seen[task.kind] += 1
        kernels += [
            replace(kernel, task=position, nodes=tuple(task.start + node for node in kernel.nodes))
            for kernel in one.kernels
        ]
        for run in range(number):
            index = run * counts[task.kind] + place
            times[run] += one.times_ms[index]
            walls[run] += one.walls_ms[index]
    return KernelTimes(kernels=tuple(kernels), times_ms=tuple(map(tuple, times)), walls_ms=tuple(walls))
