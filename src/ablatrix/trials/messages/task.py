"""Tasks of a worker: a trial, a workload to prepare, a compiler's plain use on one, a profile, or passes to observe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.records.model import Device, Mode, Role
from ablatrix.study.model import Checks
from ablatrix.trials.messages.message import Message
from ablatrix.workloads.entry import Size, WorkloadEntry


@dataclass(frozen=True, kw_only=True)
class TrialTask(Message):
    """Run one trial.

    Attributes:
        entry: The compiler's entry in the catalogue.
        knobs: Level of every knob; empty for the reference.
        threads: Threads of a run.
        seed: Seed of everything random but the layout.
        padding_seed: Seed of the padding of stack, heap and mappings, None for no padding.
        cache_dir: Directory of the compile cache, None for none on disk.
        publish_dir: Where to copy what was compiled, None for nowhere.
        work_dir: An empty private directory.
        memory_limit_mb: Memory that the worker may hold in MiB, None for no limit.
        cpus: Numbers of the CPUs to run on, None for all that are allowed.
        missing_type: Why the compiler cannot take the workload, whose type it does not have on this machine, or why
            its build does not have the configuration; empty where neither is so.
    """

    kind: Literal["trial"] = "trial"
    mode: Mode
    role: Role
    entry: CompilerEntry
    device: Device
    knobs: dict[str, Level]
    threads: int
    seed: int
    padding_seed: int | None
    checks: Checks
    cache_dir: Path | None
    publish_dir: Path | None
    work_dir: Path
    memory_limit_mb: int | None
    cpus: tuple[int, ...] | None
    missing_type: str = ""


@dataclass(frozen=True, kw_only=True)
class PrepareTask(Message):
    """Build, export and check a workload, and keep it on disk.

    Attributes:
        entry: The workload's entry in the catalogue.
        parameters: The value of every parameter.
        input_sets: Number of input sets for which the oracle computes outputs.
        seed: Seed of weights and inputs.
        largest: Bound of dynamic dimensions in the input sets, by name, where it is not the workload's own.
        threads: Threads that torch may use.
        directory: Where to keep the program.
        memory_limit_mb: Memory that the worker may hold in MiB, None for no limit.
    """

    kind: Literal["prepare"] = "prepare"
    entry: WorkloadEntry
    parameters: dict[str, Size]
    input_sets: int
    seed: int
    largest: dict[str, int]
    threads: int
    directory: Path
    memory_limit_mb: int | None


@dataclass(frozen=True, kw_only=True)
class PlainTask(Message):
    """Use a compiler on a workload as its own users do, and check the outputs.

    Attributes:
        compiler: Its name.
        workload: The workload, to be built once more: what users give a compiler is the model, not our program.
        checks: The tolerance.
        cpus: Numbers of the CPUs to run on, None for all that are allowed.
    """

    kind: Literal["plain"] = "plain"
    compiler: str
    workload: PrepareTask
    checks: Checks
    cpus: tuple[int, ...] | None

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return self.workload.seed

    @property
    def memory_limit_mb(self) -> int | None:
        """Memory that the worker may hold in MiB, None for no limit."""
        return self.workload.memory_limit_mb


@dataclass(frozen=True, kw_only=True)
class _OfConfiguration(Message):
    """What is done with a configuration beside its trials.

    Attributes:
        trial: The configuration, and where to work.
    """

    trial: TrialTask

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return self.trial.seed

    @property
    def memory_limit_mb(self) -> int | None:
        """Memory that the worker may hold in MiB, None for no limit."""
        return self.trial.memory_limit_mb

    @property
    def cpus(self) -> tuple[int, ...] | None:
        """Numbers of the CPUs to run on, None for all that are allowed."""
        return self.trial.cpus


@dataclass(frozen=True, kw_only=True)
class ProfileTask(_OfConfiguration):
    """Profile a configuration: run it in turns, plain and under the compiler's own profiler. Its times are no trial's.

    Attributes:
        mapped: Whether it is to say which nodes each kernel computes, for which most compilers compile once more.
    """

    kind: Literal["profile"] = "profile"
    mapped: bool = True


@dataclass(frozen=True, kw_only=True)
class PassTask(_OfConfiguration):
    """Observe which passes the compiler runs on the program; nothing is run, timed or checked."""

    kind: Literal["passes"] = "passes"


AnyTask: TypeAlias = TrialTask | PrepareTask | PlainTask | ProfileTask | PassTask
Task = Annotated[AnyTask, Field(discriminator="kind")]


def trial_of(task: AnyTask) -> TrialTask | None:
    """Return the configuration that a task is about; None where it is about none."""
    if isinstance(task, ProfileTask | PassTask):
        return task.trial
    return task if isinstance(task, TrialTask) else None


def padding_of(task: AnyTask) -> int | None:
    """Return the seed of the padding of the process that does a task; None for no padding."""
    trial = trial_of(task)
    return None if trial is None else trial.padding_seed
