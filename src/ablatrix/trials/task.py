"""What a worker is to do, and the only place where it is put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field

from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.records.model import Device, Mode, Role
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import Checks, Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.directory import largest_sizes
from ablatrix.trials.messages import Message
from ablatrix.workloads.entry import Size, WorkloadEntry


@dataclass(frozen=True, kw_only=True)
class TrialTask(Message):
    """Run one trial.

    Attributes:
        entry: What the catalogue says of the compiler.
        knobs: Level of every knob; empty for the reference.
        threads: Threads of a run.
        seed: Of everything random.
        cache_dir: Directory of the compile cache, None for none on disk.
        publish_dir: Where to copy what was compiled, None for nowhere.
        work_dir: An empty private directory.
        memory_limit_mb: Memory that the worker may hold in MiB, None for no limit.
        cpus: Numbers of the CPUs to run on, None for all that are allowed.
    """

    kind: Literal["trial"] = "trial"
    mode: Mode
    role: Role
    entry: CompilerEntry
    device: Device
    knobs: dict[str, Level]
    threads: int
    seed: int
    checks: Checks
    cache_dir: Path | None
    publish_dir: Path | None
    work_dir: Path
    memory_limit_mb: int | None
    cpus: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True)
class PrepareTask(Message):
    """Build, export and check a workload, and keep it on disk.

    Attributes:
        entry: What is known of the workload.
        parameters: Every size.
        draws: Input draws to have answered by the oracle.
        seed: Of weights and inputs.
        largest: Bound of dynamic dimensions in the input draws, by name, where it is not the workload's own.
        threads: Threads that torch may use.
        directory: Where to keep the program.
        memory_limit_mb: Memory that the worker may hold in MiB, None for no limit.
    """

    kind: Literal["prepare"] = "prepare"
    entry: WorkloadEntry
    parameters: dict[str, Size]
    draws: int
    seed: int
    largest: dict[str, int]
    threads: int
    directory: Path
    memory_limit_mb: int | None


Task = Annotated[TrialTask | PrepareTask, Field(discriminator="kind")]


def trial_task(
    study: Study,
    catalogue: Catalogue,
    trial: Trial,
    cell: Cell,
    *,
    threads: int,
    cpus: tuple[int, ...] | None,
    memory_limit_mb: int | None,
    cache_dir: Path | None,
    publish_dir: Path | None,
    work_dir: Path,
) -> TrialTask:
    """Return the task of a trial; the arguments are what the study does not say, see ``TrialTask``."""
    return TrialTask(
        mode=cast(Mode, trial.mode),  # a design holds plain words; the worker checks them
        role=cast(Role, trial.role),
        entry=catalogue.compiler(cell.compiler),
        device=study.device,
        knobs=dict(cell.knobs),
        threads=threads,
        seed=study.seed,
        checks=study.checks,
        cache_dir=cache_dir,
        publish_dir=publish_dir,
        work_dir=work_dir,
        memory_limit_mb=memory_limit_mb,
        cpus=cpus,
    )


def prepare_task(resolved: ResolvedStudy, cell: Cell, *, threads: int, directory: Path) -> PrepareTask:
    """Return the task of preparing a cell's workload; the arguments are what the study does not say."""
    study, catalogue = resolved
    return PrepareTask(
        entry=catalogue.workload(cell.workload),
        parameters=dict(cell.parameters),
        draws=study.checks.draws,
        seed=study.seed,
        largest=largest_sizes(resolved, cell),
        threads=threads,
        directory=directory,
        memory_limit_mb=study.protocol.memory_limit_mb,
    )
