"""The command for a pull request: two builds of a compiler, side by side, held against a policy: ``pr``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.cli.trust import Trusted
from ablatrix.foreign_text import escaped, shell_word

if TYPE_CHECKING:
    from ablatrix.analysis.builds import BuildReport
    from ablatrix.pull_request import Gate
    from ablatrix.study.resolve import ResolvedStudy


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "pr", pr_command)


StudyOrNone = Annotated[
    Path | None,
    typer.Argument(help="Study file (YAML), of which both builds are run; omit it with --results.", show_default=False),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        help="Build that the other is compared with: a build of the study, an interpreter's path, "
        "pip:REQUIREMENT,..., NAME@COMMIT, git:COMMIT, or here.",
        show_default="of records, the baseline's",
    ),
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="Build with the change, likewise.", show_default="of records, the only other one"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Directory for the results of a run; the same command again resumes it.", show_default="none"
    ),
]
Confirm = Annotated[
    bool,
    typer.Option(
        "--confirm",
        help="Run a second session, with another seed, into OUT-second; only what recurs is called a change.",
    ),
]
Sessions = Annotated[
    list[Path] | None,
    typer.Option(
        "--results",
        help="Records of both builds, in place of a study; given twice, the second is a second session.",
        show_default="none: the study is run",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="What may become worse by how much (YAML).",
        show_default="run time by 1 %, and no new wrong output or failure",
    ),
]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", help="File for the text, beside stdout.", show_default="none")
]
JUnitFile = Annotated[Path | None, typer.Option("--junit", help="File for JUnit XML.", show_default="none")]
Link = Annotated[
    str | None, typer.Option("--link", help="Address of the whole results, for the text.", show_default="none")
]


def pr_command(
    study: StudyOrNone = None,
    base: Base = None,
    head: Head = None,
    out: Out = None,
    confirm: Confirm = False,
    results: Sessions = None,
    policy: PolicyFile = None,
    markdown: MarkdownFile = None,
    junit: JUnitFile = None,
    link: Link = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of Markdown, with every number.")
    ] = False,
    quiet: Quiet = False,
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """Compare two builds of a compiler for a pull request, in Markdown; exit 1 where a policy does not let it pass."""
    from ablatrix.errors import StudyError
    from ablatrix.pull_request import DEFAULT_POLICY, hold_against, junit_text, load_policy, markdown_text

    rules = DEFAULT_POLICY if policy is None else load_policy(policy)
    if bool(results) == (study is not None):
        raise StudyError("give a study file to run both builds, or --results with records of both, and not both")
    if study is None:
        if out is not None or confirm:
            raise StudyError("--out and --confirm are for a run; give the second session as --results, too")
        report = _read(results or [], base, head, rules.margin)
    else:
        names, sessions = _run(study, base, head, out, confirm, quiet, plugin or [], trust)
        report = _read(sessions, *names, rules.margin)
    gate = hold_against(report, rules)
    text = markdown_text(gate, link)
    for file, held, option in ((markdown, text, "--markdown"), (junit, junit_text(gate), "--junit")):
        if file is not None:
            _write(file, held, option)
    sys.stdout.write(json.dumps(_plain(gate), indent=1, allow_nan=False) + "\n" if as_json else text)
    if not gate.passes:
        raise typer.Exit(1)


def _run(
    path: Path,
    base: str | None,
    head: str | None,
    out: Path | None,
    confirm: bool,
    quiet: bool,
    plugins: list[Path],
    trust: bool,
) -> tuple[tuple[str, str], list[Path]]:
    """Run, or resume, a study between two builds in one session or two; return their names and the results."""
    from ablatrix.cli.run import run_study
    from ablatrix.cli.trust import trust_of
    from ablatrix.errors import StudyError
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import read_study
    from ablatrix.study.resolve import resolve_study
    from ablatrix.study.trust import refuse_untrusted_study, refuse_untrusted_work
    from ablatrix.study.two_builds import between_builds

    if base is None or head is None or out is None:
        raise StudyError("to run a study also give --base, --head and --out; to read records give --results")
    allowed = trust_of(trust)
    given = read_study(path)
    study, *names = between_builds(given, base, head)
    refuse_untrusted_study(study, path, allowed)
    catalogue = read_catalogue(plugins)
    sessions = [out, out.with_name(f"{out.name}-second")] if confirm else [out]
    for number, session in enumerate(sessions):
        refuse_untrusted_work(session, allowed)
        # Another seed: other orders, inputs and paddings.
        seeded = study.model_copy(update={"seed": study.seed + number}).at(study.directory)
        resolved = resolve_study(seeded, catalogue)
        if seeded.digest != given.digest:
            _keep(resolved, session, names)
        summary = run_study(resolved, path, session, [], quiet)
        if summary.signal is not None:
            print("interrupted; run the same command again to resume", file=sys.stderr)
            raise typer.Exit(128 + summary.signal)
    return (names[0], names[1]), sessions


def _keep(resolved: ResolvedStudy, session: Path, names: list[str]) -> None:
    """Keep the study of two builds, which no file says, beside its results."""
    from ablatrix.errors import StudyError
    from ablatrix.study.files import keep_study

    words = f"The study of builds {names[0]} and {names[1]} as `ablatrix pr` made it; to resume it:\n"
    words += f"ablatrix run {shell_word(session / 'study' / 'study.yaml')} --out {shell_word(session)}"
    try:
        keep_study(resolved, session / "study", words)
    except StudyError as error:
        print(f"the study is not kept in {session}: {error}", file=sys.stderr)


def _read(sessions: list[Path], base: str | None, head: str | None, margin: float) -> BuildReport:
    """Return what one session says of two builds, or two together."""
    from ablatrix.analysis.builds import compare_builds, confirmed
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.groups import refuse_mixed
    from ablatrix.analysis.table import tidy
    from ablatrix.errors import AnalysisError

    if len(sessions) > 2:
        raise AnalysisError(f"--results was given {len(sessions)} times; give one session, or two")
    reports = []
    with record_files(sessions) as files:
        for file in files:
            found = tidy([file])
            refuse_mixed(found, False)
            for note in found.notes:
                print(f"note: {escaped(note)}", file=sys.stderr)
            reports.append(compare_builds(Findings(found), base, head, margin))
    return confirmed(*reports) if len(reports) == 2 else reports[0]


def _write(file: Path, text: str, option: str) -> None:
    from ablatrix.errors import AnalysisError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise AnalysisError(f"{option} {file}: cannot be written: {error.strerror}; choose another file") from None


def _plain(gate: Gate) -> dict[str, Any]:
    from ablatrix.analysis.builds import report_data
    from ablatrix.analysis.reasons import plain_data

    return {
        "passes": gate.passes,
        "checks": plain_data(gate.checks),
        "policy": gate.policy.model_dump(mode="json"),
        "comparison": report_data(gate.report),
    }
