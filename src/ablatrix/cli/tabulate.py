"""The command that turns records into tables of data: ``tabulate``. What a paper is made of is written by ``paper``."""

from pathlib import Path
from typing import Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import AllowMixed, Results, record_files
from ablatrix.cli.outputs import report


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "tabulate", tabulate_command)


def tabulate_command(
    results: Results,
    out: Annotated[Path, typer.Option("--out", help="Directory for ablation.csv, tables/ and figures/.")],
    mixed: AllowMixed = False,
) -> None:
    """Write the data for other tools: ablation.csv (a line a trial), the summary of groups, what is excluded, and why.

    The paper's tables, figures and paragraphs are made by 'ablatrix paper'.
    """
    from ablatrix.analysis.table import tidy
    from ablatrix.plotting.tabulate import tabulate

    with record_files(results) as files:
        report(tabulate(tidy(files), out, allow_mixed=mixed))
