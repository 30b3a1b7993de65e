"""The command for a pull request: two builds of a compiler, side by side, held against a policy: ``pr``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files

if TYPE_CHECKING:
    from ablatrix.analysis.builds import BuildReport
    from ablatrix.pull_request import Gate


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "pr", pr_command)


def pr_command(
    base: Annotated[str | None, typer.Option("--base", help="Build that the other is compared with.")] = None,
    head: Annotated[str | None, typer.Option("--head", help="Build with the change.")] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(
            "--results",
            help="Records of both builds, in place of a run; given twice, the second is a second session, and only "
            "what recurs is called a change.",
            show_default="none: the study is run",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            help="What may become worse by how much (YAML).",
            show_default="run time by 1 %, and no new wrong output or failure",
        ),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="File for the text, beside stdout.", show_default="none")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="File for JUnit XML.", show_default="none")] = None,
    link: Annotated[
        str | None, typer.Option("--link", help="Address of the whole results, for the text.", show_default="none")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of Markdown, with every number.")
    ] = False,
) -> None:
    """Compare two builds of a compiler for a pull request, in Markdown; exit 1 where a policy does not let it pass."""
    from ablatrix.pull_request import DEFAULT_POLICY, hold_against, load_policy, markdown_text

    rules = DEFAULT_POLICY if policy is None else load_policy(policy)
    report = _read(results or [], base, head, rules.margin)
    gate = hold_against(report, rules)
    text = markdown_text(gate, link)
    if markdown is not None:
        _write(markdown, text, "--markdown")
    if junit is not None:
        from ablatrix.pull_request import junit_text

        _write(junit, junit_text(gate), "--junit")
    sys.stdout.write(json.dumps(_plain(gate), indent=1, allow_nan=False) + "\n" if as_json else text)
    if not gate.passes:
        raise typer.Exit(1)


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
                print(f"note: {note}", file=sys.stderr)
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
