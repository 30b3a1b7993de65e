"""Which passes a compiler runs on a model, in one configuration: observed in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.passes import PassRun, PassSummary, not_run, summarise_passes
from ablatrix.compilers.settings import ask_addresses, environment_of
from ablatrix.errors import CompilerError, StudyError, UnsupportedError
from ablatrix.interpreter import interpreter
from ablatrix.study.design import Cell, Trial, make_design
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_single_study
from ablatrix.trials.host import place_runs
from ablatrix.trials.messages import PASS_ANSWER, PassAnswer, PassOrder, decode, encode
from ablatrix.trials.run.task_making import prepare_task, trial_task

TIMEOUT_S = 900.0


@dataclass(frozen=True, kw_only=True)
class PassList:
    """What a compiler ran on a model, in one configuration.

    Attributes:
        compiler: Its name.
        versions: Versions of what generates code.
        workload: Name of the model.
        parameters: Its parameters.
        knobs: Level of every knob.
        evidence: How it is known whether a pass changed the program, and what is not seen.
        passes: A line for each pass, in the order in which they first ran.
        not_run: Addresses of passes that the compiler has and did not run.
        runs: Every run, in order.
    """

    compiler: str
    versions: Mapping[str, str]
    workload: str
    parameters: Mapping[str, Any]
    knobs: Mapping[str, Level]
    evidence: str
    passes: tuple[PassSummary, ...]
    not_run: tuple[str, ...]
    runs: tuple[PassRun, ...]


def list_passes(
    compiler: str,
    model: str,
    knobs: Sequence[str] = (),
    catalogue: Catalogue | None = None,
    directory: Path | None = None,
) -> PassList:
    """Compile a model under observers, in a process of its own, and return which passes ran.

    Args:
        compiler: Name of the compiler.
        model: Name of a workload, or the source of a model.
        knobs: ``name=level`` each; a name with a colon is the address of a setting. Others have their defaults.
        catalogue: Has the compilers and workloads; default: what is installed.
        directory: Where relative paths start; default: the working directory.

    Raises:
        StudyError: There is no such model, knob, level or setting.
        CompilerError: There is no such compiler, it is not installed, lists no passes, or failed.
    """
    known = catalogue or installed_catalogue()
    for name in ("eager", compiler):  # preparing a model takes torch
        known.compiler(name).refuse_absent()
    if not known.compiler(compiler).knobs:
        raise UnsupportedError(f"compiler '{compiler}' compiles nothing, so it runs no passes")
    return list_passes_of(resolve_study(make_single_study(model, known.compiler(compiler), knobs, directory), known))


def list_passes_of(resolved: ResolvedStudy) -> PassList:
    """Compile the first configuration of a study under observers, and return which passes ran.

    Args:
        resolved: A study of one workload and one compiler.

    Raises:
        StudyError: It has no configuration.
        CompilerError: The compiler lists no passes, or failed.
    """
    design = make_design(resolved)
    cell = next((one for one in design.cells if one.stage is not None), None)
    if cell is None:
        raise StudyError(
            f"'{resolved.study.variants[0].name}' has no dynamic dimension that a level of 'upper_bound' could bound; "
            "leave it out"
        )
    compiler = cell.compiler
    addresses = ask_addresses(resolved.catalogue.compiler(compiler))
    trial = next(one for one in design.trials if one.cell_id == cell.cell_id)
    answer = _observe(resolved, cell, trial)
    if answer.observed is None:
        raise CompilerError(f"passes of '{compiler}' on '{cell.workload}' cannot be listed: {answer.failure}")
    runs = answer.observed.runs
    return PassList(
        compiler=compiler,
        versions=answer.versions,
        workload=cell.workload,
        parameters=cell.parameters,
        knobs=cell.knobs,
        evidence=answer.observed.evidence,
        passes=summarise_passes(runs, addresses),
        not_run=not_run(runs, addresses),
        runs=runs,
    )


def _observe(resolved: ResolvedStudy, cell: Cell, trial: Trial) -> PassAnswer:
    """Have a new process observe the passes of a cell, and return its answer.

    Raises:
        CompilerError: It ended without one, or not in time.
    """
    entry = resolved.catalogue.compiler(cell.compiler)
    with tempfile.TemporaryDirectory(prefix="ablatrix-passes-") as scratch:
        order, answer, work_dir = (Path(scratch) / name for name in ("order.json", "answer.json", "work"))
        work_dir.mkdir()
        order.write_bytes(encode(_order(resolved, cell, trial, work_dir)))
        command = interpreter("-m", "ablatrix.trials.run.pass_process", str(order), str(answer))
        variables = {**os.environ, **environment_of(entry, cell.knobs)}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, env=variables, check=False
            )
        except subprocess.TimeoutExpired:
            raise CompilerError(
                f"compiler '{entry.name}' did not compile '{cell.workload}' under observers within {TIMEOUT_S:.0f} s; "
                "take a smaller model"
            ) from None
        if not answer.exists():
            raise CompilerError(
                f"the process that compiled '{cell.workload}' with '{entry.name}' under observers {_ending(done)}"
            )
        return decode(answer.read_bytes(), PASS_ANSWER)


def _order(resolved: ResolvedStudy, cell: Cell, trial: Trial, work_dir: Path) -> PassOrder:
    study, catalogue = resolved
    threads, cpus = place_runs(study.protocol.threads, study.protocol.cpus)
    task = trial_task(
        study,
        catalogue,
        trial,
        cell,
        padded=False,
        threads=threads,
        cpus=tuple(cpus),
        memory_limit_mb=None,
        cache_dir=None,
        publish_dir=None,
        work_dir=work_dir,
    )
    return PassOrder(prepare=prepare_task(resolved, cell, threads=threads, directory=work_dir), trial=task)


def _ending(done: subprocess.CompletedProcess[str]) -> str:
    """Return how a process ended that gave no answer, with the last line that it wrote."""
    how = f"left with exit code {done.returncode}"
    if done.returncode < 0:
        how = f"was ended by {signal.Signals(-done.returncode).name}"
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return f"{how}: {lines[-1]}" if lines else how
