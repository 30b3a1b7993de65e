"""A table of the paper in every format."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ablatrix.analysis.delimited import write_csv
from ablatrix.analysis.findings import Findings
from ablatrix.errors import AnalysisError
from ablatrix.paper.files import write_text
from ablatrix.paper.markup import latex_table, markdown_table
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.template import TableSpec


def write_table(findings: Findings, spec: TableSpec, mixed: Sequence[str], directory: Path) -> list[Path]:
    """Write ``directory/table<number>.{csv,md,tex}`` and return the files.

    Args:
        findings: What is estimated from the trials.
        spec: The template's entry.
        mixed: Columns of mixed origin: each becomes a column in front.
        directory: Where the files go.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    table = build_table(findings, spec, mixed)
    if len(set(table.headings)) != len(table.headings):
        raise AnalysisError(f"table {spec.number}: two columns have the same heading; give one another 'heading'")
    columns = {heading: [row[i] for row in table.rows] for i, heading in enumerate(table.headings)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(table.headings, pl.String()))
    name = f"table{spec.number}"
    return [
        write_csv(frame, directory / f"{name}.csv"),
        write_text(directory / f"{name}.md", markdown_table(table)),
        write_text(directory / f"{name}.tex", latex_table(table)),
    ]
