"""Which passes a compiler runs on a model, in one configuration: observed in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.passes import PassRun, PassSummary, not_run, summarise_passes
from ablatrix.compilers.settings import ask_addresses
from ablatrix.errors import StudyError, UnsupportedError
from ablatrix.study.design import make_design
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_single_study
from ablatrix.trials.client import KeptServers
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.pass_observation import PassObserver


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
        Interrupted: The user asked to stop.
    """
    known = catalogue or installed_catalogue()
    for name in ("eager", compiler):  # preparing a model takes torch
        known.compiler(name).refuse_absent()
    if not known.compiler(compiler).knobs:
        raise UnsupportedError(f"compiler '{compiler}' compiles nothing, so it runs no passes")
    return list_passes_of(resolve_study(make_single_study(model, known.compiler(compiler), knobs, directory), known))


def list_passes_of(resolved: ResolvedStudy, directory: Path | None = None, kept: KeptServers | None = None) -> PassList:
    """Compile the first configuration of a study under observers, and return which passes ran.

    Args:
        resolved: A study of one workload and one compiler.
        directory: As of results: its prepared program is taken, or prepared there; default: a temporary one.
        kept: Fork servers that runs use, too; by default there are own ones.

    Raises:
        StudyError: It has no configuration.
        CompilerError: The compiler lists no passes, or failed.
        Interrupted: The user asked to stop.
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
    with ExitStack() as stack:
        place = directory or Path(stack.enter_context(TemporaryDirectory(prefix="ablatrix-passes-")))
        servers = kept or stack.enter_context(KeptServers(place / "servers"))
        observed, versions = PassObserver(resolved, ResultDirectory(place), servers).observe(trial, cell)
    runs = observed.runs
    return PassList(
        compiler=compiler,
        versions=versions,
        workload=cell.workload,
        parameters=cell.parameters,
        knobs=cell.knobs,
        evidence=observed.evidence,
        passes=summarise_passes(runs, addresses),
        not_run=not_run(runs, addresses),
        runs=runs,
    )
