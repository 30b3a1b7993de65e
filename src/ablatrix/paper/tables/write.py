"""A table of the paper in every format."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import write_csv
from ablatrix.errors import AnalysisError
from ablatrix.paper.files import write_text
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.tables.html import html_table
from ablatrix.paper.tables.latex import latex_table
from ablatrix.paper.tables.printed import markdown_table
from ablatrix.paper.template.spec import TableSpec


def write_table(findings: Findings, spec: TableSpec, mixed: Sequence[str], directory: Path) -> list[Path]:
    """Write ``directory/table<number>.{csv,md,tex,html}`` and return the files.

    All have the same printed cells; unrounded numbers are in ``ablation.csv`` and ``ablation_summary.csv``.

    Args:
        findings: What is estimated from the trials.
        spec: The template's entry.
        mixed: Columns of mixed origin: each becomes a column in front.
        directory: Directory for the files.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    table = build_table(findings, spec, mixed)
    if repeated := {heading for heading in table.headings if table.headings.count(heading) > 1}:
        raise AnalysisError(
            f"table {spec.number}: two columns have the same heading '{min(repeated)}' once 'knobs', 'sizes' and "
            f"columns of mixed origin are added; give one another 'heading'"
        )
    columns = {heading: [row[index] for row in table.rows] for index, heading in enumerate(table.headings)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(table.headings, pl.String()))
    name = f"table{spec.number}"
    return [
        write_csv(frame, directory / f"{name}.csv"),
        write_text(directory / f"{name}.md", markdown_table(table)),
        write_text(directory / f"{name}.tex", latex_table(table)),
        write_text(directory / f"{name}.html", html_table(table)),
    ]
