"""The command that finds the pass or setting that has a trouble: ``bisect``."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import metric_names
from ablatrix.cli.effects import share
from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.cli.trust import Trusted, trust_of

if TYPE_CHECKING:
    from ablatrix.culprits import Question

SUFFIXES = (".yaml", ".yml")


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "bisect", bisect_command)


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
    from ablatrix.troubles import InterruptedLook

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
        try:
            found = find_culprits(question, out, tell=_silent if quiet else _tell)
        except InterruptedLook as stopped:
            print("interrupted; run the same command again to go on", file=sys.stderr)
            raise typer.Exit(128 + stopped.signal) from None
    if results is not None and results.is_dir():
        from ablatrix.cli.culprit_text import keep_beside

        keep_beside(found, results, subject, f"ablatrix bisect {subject} --results {results} --study {study}")
    if as_json:
        print(json.dumps(finding_data(found), indent=1, allow_nan=False))
    else:
        from ablatrix.cli.culprit_text import show_finding

        show_finding(found, out)
    if not found.holds:
        raise typer.Exit(1)


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
