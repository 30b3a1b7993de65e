"""The command ``models``: which compiler supports which architecture, tried one after the other."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.help import add
from ablatrix.cli.model_table import table_text
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.records.names import STUDY_NAME

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.records.model import Record
    from ablatrix.records.plain_use import PlainUse
    from ablatrix.study.model import Study
    from ablatrix.study.resolve import ResolvedStudy
    from ablatrix.trials.client import KeptServers

TIMEOUT_S = 300


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "models", models_command)


def models_command(
    out: Annotated[
        Path,
        typer.Option("--out", help="Directory for the results; the same command again resumes an interrupted run."),
    ],
    compiler: Annotated[
        list[str] | None,
        typer.Option("--compiler", help="Only this compiler (repeatable).", show_default="all that are installed"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A model, written as for 'ablatrix run --model' (repeatable).",
            show_default="sixty tiny architectures",
        ),
    ] = None,
    architecture: Annotated[
        list[str] | None,
        typer.Option("--architecture", help="Only this one of the sixty (repeatable).", show_default="all"),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", help="Type of weights and inputs: float16 or bfloat16.", show_default="as built"),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain/--no-plain", help="Whether to try each compiler's own plain use, too.")
    ] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Time limit for one model on one compiler, in seconds.")
    ] = TIMEOUT_S,
    quiet: Quiet = False,
    plugin: Plugins = None,
) -> None:
    """Try each model on each compiler as it ships, in its own process with checked outputs; print a Markdown table.

    Beside it each compiler is used on the model as its own users do, without ablatrix, in a process of its own and with
    the same check. A model that cannot be exported stands under 'prepared': no compiler was given it. Exits with 0
    when every model was tried on every compiler: an unsupported model is a result, not a failure.
    """
    from ablatrix.compilers.plain_use import PLAIN_USE
    from ablatrix.errors import CompilerError
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.resolve import resolve_study

    catalogue = read_catalogue(plugin or ())
    names = compiler or [one.name for one in catalogue.compilers.values() if one.installed and one.name != "eager"]
    if not names:
        raise CompilerError("no compiler is installed; 'ablatrix compilers' shows how to install one")
    chosen = _chosen(model or [], architecture or [], dtype)
    found: dict[str, list[Record]] = {}
    used: dict[str, Mapping[str, PlainUse]] = {}
    for name in names:
        study = _study_of(catalogue, name, (out / name).resolve(), chosen, plugin or [], timeout)
        resolved = resolve_study(study, catalogue)
        _share_programs(out, name)
        found[name], uses = _tried_both_ways(resolved, out / name, timeout, quiet, plain and name in PLAIN_USE)
        used |= {} if uses is None else {name: uses}
    print(table_text(found, {one.name: _kind(one.name, model) for one in study.workloads}, used), end="")


def _chosen(models: Sequence[str], architectures: Sequence[str], dtype: str | None) -> list[dict[str, Any]]:
    """Return what is tried, as a study lists it but for its paths.

    Raises:
        StudyError: There is no such architecture, or both models and architectures are given.
    """
    from ablatrix.errors import StudyError
    from ablatrix.study.architectures import ARCHITECTURES
    from ablatrix.study.validation import describe_unknown
    from ablatrix.study.workload_choice import name_or_source

    further = {} if dtype is None else {"dtype": dtype}
    if models and architectures:
        raise StudyError("--model gives models of your own and --architecture names some of the sixty; give one")
    unknown = [name for name in architectures if name not in ARCHITECTURES]
    if unknown:
        raise StudyError(*(describe_unknown("architecture", name, ARCHITECTURES) for name in unknown))
    if models:
        return [{**name_or_source(one), **({"parameters": further} if further else {})} for one in models]
    return [ARCHITECTURES[name].choice(name, **further) for name in architectures or ARCHITECTURES]


def _kind(name: str, models: Sequence[str] | None) -> str:
    from ablatrix.study.architectures import ARCHITECTURES

    return "" if models else ARCHITECTURES[name].kind


def _study_of(
    catalogue: "Catalogue",
    name: str,
    directory: Path,
    chosen: Sequence[Mapping[str, Any]],
    plugins: Sequence[Path],
    timeout: float,
) -> "Study":
    """Return the study of all models on one compiler as it ships, with files as they are seen from its directory."""
    from ablatrix.study.without_file import make_study
    from ablatrix.workloads.source import seen_from

    entry = catalogue.compiler(name)
    sources = [
        {**one, **({"source": seen_from(directory, one["source"])} if "source" in one else {})} for one in chosen
    ]
    return make_study(
        sources,
        [name],
        {knob.name: [knob.as_shipped] for knob in entry.knobs if knob.name in entry.primary[:1]},
        ["cold"],
        [os.path.relpath(one.resolve(), directory) for one in plugins],
        directory,
        catalogue,
        name=f"models-{name}",
        checks={"input_sets": 2},
        protocol={"repeats": 0, "cold": {"replicates": 1, "timeout_s": timeout}},
    )


def _share_programs(out: Path, name: str) -> None:
    """Let the compilers' studies have one place for prepared programs, which are the same for all.

    Raises:
        TrialError: It cannot be made.
    """
    from ablatrix.errors import TrialError

    link = out / name / "work" / "programs"
    try:
        (out / "programs").mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(os.path.relpath(out / "programs", link.parent))
    except OSError as error:
        raise TrialError(f"{link}: cannot be written: {error.strerror}; choose another --out") from None


def _tried_both_ways(
    resolved: "ResolvedStudy", out: Path, timeout: float, quiet: bool, plain: bool
) -> "tuple[list[Record], Mapping[str, PlainUse] | None]":
    """Try a compiler on the models and, where asked, use it plainly, too (else None); it is imported once for both."""
    from ablatrix.trials.client import KeptServers

    with KeptServers(out.resolve() / "work" / "logs") as kept:
        found = _tried(resolved, out, quiet, kept)
        return found, _used(resolved, out, timeout, quiet, kept) if plain else None


def _tried(resolved: "ResolvedStudy", out: Path, quiet: bool, kept: "KeptServers") -> "list[Record]":
    """Run a study, keep its file beside its results, and return the final record of each measured trial."""
    from ablatrix.cli.run import keep_study, run_study
    from ablatrix.records.journal import final_records, read_records
    from ablatrix.study.without_file import study_text

    keep_study(study_text(resolved.study), out.resolve())
    summary = run_study(resolved, out / STUDY_NAME, out, [], quiet, kept=kept)
    if summary.signal is not None:
        raise typer.Exit(128 + summary.signal)
    return [one for one in final_records(list(read_records(summary.results))) if one.role == "measured"]


def _used(
    resolved: "ResolvedStudy", out: Path, timeout: float, quiet: bool, kept: "KeptServers"
) -> "Mapping[str, PlainUse]":
    """Use a compiler plainly on each model, with a line on stderr for each."""
    from ablatrix.trials.messages import Interrupted
    from ablatrix.trials.run import use_plainly_on_all

    def notice(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr)

    try:
        return use_plainly_on_all(resolved, out, timeout, notice, kept)
    except Interrupted as interrupted:
        raise typer.Exit(128 + interrupted.signal) from None
