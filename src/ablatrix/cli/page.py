"""The command that makes a page to look at: ``page``."""

from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.inputs import ClaimsFile, Results, claims_of, record_files
from ablatrix.cli.outputs import report


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("page")(page_command)


def page_command(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    claims: ClaimsFile = None,
    mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Accept several hosts, commits or schema versions, as columns.")
    ] = False,
) -> None:
    """Write one HTML file with everything that the results say, which needs no network."""
    from ablatrix.analysis.claims import check_claims
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.page.write import write_page

    files = record_files(results)
    loaded = claims_of(files, claims)
    findings = Findings(tidy(files))
    checked = check_claims(findings, loaded) if loaded else ()
    report([write_page(findings, checked, out, records=files, allow_mixed=mixed)])
