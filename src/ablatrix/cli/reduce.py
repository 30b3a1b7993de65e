"""The command that makes the program of a trouble small: ``reduce``."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.looks import (
    SUFFIXES,
    OfTrial,
    OneCompiler,
    OneWorkload,
    StudyOfResults,
    Subject,
    Trouble,
    command_line,
    looks_that_resume,
    of_study,
    of_trial,
    tell_steps,
)
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.cli.trust import Trusted


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "reduce", reduce_command)


Bad = Annotated[
    list[str] | None,
    typer.Option("--knob", help="KNOB=LEVEL that shows it (repeatable).", show_default="the baseline's"),
]
Good = Annotated[
    list[str] | None,
    typer.Option("--good", help="KNOB=LEVEL that does not show it (repeatable).", show_default="the baseline's"),
]


def reduce_command(
    subject: Subject,
    out: Annotated[Path, typer.Option("--out", help="Directory for the journal, the runs and the results.")],
    trouble: Trouble = None,
    results: OfTrial = None,
    study: StudyOfResults = None,
    workload: OneWorkload = None,
    compiler: OneCompiler = None,
    knob: Bad = None,
    good: Good = None,
    most_steps: Annotated[int, typer.Option("--most-steps", min=1, help="Try so many programs at most.")] = 400,
    most_minutes: Annotated[float, typer.Option("--most-minutes", min=0.1, help="Try so long at most.")] = 30.0,
    plugin: Plugins = None,
    trust: Trusted = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Make the program of a wrong, slow or crashing configuration as small as it can be, and write it as a script.

    The same command again resumes: what was asked is kept in OUT.
    """
    from ablatrix.cli.effects import levels_of
    from ablatrix.cli.reduction_text import keep_beside, show_reduction
    from ablatrix.reduction import ReductionQuestion, reduce, reduction_data

    with ExitStack() as stack:
        if Path(subject).suffix in SUFFIXES:
            posed = of_study(Path(subject), trouble, (workload, compiler, knob), plugin, trust, {})
        else:
            posed = of_trial(subject, trouble, results, study, plugin, trust, {}, stack)
    question = ReductionQuestion(
        kind=posed.kind,
        reference={**posed.baseline, **levels_of("--good", good)},
        mode=posed.mode,
        most_steps=most_steps,
        most_seconds=most_minutes * 60.0,
    )
    with looks_that_resume():
        found = reduce(posed.configuration, question, out, tell=tell_steps(quiet))
    if results is not None and results.is_dir():
        given = {"--results": results, "--study": study, "--trouble": trouble, "--good": good, "--out": out}
        keep_beside(found, posed.configuration, results, subject, command_line("reduce", [subject], given))
    if as_json:
        print(json.dumps(reduction_data(found), indent=1, allow_nan=False))
    else:
        show_reduction(found)
    if not found.holds:
        raise typer.Exit(1)
