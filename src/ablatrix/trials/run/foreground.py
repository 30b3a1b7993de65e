"""Repeating one trial in the foreground, to look at it, under a debugger on request: here, or in its build."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ablatrix.builds import Build, read_locks
from ablatrix.compilers.dump import claim_directory, finish_dump
from ablatrix.compilers.environment import variable
from ablatrix.compilers.settings import environment_of
from ablatrix.errors import TrialError
from ablatrix.records.bundle import bundle_of
from ablatrix.study.design import Cell, Trial, make_design
from ablatrix.study.design_file import read_design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Sides
from ablatrix.trials.host import Ending, describe_ending, place_runs
from ablatrix.trials.messages import RERUN_ANSWER, RerunOrder, TrialResult, decode, encode
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.builds import make_sides
from ablatrix.trials.run.foreground_process import repeat_trial
from ablatrix.trials.run.task_making import prepare_task, trial_task


def rerun(
    resolved: ResolvedStudy, results: str | Path, trial: str, *, debug: bool = False, dump: Path | None = None
) -> TrialResult:
    """Repeat a trial, without a fork server and without a record: in this process, or in a new one of its build.

    Args:
        resolved: The study that the results were made with, with its catalogue.
        results: Directory of results with its prepared programs and its builds; a bundle's are made again: no manifest
            lists them, and reading one would run what somebody put there.
        trial: Id of the trial or of one of its records, or enough of its first characters.
        debug: Open the debugger where the trial raises.
        dump: Directory for the compiler's stages of each task: an empty or new one.

    Returns:
        The worker's result: status, error, plan, compile, runtime, correctness, and a few samples when hot.

    Raises:
        TrialError: There is no such trial, or several; or there can be no dump of it.
        CompilerError: Its compiler is not installed.
        BuildError: Its build is not there any more, and cannot be made again as it was.
    """
    study, catalogue = resolved
    directory = ResultDirectory(Path(results).resolve())
    # Blocks that were added while the study ran are in the file of its design only.
    design = read_design(directory.design, study) if directory.design.exists() else make_design(resolved)
    found = _find(design.trials, trial, directory)
    cell = design.cell(found.cell_id)
    for name in ("eager", cell.compiler):  # the oracle is of eager
        if not catalogue.compiler(name).builds:
            catalogue.compiler(name).refuse_absent()
    if dump is not None and found.role == "reference":
        raise TrialError(f"trial {found.trial_id} is of {cell.compiler}, which compiles nothing; choose another")
    if dump is not None:
        claim_directory(dump)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-rerun-")))
        sides = _sides(resolved, cell, directory, scratch)
        order = _order(resolved, found, cell, sides, directory, scratch, debug=debug, dump=dump)
        build = sides.build(sides.of(cell))
        if build is None:
            for name, value in environment_of(order.trial.entry, cell.knobs).items():
                stack.enter_context(variable(name, value))
            result = repeat_trial(order)
        else:
            result = _repeat_in(build, order, scratch)
    if dump is not None:
        finish_dump(dump, found.trial_id, _ending(result))
    return result


def _sides(resolved: ResolvedStudy, cell: Cell, directory: ResultDirectory, scratch: Path) -> Sides:
    """Return the sides of a study with builds, made where they are missing; of any other cell those of no build."""
    if not resolved.catalogue.compiler(cell.compiler).builds:
        return Sides(catalogue=resolved.catalogue)
    place, locks = directory, read_locks(directory.builds)
    if bundle_of(directory.path) is not None:
        place = ResultDirectory(scratch / "bundle")
        place.path.mkdir()
    return make_sides(resolved, place, lambda text: None, locks)


def _order(
    resolved: ResolvedStudy,
    trial: Trial,
    cell: Cell,
    sides: Sides,
    directory: ResultDirectory,
    scratch: Path,
    *,
    debug: bool,
    dump: Path | None,
) -> RerunOrder:
    study, catalogue = resolved
    threads, cpus = place_runs(study.protocol.threads, study.protocol.cpus)
    work, prepared = scratch / "work", directory.program(resolved, cell, sides.other_torch(sides.of(cell)))
    work.mkdir()
    task = trial_task(
        study,
        catalogue,
        trial,
        cell,
        padded=False,
        threads=threads,
        cpus=tuple(cpus),
        memory_limit_mb=None,
        cache_dir=work / "cache",
        publish_dir=None,
        work_dir=work,
        missing_type=sides.lacks(cell),
        entry=sides.entry_of(cell),
    )
    return RerunOrder(
        trial=task,
        program=prepared if prepared.exists() and bundle_of(directory.path) is None else None,
        prepare=prepare_task(resolved, cell, threads=threads, directory=scratch),
        protocol=study.protocol.hot,
        debug=debug,
        dump=None if dump is None else dump.resolve(),
    )


def _repeat_in(build: Build, order: RerunOrder, scratch: Path) -> TrialResult:
    """Repeat a trial in a new process of its build, which has this one's terminal.

    Raises:
        TrialError: Its workload cannot be prepared there, or its compiler not be imported.
    """
    asked, answer = scratch / "order.json", scratch / "answer.json"
    asked.write_bytes(encode(order))
    command = build.command_line("-m", "ablatrix.trials.run.foreground_process", str(asked), str(answer))
    variables = {**build.variables(os.environ), **environment_of(order.trial.entry, order.trial.knobs)}
    done = subprocess.run(command, env=variables, check=False)
    if not answer.exists():
        signal = -done.returncode if done.returncode < 0 else None
        ending = Ending(signal=signal, exit_code=None if signal else done.returncode)
        status, failure = describe_ending(ending, None, None)
        return TrialResult(status=status, error=failure)
    found = decode(answer.read_bytes(), RERUN_ANSWER)
    if found.result is None:
        raise TrialError(f"build '{build.name}': {found.failure}")
    return found.result


def _ending(result: TrialResult) -> str:
    """Return why a stage of a task may be missing in a dump."""
    if result.error is None:
        return "the compiler's adapter writes nothing of it"
    return f"the trial ended as {result.status}: {result.error.message}"


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
