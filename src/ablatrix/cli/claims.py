"""The command that checks a study's claims against its records: ``claims``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import ClaimsFile, Results, claims_of, record_files
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim
    from ablatrix.records.metrics import Language


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "claims", claims_command)


def claims_command(
    results: Results,
    claims: ClaimsFile = None,
    language: Annotated[str, typer.Option("--lang", help="Language of the statements: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the ids of the rows behind each.")] = False,
) -> None:
    """Check each claim of a study against the records; exit 1 unless all hold."""
    from ablatrix.analysis.claims import check_claims, plain
    from ablatrix.analysis.effects import notes_on_hosts
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.cli.tables import next_steps, say
    from ablatrix.errors import AnalysisError

    if language not in ("en", "zh"):
        raise AnalysisError(f"--lang {language}: there are en, zh")
    with record_files(results) as files:
        loaded = claims_of(files, claims)
        if loaded is None:
            raise AnalysisError(
                f"{results[0]}: there is no claims.yaml next to the records; name a claims file (--claims FILE)"
            )
        found = tidy(files)
        checked = check_claims(Findings(found), loaded)
    if as_json:
        holds = all(one.state == "holds" for one in checked)
        print(json.dumps({"holds": holds, "claims": [plain(one) for one in checked]}, indent=1, allow_nan=False))
    else:
        show_claims(checked, "zh" if language == "zh" else "en")
        for note in notes_on_hosts(found.trials):
            say(f"note: {note}", hanging=2)
        next_steps(("whether the study is complete", f"ablatrix verdict {shell_word(results[0])}"))
    if any(one.state != "holds" for one in checked):
        raise typer.Exit(1)


def show_claims(checked: Sequence[CheckedClaim], language: Language = "en") -> None:
    """Print a table of claims, and how many hold."""
    from ablatrix.analysis.reasons import optional_text
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import print_table

    rows = [
        [
            *(one.claim.id, one.state, one.claim.statement(language)),
            *(f"{one.ratio.value:.4g} exactly" if one.exact and one.ratio else ratio_text(one.ratio), one.claim.wanted),
            optional_text(one.reason) or "",
        ]
        for one in checked
    ]
    print_table("Claims", ["claim", "state", "statement", "factor", "wanted", "why"], rows)
    held = sum(one.state == "holds" for one in checked)
    print(f"{held} of {len(checked)} claims hold")
    portable = sum(one.claim.is_portable for one in checked)
    bound = len(checked) - portable
    if bound and portable:
        print(
            f"portable, the same on any machine: {portable}; bound to the machine (times, memory as measured): {bound}"
        )
