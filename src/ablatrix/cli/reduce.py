"""The command that makes the program of a trouble small: ``reduce``."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    looks_that_resume,
    of_study,
    of_trial,
    tell_steps,
)
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.cli.trust import Trusted

if TYPE_CHECKING:
    from ablatrix.reduction import Reduction


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
    if as_json:
        print(json.dumps(reduction_data(found), indent=1, allow_nan=False))
    else:
        _show(found)
    if not found.holds:
        raise typer.Exit(1)


def _show(found: "Reduction") -> None:
    from ablatrix.cli.tables import say, show_steps
    from ablatrix.cli.time_left import duration_text

    say(f"trouble: {found.trouble.text}", hanging=2)
    say(
        f"reduced: {found.nodes_left} of {found.nodes} operations ({100.0 * found.share:.1f} %), "
        f"{found.elements_left} of {found.elements} elements of inputs and weights: "
        f"{', '.join(dict.fromkeys(found.operators))}",
        hanging=2,
    )
    if found.ending != "reduced":
        why = "steps" if found.ending == "most_steps" else "time"
        say(f"it ended before nothing could be removed: so many {why} as allowed; run it again with more", hanging=2)
    counts = ", ".join(f"{number} {name}" for name, number in found.steps.items())
    say(
        f"{sum(found.steps.values())} programs ({counts}), {found.trials} trials, {duration_text(found.seconds)}",
        hanging=2,
    )
    if not found.controlled:
        say("no step was tried without the setting: there is none, or the trouble is there without it, too", hanging=2)
    words = {"yes": "shows it", "no": "does NOT show it", "not_run": "could not be run"}
    say(f"study.yaml in new processes: {words[found.again]}", hanging=2)
    say(f"repro.py in a new interpreter without ablatrix: {words[found.repro]}", hanging=2)
    for line in found.repro_told.splitlines()[:8]:
        say(line, indent=2, hanging=2)
    for other in found.others:
        say(f"another trouble, of {other.programs} programs: {other.text} ({other.example})", hanging=2)
    show_steps(
        [
            ("the program as a script", f"python {found.out / 'repro.py'}"),
            ("under the same settings", f"ablatrix run {found.out / 'study.yaml'} --out results/reduced"),
            ("text for its maintainers", str(found.out / "issue.md")),
        ]
    )
