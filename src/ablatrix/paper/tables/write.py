"""A table of the paper in every format."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ablatrix.analysis.table import write_csv
from ablatrix.errors import AnalysisError
from ablatrix.paper.files import write_latex, write_text
from ablatrix.paper.tables.ablation import ablation_tables
from ablatrix.paper.tables.along_axes import axes_tables
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.tables.html import html_document
from ablatrix.paper.tables.latex import latex_tables
from ablatrix.paper.tables.memory import memory_table
from ablatrix.paper.tables.phases import phases_table
from ablatrix.paper.tables.printed import PrintedTable, markdown_table
from ablatrix.paper.tables.setup import setup_table
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.template.spec import (
    AblationTableSpec,
    AnyTable,
    AxesTableSpec,
    MemoryTableSpec,
    PhasesTableSpec,
    SetupTableSpec,
    TableSpec,
)


def write_table(sources: TableSources, spec: AnyTable, directory: Path) -> list[Path]:
    """Write ``directory/table<number>.{csv,md,tex,html}`` and return the files.

    All have the same numbers. The CSV is in English and has names, so that other tools can join by them; the others
    are in the language of the paper and have titles. Unrounded numbers are in ``ablation.csv`` and
    ``ablation_summary.csv``.

    Args:
        sources: The input; columns of mixed origin become columns in front of tables of rows.
        spec: The template's entry.
        directory: Directory for the files.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    tables = build_parts(sources, spec)
    name = f"table{spec.number}"
    return [
        write_csv(_frame(tables), directory / f"{name}.csv"),
        write_text(directory / f"{name}.md", "\n".join(map(markdown_table, tables))),
        write_latex(directory / f"{name}.tex", latex_tables(tables), sources.labels.code),
        write_text(directory / f"{name}.html", html_document(tables)),
    ]


def build_parts(sources: TableSources, spec: AnyTable) -> list[PrintedTable]:
    """Return the parts of a table: one, or one for all compilers that have the same knobs.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    match spec:
        case TableSpec():
            return [build_table(sources.findings, spec, sources.mixed, sources.labels)]
        case AblationTableSpec():
            return ablation_tables(sources, spec)
        case SetupTableSpec():
            return [setup_table(sources, spec)]
        case MemoryTableSpec():
            return memory_table(sources, spec)
        case PhasesTableSpec():
            return [phases_table(sources, spec)]
        case AxesTableSpec():
            return axes_tables(sources, spec)


def _frame(tables: Sequence[PrintedTable]) -> pl.DataFrame:
    """Return the cells of all parts in one frame, as data files have them; what a part lacks is null."""
    frames = []
    for table in tables:
        headings = table.data_headings
        if repeated := {heading for heading in headings if headings.count(heading) > 1}:
            raise AnalysisError(
                f"table {table.number}: two columns have the same heading '{min(repeated)}' once 'knobs', 'sizes' and "
                f"columns of mixed origin are added; give one another 'heading'"
            )
        rows = table.data_rows
        columns = {heading: [row[index] for row in rows] for index, heading in enumerate(headings)}
        part = {"part": [table.data_part] * len(rows)} if table.data_part else {}
        frames.append(pl.DataFrame(part | columns, schema=dict.fromkeys((*part, *headings), pl.String())))
    return pl.concat(frames, how="diagonal")
