"""A compiler's own plain use on every model of a study, each in a process of its own, beside our trials of it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from ablatrix.errors import TrialError
from ablatrix.records.model import Failure
from ablatrix.records.plain_use import PLAIN_NAME, PlainUse, append_plain_use, latest, read_plain_uses
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, make_design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers, Servers, Side, Sides, Worker
from ablatrix.trials.host import describe_ending, place_runs
from ablatrix.trials.messages import (
    ChannelClosed,
    ChannelTimeout,
    Interrupted,
    PlainTask,
    TrialResult,
)
from ablatrix.trials.results import FACTS_FILE, ResultDirectory, read_facts
from ablatrix.trials.run.task_making import prepare_task

_log = logging.getLogger(__name__)


def use_plainly_on_all(
    resolved: ResolvedStudy, out: Path, timeout_s: float, notice: Callable[[str], None], kept: KeptServers
) -> dict[str, PlainUse]:
    """Use the one compiler of a study plainly on each of its models that has no line yet, and return the last lines.

    Args:
        resolved: The study of one compiler; its trials have run, so that programs are prepared.
        out: Its directory of results; ``plain.jsonl`` is written there, a line as each model ends.
        timeout_s: Limit of one model.
        notice: Called with what is being done.
        kept: Fork servers, such as the trials had.

    Raises:
        TrialError: The directory cannot be written.
        Interrupted: The user asked to stop.
    """
    directory, file = ResultDirectory(out.resolve()), out.resolve() / PLAIN_NAME
    cells = {cell.workload: cell for cell in make_design(resolved).cells if cell.stage is not None}
    programs = {name: _digest(resolved, directory, cell) for name, cell in cells.items()}
    held = {name: one for name, one in latest(read_plain_uses(file)).items() if one.program == programs.get(name)}
    pending = [cell for name, cell in cells.items() if name not in held]
    if not pending:
        return held
    try:
        (directory.work / "logs").mkdir(parents=True, exist_ok=True)
        servers = kept.of(resolved, Sides(catalogue=resolved.catalogue))
        for number, cell in enumerate(pending, start=1):
            kept.interrupt.check()
            notice(f"plain use of {cell.compiler}, {number} of {len(pending)}: {cell.workload}")
            found = _use(resolved, directory, servers, cell, programs[cell.workload], timeout_s)
            append_plain_use(file, found)
            held[cell.workload] = found
        kept.interrupt.check()
    except OSError as error:
        raise TrialError(f"{file}: cannot be written: {error.strerror}; choose another --out") from error
    return held


def _digest(resolved: ResolvedStudy, directory: ResultDirectory, cell: Cell) -> str | None:
    """Return the digest of the program that was prepared for a cell, None where there is none."""
    program = directory.program(resolved, cell)
    if not (program / FACTS_FILE).exists():
        return None
    return read_facts(program, resolved.catalogue.workload(cell.workload), cell).digest


def _use(
    resolved: ResolvedStudy,
    directory: ResultDirectory,
    servers: Servers,
    cell: Cell,
    program: str | None,
    timeout_s: float,
) -> PlainUse:
    study = resolved.study
    threads, cpus = place_runs(study.protocol.threads, study.protocol.cpus)
    scratch = directory.work / "plain"
    shutil.rmtree(scratch, ignore_errors=True)
    task = PlainTask(
        compiler=cell.compiler,
        workload=prepare_task(resolved, cell, threads=threads, directory=scratch),
        checks=study.checks,
        cpus=tuple(cpus),
    )
    began = monotonic()
    try:
        prepared = directory.program(resolved, cell)
        server = servers.without_program() if program is None else servers.get(Side(cell.compiler), prepared)
        result = _await_result(server.start(task, directory.work / "logs" / "plain.log"), timeout_s)
    except TrialError as error:
        _log.warning("the fork server of '%s' failed: %s", cell.compiler, error)
        servers.drop(cell.compiler)
        failure = Failure(type=type(error).__name__, message=str(error), phase=None)
        result = TrialResult(status=Status.CRASHED, error=failure)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return PlainUse(
        compiler=cell.compiler,
        workload=cell.workload,
        program=program,
        status=result.status,
        message=None if result.error is None else result.error.message,
        wall_s=monotonic() - began,
    )


def _await_result(worker: Worker, timeout_s: float) -> TrialResult:
    """Return the result of a worker, or how it ended without one."""
    try:
        message = worker.receive(timeout_s)
    except ChannelTimeout:
        status, failure = describe_ending(worker.end(kill=True), worker.stage, Status.TIMEOUT)
        return TrialResult(status=status, error=failure)
    except ChannelClosed:
        status, failure = describe_ending(worker.end(kill=False), worker.stage, None)
        return TrialResult(status=status, error=failure)
    except Interrupted:
        worker.end(kill=True)
        raise
    worker.end(kill=True)
    assert isinstance(message, TrialResult)  # nothing else was requested
    return message
