"""The command that finds the pass or setting that has a trouble: ``bisect``."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.completion import metric_names
from ablatrix.cli.effects import share
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
    add(app, "bisect", bisect_command)


Levels = Annotated[
    list[str] | None,
    typer.Option(
        "--knob",
        help="KNOB=LEVEL of the configuration, or KIND:NAME=LEVEL for a setting by its address (repeatable).",
        show_default="the baseline's",
    ),
]
OfMetric = Annotated[str, typer.Option("--metric", help="What is slower, or larger.", autocompletion=metric_names)]
Least = Annotated[str, typer.Option("--least", help="Smallest slow-down that counts, as 2% or 0.02.")]
NamedAlone = Annotated[
    bool, typer.Option("--named-alone", help="End when it is named: do not look for the place in the model.")
]
MostLooks = Annotated[int, typer.Option("--most-looks", min=1, help="End without an answer after so many.")]


def bisect_command(
    subject: Subject,
    out: Annotated[Path, typer.Option("--out", help="Directory for the journal and the runs.")],
    trouble: Trouble = None,
    results: OfTrial = None,
    study: StudyOfResults = None,
    workload: OneWorkload = None,
    compiler: OneCompiler = None,
    knob: Levels = None,
    metric: OfMetric = "run_ms_paired",
    least: Least = "2%",
    no_passes: Annotated[bool, typer.Option("--no-passes", help="Try knobs alone, no passes.")] = False,
    named_alone: NamedAlone = False,
    most_looks: MostLooks = 100,
    plugin: Plugins = None,
    trust: Trusted = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, every step in it.")] = False,
) -> None:
    """Find the pass or setting that makes a configuration slow, wrong or crash, and where in the model.

    The same command again resumes: what was seen is kept in OUT.
    """
    from ablatrix.culprits import find_culprits, finding_data

    further = {
        "metric": metric,
        "least": share(least, "--least"),
        "most_looks": most_looks,
        "passes": not no_passes,
        "closer": not named_alone,
    }
    with ExitStack() as stack:
        if Path(subject).suffix in SUFFIXES:
            question = of_study(Path(subject), trouble, (workload, compiler, knob), plugin, trust, further)
        else:
            question = of_trial(subject, trouble, results, study, plugin, trust, further, stack)
        with looks_that_resume():
            found = find_culprits(question, out, tell=tell_steps(quiet))
    if results is not None and results.is_dir():
        from ablatrix.cli.culprit_text import keep_beside

        given = {"--results": results, "--study": study, "--trouble": trouble, "--no-passes": no_passes, "--out": out}
        of_times: dict[str, object] = {"--metric": metric, "--least": least} if trouble == "slower" else {}
        keep_beside(found, results, subject, command_line("bisect", [subject], {**given, **of_times}))
    if as_json:
        print(json.dumps(finding_data(found), indent=1, allow_nan=False))
    else:
        from ablatrix.cli.culprit_text import show_finding

        show_finding(found, out)
    if not found.holds:
        raise typer.Exit(1)
