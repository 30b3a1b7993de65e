"""The command that turns records into tables, figures and sentences: ``tabulate``."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ablatrix.records.names import RECORDS_NAME

Results = Annotated[list[Path], typer.Argument(help="Files of records, or directories with results.jsonl.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("tabulate")(tabulate_command)


def tabulate_command(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="Directory for ablation.csv, tables/, figures/ and paper/.")],
    mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Accept several hosts, commits or schema versions, as columns.")
    ] = False,
) -> None:
    """Write ablation.csv, the summary, the figures, and the paper's tables, figures and paragraphs."""
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.tabulate import tabulate
    from ablatrix.analysis.tidy import tidy
    from ablatrix.cli.claims import claims_of
    from ablatrix.paper.make import make_paper

    files = record_files(results)
    found, claims = tidy(files), claims_of(files, None)
    report(tabulate(found, out, allow_mixed=mixed))
    report(make_paper(Findings(found), None, out / "paper", allow_mixed=mixed, claims=claims).files)


def record_files(results: list[Path]) -> list[Path]:
    """Return the files of records that the arguments name.

    Raises:
        RecordError: An argument is neither a file nor a directory with ``results.jsonl``.
    """
    from ablatrix.errors import RecordError

    files = [path / RECORDS_NAME if path.is_dir() else path for path in results]
    for path in files:
        if not path.is_file():
            raise RecordError(f"{path}: there is no such file; name a results.jsonl, or a directory that holds one")
    return files


def report(written: Iterable[Path]) -> None:
    """Name the files written, on stderr."""
    for path in written:
        print(f"wrote {path}", file=sys.stderr)
