"""What the commands share that look at configurations until they know: what is named, and what is said meanwhile."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.inputs import record_files
from ablatrix.cli.trust import trust_of
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.culprits import Question

SUFFIXES = (".yaml", ".yml")
Subject = Annotated[
    str,
    typer.Argument(
        metavar="TRIAL|STUDY",
        help="Id of a trial or of one of its records (with --results and --study), or a study file (YAML).",
        show_default=False,
    ),
]
Trouble = Annotated[
    str | None,
    typer.Option(
        "--trouble",
        help="slower, wrong_output, crashed, timeout, or another status that fails.",
        show_default="what the trial shows",
    ),
]
OfTrial = Annotated[Path | None, typer.Option("--results", help="Results that contain the trial.")]
StudyOfResults = Annotated[Path | None, typer.Option("--study", help="Study file (YAML) of these results.")]
OneWorkload = Annotated[str | None, typer.Option("--workload", help="Workload.", show_default="the only one")]
OneCompiler = Annotated[str | None, typer.Option("--compiler", help="Compiler.", show_default="the only one")]


def tell_steps(quiet: bool) -> Callable[[str], None]:
    """Return what says each step on standard error, or says nothing."""
    return _silent if quiet else _tell


@contextmanager
def looks_that_resume() -> Iterator[None]:
    """End the command by the signal that ended a look, and say that it goes on."""
    from ablatrix.troubles import InterruptedLook

    try:
        yield
    except InterruptedLook as stopped:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        raise typer.Exit(128 + stopped.signal) from None


def of_study(
    file: Path,
    trouble: str | None,
    chosen: tuple[str | None, str | None, list[str] | None],
    plugin: list[Path] | None,
    trust: bool,
    further: dict[str, object],
) -> "Question":
    """Return the question about a configuration of a study; ``chosen`` is its workload, compiler and levels."""
    from ablatrix.cli.effects import levels_of
    from ablatrix.culprits import question_of_study
    from ablatrix.errors import StudyError
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study

    if trouble is None:
        raise StudyError(f"{file}: a study does not say what is wrong; say --trouble slower, wrong_output, crashed ...")
    resolved = load_study(file, read_catalogue(plugin or ()), trust=trust_of(trust))
    workload, compiler, knob = chosen
    levels = levels_of("--knob", knob)
    return question_of_study(resolved, trouble, workload=workload, compiler=compiler, levels=levels, **further)


def of_trial(
    trial: str,
    trouble: str | None,
    results: Path | None,
    study: Path | None,
    plugin: list[Path] | None,
    trust: bool,
    further: dict[str, object],
    stack: ExitStack,
) -> "Question":
    """Return the question about a trial of some results, which are open as long as ``stack`` is."""
    from ablatrix.culprits import question_of_trial
    from ablatrix.errors import TrialError
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study

    if results is None or study is None:
        raise TrialError(f"'{trial}' is no study file (.yaml), so it is a trial: give its --results and --study, too")
    resolved = load_study(study, read_catalogue(plugin or ()), trust=trust_of(trust))
    records = stack.enter_context(record_files([results]))[0]
    return question_of_trial(resolved, records, trial, trouble, **further)


def _tell(text: str) -> None:
    from ablatrix.cli.tables import say

    say(text, hanging=4, to_stderr=True)


def _silent(text: str) -> None:
    """Say nothing."""


def command_line(command: str, subjects: Sequence[str], options: Mapping[str, object]) -> str:
    """Return what was asked for as a command, to be kept with its answer.

    Args:
        command: Of ablatrix.
        subjects: Its arguments.
        options: By their names: a value, a list of values, or True for a flag; what is None or False was not given.
    """
    words = ["ablatrix", command, *map(shell_word, subjects)]
    for name, value in options.items():
        if value is True:
            words.append(name)
        elif value is not None and value is not False:
            several = value if isinstance(value, list) else [value]
            words += [word for one in several for word in (name, shell_word(str(one)))]
    return " ".join(words)
