"""The command that finds the commit of a repository that brought a trouble: ``bisect-builds``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import metric_names
from ablatrix.cli.effects import share
from ablatrix.cli.help import add
from ablatrix.cli.looks import looks_that_resume, tell_steps
from ablatrix.cli.options import Plugins, Quiet, StudyFile
from ablatrix.cli.trust import Trusted, trust_of
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.bisection import Commit, Finding


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "bisect-builds", bisect_builds_command)


Trouble = Annotated[
    str,
    typer.Option("--for", help="The trouble: slower, wrong_output, crashed, timeout, or another status that fails."),
]
Good = Annotated[
    str | None, typer.Option("--good", help="Build without the trouble.", show_default="the compiler's first")
]
Bad = Annotated[str | None, typer.Option("--bad", help="Build that has it.", show_default="the compiler's next")]
OneWorkload = Annotated[
    str | None, typer.Option("--workload", help="Workload to look at.", show_default="the only one")
]
OneCompiler = Annotated[
    str | None, typer.Option("--compiler", help="Compiler to look at.", show_default="the only one with builds")
]
Levels = Annotated[
    list[str] | None,
    typer.Option("--knob", help="KNOB=LEVEL of the configuration (repeatable).", show_default="the baseline's"),
]


def bisect_builds_command(
    study: StudyFile,
    out: Annotated[Path, typer.Option("--out", help="Directory for the journal, the runs and the builds.")],
    trouble: Trouble = "slower",
    good: Good = None,
    bad: Bad = None,
    workload: OneWorkload = None,
    compiler: OneCompiler = None,
    knob: Levels = None,
    metric: Annotated[
        str, typer.Option("--metric", help="What is slower, or larger.", autocompletion=metric_names)
    ] = "run_ms_paired",
    confidence: Annotated[str, typer.Option("--confidence", help="With which the culprit is named.")] = "95%",
    least: Annotated[str, typer.Option("--least", help="Smallest slow-down that counts, as 1% or 0.01.")] = "1%",
    blocks: Annotated[int, typer.Option("--blocks", min=1, help="Blocks of a look at a commit.")] = 2,
    most_looks: Annotated[int, typer.Option("--most-looks", min=1, help="End without an answer after so many.")] = 100,
    plugin: Plugins = None,
    trust: Trusted = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Find the commit that made a compiler slower or wrong, between two builds of one repository in a study.

    The same command again resumes: what was built and seen is kept in OUT.
    """
    from ablatrix.bisection import Question, bisect_builds, finding_data
    from ablatrix.cli.effects import levels_of
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study

    catalogue = read_catalogue(plugin or ())
    question = Question(
        trouble=trouble.replace("-", "_"),
        good=good,
        bad=bad,
        metric=metric,
        workload=workload,
        compiler=compiler,
        levels=levels_of("--knob", knob),
        confidence=share(confidence, "--confidence"),
        least=share(least, "--least"),
        blocks=blocks,
        most_looks=most_looks,
    )
    resolved = load_study(study, catalogue, trust=trust_of(trust))
    with looks_that_resume():
        found = bisect_builds(resolved, question, out, catalogue=catalogue, tell=tell_steps(quiet))
    if as_json:
        print(json.dumps(finding_data(found), indent=1, allow_nan=False))
    else:
        _show(found)
        _show_next(found, study, out)
    if not found.holds:
        raise typer.Exit(1)


def _show(found: "Finding") -> None:
    from ablatrix.bisection import sure_text
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import say
    from ablatrix.cli.time_left import duration_text

    trouble, sure = found.question.trouble.replace("_", " "), sure_text(found.suspects.probability)
    first, last = found.named[0], found.named[-1]
    if found.ending == "no_trouble":
        say(
            f"no culprit: commit {found.commits[-1].name}, the bad one, does not have the trouble ({trouble})",
            hanging=2,
        )
    elif found.ending == "found" and found.suspects.is_one:
        say(f"culprit: {_commit_text(first)}", hanging=2)
        say(f"confidence: {sure} that it is the first with the trouble ({trouble})", hanging=2)
    else:
        why = {
            "found": "those before the last of them cannot be looked at",
            "stalled": "further looks do not tell them apart, as builds scatter as much as the trouble does",
            "most_looks": "as many looks were made as --most-looks allows",
        }[found.ending]
        say(f"culprit: one of {len(found.named)} commits, {first.name} to {last.name}: {why}", hanging=2)
        for one in found.named:
            say(_commit_text(one), indent=2, hanging=2)
        say(f"confidence: {sure} that it is one of them", hanging=2)
    if found.ratio is not None:
        word = "" if found.is_confirmed else "; this does not confirm that it is slower"
        say(
            f"{found.question.metric} over its parent {found.parent.name}: {ratio_text(found.ratio)} in "
            f"{found.ratio.count} blocks{word}",
            hanging=2,
        )
    if found.whole is not None:
        say(f"bad over good: {ratio_text(found.whole)}", hanging=2)
    skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
    say(
        f"{len(found.commits) - 1} commits: {found.builds} built{skipped}, {found.looks} looks, {found.trials} trials, "
        f"{duration_text(found.seconds)}",
        hanging=2,
    )
    for number, why in found.skipped:
        say(f"skipped {found.commits[number].name}: {why}", indent=2, hanging=2)


def _commit_text(commit: "Commit") -> str:
    return f"{commit.name} {commit.subject}" + (" (a merge)" if commit.parents > 1 else "")


def _show_next(found: "Finding", study: Path, out: Path) -> None:
    from ablatrix.cli.tables import show_steps

    culprit = found.named[-1]
    steps = [("what it changed", f"git show {culprit.sha}")]
    if found.compared is not None:
        steps.append(("the two builds beside each other", f"ablatrix effects {shell_word(out / found.compared)}"))
    if culprit.parents > 1:
        steps.append(("the commits that it merged", f"git log --oneline {culprit.name}^1..{culprit.name}^2"))
    if found.ending == "no_trouble":
        steps = [("what was measured", f"ablatrix effects {shell_word(out / 'looks')}/*")]
    if found.ending in ("stalled", "most_looks"):
        steps.append(("more blocks a look", f"ablatrix bisect-builds {shell_word(study)} --blocks 4 --out NEW"))
    show_steps(steps)
