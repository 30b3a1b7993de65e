"""The command that writes the results as one HTML page: ``page``."""

from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import AllowMixed, ClaimsFile, Results, claims_of, record_files
from ablatrix.cli.outputs import report


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "page", page_command)


def page_command(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    claims: ClaimsFile = None,
    mixed: AllowMixed = False,
) -> None:
    """Write all results as one self-contained HTML file, which needs no network."""
    from ablatrix.analysis.claims import check_claims
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.page.write import write_page
    from ablatrix.records.kept_findings import kept_findings

    with record_files(results) as files:
        loaded = claims_of(files, claims)
        findings = Findings(tidy(files))
        checked = check_claims(findings, loaded) if loaded else ()
        kept = kept_findings(files)
        report([write_page(findings, checked, out, records=files, allow_mixed=mixed, kept=kept)])
