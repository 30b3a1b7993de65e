"""The command that turns records into tables, figures and sentences: ``tabulate``."""

from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import AllowMixed, Results, claims_of, record_files
from ablatrix.cli.outputs import report


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "tabulate", tabulate_command)


def tabulate_command(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="Directory for ablation.csv, tables/, figures/ and paper/.")],
    mixed: AllowMixed = False,
) -> None:
    """Write ablation.csv, the summary, the figures, and the paper's tables, figures and paragraphs."""
    from ablatrix.analysis.claims import check_claims
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.paper.make import make_paper
    from ablatrix.plotting.tabulate import tabulate

    with record_files(results) as files:
        findings, claims = Findings(tidy(files)), claims_of(files, None)
    report(tabulate(findings.found, out, allow_mixed=mixed))
    checked = None if claims is None else check_claims(findings, claims)
    report(make_paper(findings, None, out / "paper", allow_mixed=mixed, claims=checked).files)
