"""The command that writes a study to start from: ``init``."""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import compiler_names, workload_names
from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.study.model import Study

HEADER = """\
# A study for ablatrix: which workloads, on which compilers, with which knobs moved.
# See what it would run:  ablatrix design {file}
# Run it (again: resume): ablatrix run {file} --out {out}
# All keys: docs/study-file.md; knobs of a compiler: ablatrix knobs COMPILER; workloads: ablatrix workloads
"""
PROTOCOL = """\
# How often trials are repeated; these are the defaults.
# protocol:
#   cold: {replicates: 3}                  # compile times: trials of each cell
#   hot: {blocks: 5, max_blocks: 20}       # run times: blocks, and up to how many while intervals are wide
#   budget_s: 3600                         # seconds after which no further block begins
"""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "init", init_command)


def init_command(
    file: Annotated[Path, typer.Argument(help="Study file to write (YAML).")] = Path("study.yaml"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A model, written as for 'ablatrix run --model' (repeatable).",
            show_default="asked",
            autocompletion=workload_names,
        ),
    ] = None,
    compiler: Annotated[
        list[str] | None,
        typer.Option(
            "--compiler",
            help="Name of a compiler (repeatable).",
            show_default="asked",
            autocompletion=compiler_names,
        ),
    ] = None,
    knob: Annotated[
        list[str] | None,
        typer.Option(
            "--knob",
            help="KNOB=LEVEL,LEVEL...; the first level is the baseline (repeatable).",
            show_default="all primary knobs",
        ),
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option("--mode", help="cold or hot (repeatable).", show_default="cold and hot")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the study.", show_default="the file's")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    plugin: Plugins = None,
) -> None:
    """Write a study file to start from; what no option gives is asked for in a terminal."""
    from ablatrix.errors import StudyError
    from ablatrix.paper.files import write_text
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.resolve import resolve_study
    from ablatrix.study.without_file import make_study, study_text
    from ablatrix.workloads.source import seen_from

    if file.exists() and not force:
        raise StudyError(f"{file}: the file exists already; name another one, or overwrite it (--force)")
    catalogue = read_catalogue(plugin or ())
    models = model or _asked("Models", "--model", _models(catalogue), "mlp")
    compilers = compiler or _asked("Compilers", "--compiler", _compilers(catalogue), _first_installed(catalogue))
    directory = file.resolve().parent
    named = name or re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "study"
    sources = [seen_from(directory, one) for one in models]
    plugins = [str(one) for one in plugin or ()]
    study = make_study(sources, compilers, knob or [], mode or [], plugins, directory, catalogue, name=named)
    resolve_study(study, catalogue)
    try:
        write_text(file, _text(study, file, study_text))
    except OSError as error:
        raise StudyError(f"{file}: cannot be written: {error.strerror}; name another file") from None
    _report(file, named)


def _text(study: "Study", file: Path, study_text: "Callable[[Study], str]") -> str:
    header = HEADER.format(file=shell_word(file), out=shell_word(f"results/{study.name}"))
    return header + "\n" + study_text(study) + "\n" + PROTOCOL


def _report(file: Path, name: str) -> None:
    from ablatrix.cli.outputs import report
    from ablatrix.cli.tables import show_steps

    report([file])
    show_steps(
        [
            ("see what it would run", f"ablatrix design {shell_word(file)}"),
            ("run it", f"ablatrix run {shell_word(file)} --out {shell_word(f'results/{name}')}"),
        ]
    )


def _asked(what: str, option: str, choices: Sequence[str], default: str | None) -> list[str]:
    """Return what a person at the terminal answers.

    Raises:
        StudyError: Nobody can be asked.
    """
    from ablatrix.errors import StudyError

    if not sys.stdin.isatty():
        raise StudyError(f"{what.lower()}: none given, and there is no terminal to ask at; give {option} (repeatable)")
    print(f"{what}, such as {', '.join(choices)}; several with commas.", file=sys.stderr)
    answer: str = typer.prompt(what, default=default, err=True)
    return [one.strip() for one in answer.split(",") if one.strip()]


def _models(catalogue: "Catalogue") -> list[str]:
    return [*catalogue.workloads, "file.py:function", "model.onnx", "hf:gpt2?layers=2"]


def _compilers(catalogue: "Catalogue") -> list[str]:
    return [
        one.name if one.installed else f"{one.name} (not installed)"
        for one in catalogue.compilers.values()
        if one.name != "eager"
    ]


def _first_installed(catalogue: "Catalogue") -> str | None:
    return next((one.name for one in catalogue.compilers.values() if one.installed and one.name != "eager"), None)
