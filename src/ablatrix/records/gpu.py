"""The record's parts on a GPU: which one it was, and what it said of its clocks."""

from typing import Literal

from pydantic import Field

from ablatrix.records.part import Bytes, Count, Finite, Part


class Gpu(Part):
    """The GPU that the trial's process used, as CUDA and the driver tell it."""

    name: str = Field(description="Model of the GPU.")
    memory_bytes: Bytes = Field(description="Memory of the GPU.")
    l2_bytes: Bytes = Field(description="Its L2 cache; twice that is written between timed iterations.")
    count: Count = Field(description="GPUs that the process could see; it used the first.")
    driver: str | None = Field(description="Version of the driver, null when it was not told.")


class GpuReading(Part):
    """What the GPU said of itself at one moment. Null is what it did not tell."""

    sm_mhz: Count | None = Field(description="Clock of the multiprocessors.")
    memory_mhz: Count | None = Field(description="Clock of the GPU's memory.")
    temperature_c: int | None = Field(description="Temperature of the GPU.")
    power_w: Finite | None = Field(description="Power that it draws.")
    limited_by: list[str] | None = Field(description="What keeps its clocks from being higher, idleness included.")


class GpuNoise(Part):
    """What the GPU said of its clocks during the trial."""

    source: Literal["nvml", "nvidia-smi"] | None = Field(description="Who told; null when nobody did.")
    reason: str | None = Field(description="Why nobody told; null where somebody did.")
    readings: Count = Field(description="How often it was read.")
    before: GpuReading | None = Field(description="The first reading, before the program was built.")
    after: GpuReading | None = Field(
        description="The last reading, right after the device had worked: a first run (cold), a burst (hot)."
    )
    throttled_by: list[str] | None = Field(
        description="What slowed the clocks down in any reading: power, heat; null when it was never told."
    )
