"""Why two configurations of one workload take different times, operation by operation: a finding beside the results."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ablatrix.records.part import MOST_TIME, Count, Part
from ablatrix.records.tokens import MemorySpeed

Ms = Annotated[float, Field(ge=-MOST_TIME, le=MOST_TIME, allow_inf_nan=False)]


class SpreadMs(Part):
    """A time or a difference of times in milliseconds, with its 99 % interval over blocks.

    Blocks are added until the answer is clear: so many looks at 99 % each are one at about 95 %.
    """

    ms: Ms = Field(description="Mean over blocks.")
    low: Ms | None = Field(default=None, description="Lower end; null with one block.")
    high: Ms | None = Field(default=None, description="Upper end; null with one block.")

    @property
    def is_decided(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


SAME = 0.01
"""Part of the first one's time below which two configurations count as the same: blocks share fork servers, and where
one of these lies in memory makes that much."""


def differs(difference: SpreadMs, first: SpreadMs) -> bool:
    """Whether it is shown that two times differ by more than `SAME` of the first."""
    return difference.is_decided and abs(difference.ms) >= SAME * first.ms


class ExplainedSide(Part):
    """One of the two configurations."""

    compiler: str = Field(description="Its compiler.")
    knobs: Mapping[str, Any] = Field(description="Level of every knob.")
    total: SpreadMs = Field(description="Time of a run, of ordinary trials.")
    plain: SpreadMs = Field(
        description="The same behind the end of these trials, in turn with runs under the profiler."
    )
    profiled: SpreadMs = Field(description="The same under the profiler, which is no time of the configuration.")
    kernels: SpreadMs = Field(description="Sum of all kernels, by the profiler, less what that costs within them.")
    inside: SpreadMs = Field(description="What the profiler costs within each kernel, which its time is without.")
    overhead: SpreadMs = Field(description="What is no kernel: plain less kernels.")
    calls: Count = Field(description="Calls of kernels in a run.")
    source: str = Field(description="Where the times of kernels are from, and how they were mapped.")


class ExplainedGroup(Part):
    """The smallest set of operations whose kernels can be compared; without nodes: kernels that compute none."""

    nodes: list[int] = Field(description="Nodes of the graph.")
    label: str = Field(description="The operations, in order.")
    region: str = Field(default="", description="Block of the model.")
    a: SpreadMs = Field(description="Time of its kernels in the first configuration.")
    b: SpreadMs = Field(description="In the second.")
    difference: SpreadMs = Field(description="Second less first.")
    a_kernels: list[str] = Field(description="Its kernels in the first configuration.")
    b_kernels: list[str] = Field(description="In the second.")
    flops: Count = Field(description="Floating-point operations of products, convolutions and attention; no others.")
    bytes: Count = Field(description="Bytes of the values that enter and leave it, each once.")


class Intervention(Part):
    """A named cause, tried by switching it alone."""

    group: Count = Field(description="Index of the group.")
    switched: str = Field(default="", description="What was changed in the second configuration; empty: nothing.")
    acts_on: list[int] = Field(default_factory=list, description="Groups whose kernels are others then.")
    predicted_ms: Ms | None = Field(default=None, description="What it should change, by the profile.")
    measured: SpreadMs | None = Field(default=None, description="What it changes, in paired trials.")
    outcome: Literal["confirmed", "not confirmed", "cannot be switched"] = Field(description="What became of it.")
    why: str = Field(description="Why, as a sentence.")


Timed = Literal["a", "twin", "b", "a_plain", "twin_plain", "b_plain"]
TIMED: tuple[Timed, ...] = get_args(Timed)
"""Of a block: trials of both configurations and of a twin of the first, and each of them behind the trial's end."""


class ExplainedBlock(Part):
    """Times of a run in one block, in milliseconds; those of trials are from before any profiler was loaded."""

    a: Ms = Field(description="Of the trial of the first configuration.")
    twin: Ms = Field(description="Of another trial of the first.")
    b: Ms = Field(description="Of the trial of the second.")
    a_plain: Ms = Field(description="Of the first behind the trial's end, in turn with runs under the profiler.")
    twin_plain: Ms = Field(description="Of its twin there.")
    b_plain: Ms = Field(description="Of the second there.")
    a_profiled: Ms = Field(description="Of the first under the profiler.")
    twin_profiled: Ms = Field(description="Of its twin under the profiler.")
    b_profiled: Ms = Field(description="Of the second under the profiler.")
    left_out: list[Timed] = Field(
        default_factory=list,
        description="What differs so much from others of its configuration that it is in no sum.",
    )


class MachinePeak(Part):
    """How fast the machine is, as measured."""

    flops_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="Largest rate of float32 matrix products of several sizes, on the threads of a run."
    )
    memory: MemorySpeed = Field(description="Largest rate of its memory.")


class Explanation(Part):
    """Where a difference of times is from. Sum of differences of groups + of overhead + residual = total difference."""

    workload: str = Field(description="Name of the workload.")
    parameters: Mapping[str, Any] = Field(description="Its parameters.")
    threads: Count = Field(description="Threads of a run.")
    blocks: Count = Field(description="Blocks, each of new processes.")
    a: ExplainedSide = Field(description="The first configuration.")
    b: ExplainedSide = Field(description="The second.")
    difference: SpreadMs = Field(description="Second less first, of ordinary trials.")
    noise: SpreadMs = Field(description="Difference of the first configuration and its twin: zero but for noise.")
    kernels_difference: SpreadMs = Field(description="Sum over all groups.")
    overhead_difference: SpreadMs = Field(description="Difference of what is no kernel.")
    of_blocks: list[ExplainedBlock] = Field(default_factory=list, description="What each block measured, in order.")
    residual: SpreadMs = Field(description="What is left: runs before and after the profiler was loaded differ by it.")
    groups: list[ExplainedGroup] = Field(description="Largest difference first.")
    interventions: list[Intervention] = Field(default_factory=list, description="Causes that were tried.")
    peak: MachinePeak | None = Field(default=None, description="Null where it was not measured.")
    counters: str = Field(description="Why there are no hardware counters.")

    @property
    def is_established(self) -> bool:
        """Whether it is shown that the two differ by more than `SAME`; else there is nothing to have a cause."""
        return differs(self.difference, self.a.total)

    @property
    def bound(self) -> float:
        """By how much of the first one's time the two differ at most, as far as blocks can tell."""
        ends = (self.difference.low, self.difference.high)
        return max(abs(one) for one in (*ends, self.difference.ms) if one is not None) / self.a.total.ms

    @property
    def residual_share(self) -> float | None:
        """The residual as a part of the total difference; None where there is no difference."""
        return abs(self.residual.ms / self.difference.ms) if self.difference.ms else None
