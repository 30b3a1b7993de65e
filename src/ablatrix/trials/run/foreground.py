"""Repeating one trial in this process, to look at it, under a debugger on request."""

from __future__ import annotations

import tempfile
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import BUILD
from ablatrix.compilers.dump import claim_directory, finish_dump
from ablatrix.compilers.environment import variable
from ablatrix.compilers.settings import environment_of
from ablatrix.errors import TrialError
from ablatrix.records.bundle import bundle_of
from ablatrix.study.design import Cell, Trial, make_design
from ablatrix.study.design_file import read_design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.fork_server import import_compiler
from ablatrix.trials.host import place_runs, set_limits
from ablatrix.trials.messages import TrialResult
from ablatrix.trials.results import ResultDirectory, largest_sizes
from ablatrix.trials.run.task_making import trial_task
from ablatrix.trials.run.type_probe import missing_type
from ablatrix.workloads.numeric_types import narrow_types

if TYPE_CHECKING:
    from ablatrix.workloads.program import Program


def rerun(
    resolved: ResolvedStudy, results: str | Path, trial: str, *, debug: bool = False, dump: Path | None = None
) -> TrialResult:
    """Repeat a trial here, without a fork server and without a record.

    Args:
        resolved: The study that the results were made with, with its catalogue.
        results: Directory of results with its prepared programs; a bundle's are made again: no manifest lists them,
            and reading one would run what somebody put there.
        trial: Id of the trial or of one of its records, or enough of its first characters.
        debug: Open the debugger where the trial raises.
        dump: Directory for the compiler's stages of each task: an empty or new one.

    Returns:
        The worker's result: status, error, plan, compile, runtime, correctness, and a few samples when hot.

    Raises:
        TrialError: There is no such trial, or several; or there can be no dump of it.
        CompilerError: Its compiler is not installed.
    """
    study, catalogue = resolved
    directory = ResultDirectory(Path(results))
    # Blocks that were added while the study ran are in the file of its design only.
    design = read_design(directory.design, study) if directory.design.exists() else make_design(resolved)
    found = _find(design.trials, trial, directory)
    cell = design.cell(found.cell_id)
    _refuse_unfit(catalogue, found, cell)
    from ablatrix.trials.worker import run_here  # torch loads here

    if dump is not None and found.role == "reference":
        raise TrialError(f"trial {found.trial_id} is of {cell.compiler}, which compiles nothing; choose another")
    if dump is not None:
        claim_directory(dump)
    program, entry = _program(resolved, cell, directory), catalogue.compiler(cell.compiler)
    with ExitStack() as stack:
        for name, value in environment_of(entry, cell.knobs).items():
            stack.enter_context(variable(name, value))
        compiler = import_compiler(entry)
        threads, cpus = place_runs(study.protocol.threads, study.protocol.cpus)
        set_limits(None, cpus)
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-rerun-"))
        task = trial_task(
            study,
            catalogue,
            found,
            cell,
            padded=False,
            threads=threads,
            cpus=tuple(cpus),
            memory_limit_mb=None,
            cache_dir=Path(scratch) / "cache",
            publish_dir=None,
            work_dir=Path(scratch),
            missing_type=_missing_type(resolved, cell, program),
        )
        result = run_here(task, compiler, program, study.protocol.hot, _debugger if debug else None, dump)
    if dump is not None:
        finish_dump(dump, found.trial_id, _ending(result))
    return result


def _refuse_unfit(catalogue: Catalogue, trial: Trial, cell: Cell) -> None:
    """Refuse a trial whose compiler is not installed here, or that is of a build."""
    if catalogue.compiler(cell.compiler).builds:
        raise TrialError(
            f"trial {trial.trial_id} is of build '{cell.knobs[BUILD]}' of compiler '{cell.compiler}', and only what "
            "this environment has can be repeated here; give a study without builds to the interpreter of that build"
        )
    for name in ("eager", cell.compiler):  # the oracle is of eager
        catalogue.compiler(name).refuse_absent()


def _program(resolved: ResolvedStudy, cell: Cell, directory: ResultDirectory) -> Program:
    """Return the prepared program of a run, or prepare it again."""
    from ablatrix.workloads.prepare import load_program, prepare

    prepared = directory.program(resolved, cell)
    if prepared.exists() and bundle_of(directory.path) is None:
        return load_program(prepared)
    study, catalogue = resolved
    return prepare(
        catalogue.workload(cell.workload),
        cell.parameters,
        input_sets=study.checks.input_sets,
        seed=study.seed,
        largest=largest_sizes(resolved, cell),
    )


def _missing_type(resolved: ResolvedStudy, cell: Cell, program: Program) -> str:
    """Return why the compiler cannot take the program, whose type it does not have; empty where it can."""
    entry, device = resolved.catalogue.compiler(cell.compiler), resolved.study.device
    types = narrow_types(program.facts.dtype) if cell.knobs else ()
    return next(filter(None, (missing_type(entry, one, device) for one in types)), "")


def _ending(result: TrialResult) -> str:
    """Return why a stage of a task may be missing in a dump."""
    if result.error is None:
        return "the compiler's adapter writes nothing of it"
    return f"the trial ended as {result.status}: {result.error.message}"


def _debugger(error: BaseException) -> None:
    import pdb

    traceback.print_exception(error)
    pdb.post_mortem(error.__traceback__)


def _find(trials: tuple[Trial, ...], start: str, directory: ResultDirectory) -> Trial:
    """Return the trial whose id, or the id of one of whose records, begins with some characters."""
    found = [trial for trial in trials if trial.trial_id.startswith(start)]
    if not found:
        recorded = directory.trials_of_records(start)
        found = [trial for trial in trials if trial.trial_id in recorded]
    if len(found) == 1:
        return found[0]
    if not found:
        raise TrialError(
            f"no trial of this study, and no record in {directory.path}, has an id that begins with '{start}'; see "
            "`ablatrix design --json`"
        )
    raise TrialError(f"{len(found)} trials have an id that begins with '{start}'; give more characters")
