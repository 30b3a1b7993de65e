"""What a record says of what disturbed its trial."""

from pydantic import Field

from ablatrix.records.gpu import GpuNoise
from ablatrix.records.part import Count, Finite, Milliseconds, Part, Seconds


class Noise(Part):
    """Counters that tell about disturbance, as differences over the trial where they are counters."""

    load_average_before: Finite | None = Field(description="Load average of the last minute, at the start.")
    load_average_after: Finite | None = Field(description="Load average of the last minute, at the end.")
    steal_ms: Milliseconds | None = Field(description="CPU time taken by the hypervisor, all cores together.")
    throttled_ms: Milliseconds | None = Field(description="Time that the cgroup's CPU quota stopped its tasks.")
    swapped_pages: Count | None = Field(description="Pages swapped in and out on the machine.")
    span_s: Seconds | None = Field(
        default=None, description="Wall time that the counters above cover: a hot trial's pauses are in it."
    )
    voluntary_switches: Count | None = Field(
        default=None, description="Times that the trial's process gave up a CPU to wait, all its threads together."
    )
    involuntary_switches: Count | None = Field(
        default=None, description="Times that the kernel took a CPU from the trial's process, all its threads together."
    )
    cpu_s: Seconds | None = Field(
        default=None, description="CPU time of the trial's process and of its finished children, user and system."
    )
    gpu: GpuNoise | None = Field(default=None, description="The GPU's clocks; null where the trial opened none.")
    cluster_cpu_s: Seconds | None = Field(
        default=None,
        description="CPU time that the cluster's own processes took on the host over that span; null without a "
        "cluster, and before 1.5.",
    )
    stopped_ms: Milliseconds | None = Field(
        default=None,
        description="Time that others stopped the trial's process (a signal, a debugger), or the runner beside it, as "
        "seen twice a second; null before 1.6.",
    )
    disturbance: str | None = Field(default=None, description="Why it counts as disturbed; null when it does not.")
