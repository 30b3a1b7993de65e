"""A worker's report on its trial. Its parts are those of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from ablatrix.records.correctness import Correctness
from ablatrix.records.gpu import Gpu, GpuNoise
from ablatrix.records.model import (
    CompileFacts,
    Failure,
    PlanFacts,
    RunFacts,
)
from ablatrix.records.part import Count, Seconds
from ablatrix.records.status import Status
from ablatrix.trials.messages.message import Message


@dataclass(frozen=True, kw_only=True)
class GpuFacts(Message):
    """The GPU that a trial opened, and the readings of its clocks."""

    device: Gpu
    noise: GpuNoise


@dataclass(frozen=True, kw_only=True)
class ProcessNoise(Message):
    """Resources that the worker's process has used; the fields are those of the record's ``Noise``."""

    voluntary_switches: Count
    involuntary_switches: Count
    cpu_s: Seconds


@dataclass(frozen=True, kw_only=True)
class TrialResult(Message):
    """The outcome of a trial, as far as its process knows it. Parts that the trial did not reach are None.

    Attributes:
        cpus: CPUs that the process might use, read back.
        versions: Versions of what generates or runs code.
        environment: Environment variables that matter.
        gpu: None where the trial opened no GPU.
        plan: None for the reference, too.
        threads: Threads in force, by library.
        settings: Values of settings of the run time, read back, by address; None where none are.
        compile: None for the reference, too.
        noise: None for a trial that ran in the foreground.
    """

    event: Literal["result"] = "result"
    status: Status = Status.OK
    error: Failure | None = None
    cpus: tuple[int, ...] | None = None
    versions: dict[str, str] | None = None
    environment: dict[str, str] | None = None
    gpu: GpuFacts | None = None
    plan: PlanFacts | None = None
    threads: dict[str, int] | None = None
    settings: dict[str, str] | None = None
    compile: CompileFacts | None = None
    runtime: RunFacts | None = None
    correctness: Correctness | None = None
    noise: ProcessNoise | None = None


def plain_result(result: TrialResult) -> dict[str, Any]:
    """Return a result as plain values for a person to read, without the parts that the trial did not reach."""
    plain = TypeAdapter(TrialResult).dump_python(result, mode="json", exclude_unset=True)
    return {name: value for name, value in plain.items() if value is not None or name == "error"}
