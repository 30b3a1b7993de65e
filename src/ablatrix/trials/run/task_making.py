"""From a study to the task of a worker. Tasks are made nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ablatrix.canonical import content_id
from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import BUILD, CompilerEntry, Level
from ablatrix.records.model import Device, Mode, Role
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import Checks, Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.messages import PrepareTask, TrialTask, TypeOrder
from ablatrix.trials.results import largest_sizes
from ablatrix.workloads.numeric_types import DTYPE
from ablatrix.workloads.parameters import check_parameters
from ablatrix.workloads.shipped import get_shipped

SEED_DIGITS = 12
"""Hexadecimal digits of a seed: 48 bits, which every reader of JSON reads exactly."""


def trial_task(
    study: Study,
    catalogue: Catalogue,
    trial: Trial,
    cell: Cell,
    *,
    padded: bool,
    threads: int,
    cpus: tuple[int, ...] | None,
    memory_limit_mb: int | None,
    cache_dir: Path | None,
    publish_dir: Path | None,
    work_dir: Path,
    missing_type: str = "",
    entry: CompilerEntry | None = None,
) -> TrialTask:
    """Return the task of a trial; the arguments are what the study does not say, see ``TrialTask``.

    ``entry`` is the compiler as it is in the build of the cell; None: as the catalogue has it.
    """
    compiler = catalogue.compiler(cell.compiler) if entry is None else entry
    return TrialTask(
        mode=cast(Mode, trial.mode),  # a design holds plain words; the worker checks them
        role=cast(Role, trial.role),
        entry=compiler,
        device=study.device,
        knobs=_given_levels(compiler, cell),
        threads=threads,
        seed=study.seed,
        padding_seed=padding_seed(study, trial) if padded else None,
        checks=study.checks,
        cache_dir=cache_dir,
        publish_dir=publish_dir,
        work_dir=work_dir,
        memory_limit_mb=memory_limit_mb,
        cpus=cpus,
        missing_type=missing_type,
    )


def _given_levels(compiler: CompilerEntry, cell: Cell) -> dict[str, Level]:
    """Return the levels that a compiler is given: of one with builds those of its own knobs, not which build it is."""
    if not compiler.builds:
        return dict(cell.knobs)
    own = {knob.name for knob in compiler.knobs} - {BUILD}
    return {knob: level for knob, level in cell.knobs.items() if knob in own}


def padding_seed(study: Study, trial: Trial) -> int:
    """Return the seed of the padding of a trial's process, the same for every attempt."""
    return int(content_id({"seed": study.seed, "trial": trial.trial_id, "what": "padding"})[:SEED_DIGITS], 16)


def prepare_task(resolved: ResolvedStudy, cell: Cell, *, threads: int, directory: Path) -> PrepareTask:
    """Return the task of preparing a cell's workload; the arguments are what the study does not say."""
    study, catalogue = resolved
    return PrepareTask(
        entry=catalogue.workload(cell.workload),
        parameters=dict(cell.parameters),
        input_sets=study.checks.input_sets,
        seed=study.seed,
        largest=largest_sizes(resolved, cell),
        threads=threads,
        directory=directory,
        memory_limit_mb=study.protocol.memory_limit_mb,
    )


def type_order(
    entry: CompilerEntry, dtype: str, sizes: Mapping[str, int], device: Device, directory: Path
) -> TypeOrder:
    """Return the order to try a type on the shipped ``mlp`` of these sizes, with a compiler at its defaults.

    Args:
        entry: The compiler.
        dtype: The type.
        sizes: Parameters of the workload.
        device: Where it is to run.
        directory: An empty private directory.
    """
    workload = get_shipped("mlp")
    prepare = PrepareTask(
        entry=workload,
        parameters=check_parameters(workload, {**sizes, DTYPE: dtype}),
        input_sets=1,
        seed=0,
        largest={},
        threads=1,
        directory=directory,
        memory_limit_mb=None,
    )
    trial = TrialTask(
        mode="cold",
        role="measured",
        entry=entry,
        device=device,
        knobs={knob: level for knob, level in entry.defaults().items() if knob != BUILD or not entry.builds},
        threads=1,
        seed=0,
        padding_seed=None,
        checks=Checks(input_sets=1),
        cache_dir=None,
        publish_dir=None,
        work_dir=directory,
        memory_limit_mb=None,
        cpus=None,
    )
    return TypeOrder(prepare=prepare, trial=trial)
