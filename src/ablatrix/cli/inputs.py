"""Arguments that several commands have: records, and the claims that are checked against them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ablatrix.analysis.claims import Claims

Results = Annotated[
    list[Path],
    typer.Argument(
        help="Results: a directory that contains results.jsonl, a file of records (JSON Lines), or an artifact (its "
        "directory or its zip).",
        show_default=False,
    ),
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
        help="Accept records of several studies, kinds of machine, commits or versions; these become columns.",
        show_default="such records are refused",
    ),
]


@contextmanager
def record_files(results: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the files of records that the arguments lead to; what a zip holds is there while the context lasts.

    Raises:
        RecordError: An argument leads to no records.
    """
    from ablatrix.records.location import find_records

    with ExitStack() as stack:

        def scratch() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-")))

        yield [find_records(path, scratch) for path in results]


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
