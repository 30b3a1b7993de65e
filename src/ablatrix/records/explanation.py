"""Why two configurations of one workload take different times, operation by operation: a finding beside the results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from ablatrix.errors import RecordError
from ablatrix.records.part import Count, Part
from ablatrix.records.tokens import MemorySpeed

EXPLANATION_NAME = "explanation.json"
Ms = Annotated[float, Field(allow_inf_nan=False)]


class SpreadMs(Part):
    """A time or a difference of times in milliseconds, with its 95 % interval over blocks."""

    ms: Ms = Field(description="Mean over blocks.")
    low: Ms | None = Field(default=None, description="Lower end; null with one block.")
    high: Ms | None = Field(default=None, description="Upper end; null with one block.")

    @property
    def is_decided(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class ExplainedSide(Part):
    """One of the two configurations."""

    compiler: str = Field(description="Its compiler.")
    knobs: Mapping[str, Any] = Field(description="Level of every knob.")
    total: SpreadMs = Field(description="Time of a run, of ordinary trials.")
    plain: SpreadMs = Field(description="The same in the processes that profile, without the profiler.")
    profiled: SpreadMs = Field(description="The same under the profiler, which is no time of the configuration.")
    kernels: SpreadMs = Field(description="Sum of all kernels, as the profiler says.")
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
    blocks: Count = Field(description="Blocks of trials and profiles, each of new processes.")
    a: ExplainedSide = Field(description="The first configuration.")
    b: ExplainedSide = Field(description="The second.")
    difference: SpreadMs = Field(description="Second less first, of ordinary trials.")
    noise: SpreadMs = Field(description="Difference of the first configuration and its twin: zero but for noise.")
    kernels_difference: SpreadMs = Field(description="Sum over all groups.")
    overhead_difference: SpreadMs = Field(description="Difference of what is no kernel.")
    residual: SpreadMs = Field(description="What is left: trials and profiling processes differ by it.")
    groups: list[ExplainedGroup] = Field(description="Largest difference first.")
    interventions: list[Intervention] = Field(default_factory=list, description="Causes that were tried.")
    peak: MachinePeak | None = Field(default=None, description="Null where it was not measured.")
    counters: str = Field(description="Why there are no hardware counters.")

    @property
    def residual_share(self) -> float | None:
        """The residual as a part of the total difference; None where there is no difference."""
        return abs(self.residual.ms / self.difference.ms) if self.difference.ms else None


def write_explanation(path: Path, found: Explanation) -> None:
    """Write a finding."""
    path.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_explanation(path: Path) -> Explanation:
    """Return the finding in a file.

    Raises:
        RecordError: The file cannot be read, or holds none.
    """
    try:
        return Explanation.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise RecordError(f"{path}: {field}: {first['msg']}; make it again with 'ablatrix explain'") from None
