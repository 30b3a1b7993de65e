"""Arguments that several commands have: records, and the claims that are checked against them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ablatrix.analysis.claims import Claims

Results = Annotated[
    list[Path], typer.Argument(help="Files of records (JSON Lines), or directories that contain results.jsonl.")
]
ClaimsFile = Annotated[
    Path | None,
    typer.Option(
        "--claims", help="Claims file (YAML).", show_default="claims.yaml next to the first file of records, if any"
    ),
]
AllowMixed = Annotated[
    bool,
    typer.Option(
        "--allow-mixed",
        help="Accept records of several hosts, commits or schema versions; these become columns.",
        show_default="such records are refused",
    ),
]


def record_files(results: list[Path]) -> list[Path]:
    """Return the files of records that the arguments name.

    Raises:
        RecordError: An argument is neither a file nor a directory with ``results.jsonl``.
    """
    from ablatrix.errors import RecordError

    files = [path / "results.jsonl" if path.is_dir() else path for path in results]
    for path in files:
        if not path.is_file():
            raise RecordError(f"{path}: there is no such file; name a results.jsonl, or a directory that contains one")
    return files


def claims_of(files: Sequence[Path], given: Path | None) -> Claims | None:
    """Return the claims that were given, else those next to the first file of records, else none.

    Raises:
        AnalysisError: The file cannot be read, or breaks a rule.
    """
    from ablatrix.analysis.claims import load_claims
    from ablatrix.artifact.contents import CLAIMS_NAME

    beside = files[0].with_name(CLAIMS_NAME)
    if given is None and not beside.is_file():
        return None
    return load_claims(given or beside)
