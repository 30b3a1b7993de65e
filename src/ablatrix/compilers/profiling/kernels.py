"""Values of a profile: the kernels that a run calls, and how long each took in each run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfiledKernel:
    """One call of a kernel, at its place in a run.

    Attributes:
        name: As the compiler has it.
        nodes: Which nodes it computes: of a task counted from the task's first, of a program those of the graph. Empty
            where that is not known, or where it computes none (a change of layout).
        task: Position of its task in the plan.
    """

    name: str
    nodes: tuple[int, ...] = ()
    task: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTimes:
    """What a profile says of a task or a program.

    Attributes:
        kernels: Calls of kernels, in the order of a run.
        times_ms: For each run the time of each kernel, in milliseconds.
        walls_ms: For each run the whole of it, under the profiler.
    """

    kernels: tuple[ProfiledKernel, ...]
    times_ms: tuple[tuple[float, ...], ...]
    walls_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelProfile:
    """A profile of a program, of all runs in one process.

    Attributes:
        kernels: Calls of kernels, in the order of a run.
        times_ms: For each run under the profiler the time of each kernel, in milliseconds.
        walls_ms: For each of these runs the whole of it.
        plain_ms: For each round the fastest run without the profiler, in the same process.
        source: Where the times are from, and how kernels were mapped to nodes, as a sentence.
        inside: Part of what the profiler costs for a kernel that lies within the kernel's own time.
        artifact_digest: Of the code that ran.
    """

    kernels: tuple[ProfiledKernel, ...]
    times_ms: tuple[tuple[float, ...], ...]
    walls_ms: tuple[float, ...]
    plain_ms: tuple[float, ...]
    source: str
    inside: float
    artifact_digest: str


class TaskProfiler(Protocol):
    """One distinct task, loaded in a form whose kernels are timed."""

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that runs the task under the profiler, and keeps what that says."""

    def begin(self) -> None:
        """Begin to record; called before some runs that follow each other."""

    def end(self) -> None:
        """End recording."""

    def read(self) -> KernelTimes:
        """Return the times of all calls so far, in order. Called once, at the end."""
