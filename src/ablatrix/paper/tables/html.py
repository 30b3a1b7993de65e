"""A table as a self-contained HTML document, laid out by great_tables."""

import html
from collections.abc import Sequence

import polars as pl

from ablatrix.paper.tables.printed import PrintedTable


def html_document(tables: Sequence[PrintedTable]) -> str:
    """Return all parts of a table as one HTML document. The same table gives the same bytes."""
    bodies = [_body(table, number) for number, table in enumerate(tables, 1)]
    first = tables[0]
    title = f"{first.labels('table')} {first.number}. {first.title}"
    lines = ["<!DOCTYPE html>", f'<html lang="{first.labels.code}">', '<head><meta charset="utf-8">']
    lines += ["<style>td.gt_row { white-space: nowrap; }</style>"]  # an interval stays on one line
    lines += [f"<title>{html.escape(title)}</title></head>", "<body>", *bodies, "</body>", "</html>"]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def _body(table: PrintedTable, part: int) -> str:
    from great_tables import GT, loc, style  # half a second, for this format alone

    # Columns are named by their index: a heading with a space would not make an id that another element can name.
    names = [f"c{index}" for index in range(len(table.headings))]
    cells = zip(names, range(len(names)), strict=True)
    frame = pl.DataFrame(
        {name: [row[index] for row in table.marked_rows] for name, index in cells},
        schema=dict.fromkeys(names, pl.String()),
    )
    title = f"{table.labels('table')} {table.number}. {table.full_title}"
    laid_out = (
        GT(frame, id=f"table{table.number}" + (f"part{part}" if part > 1 else ""))
        .tab_header(html.escape(title))
        .cols_label({name: html.escape(heading) for name, heading in zip(names, table.full_headings, strict=True)})
        .tab_options(table_font_size="13px", data_row_padding="4px")
        .cols_align("left", names)
        .cols_align("right", [name for name, is_number in zip(names, table.is_number, strict=True) if is_number])
    )
    for row, column in sorted(table.best):
        laid_out = laid_out.tab_style(style.text(weight="bold"), loc.body([names[column]], [row]))
    for note in (table.caption, *table.notes):
        laid_out = laid_out.tab_source_note(note)
    return laid_out.as_raw_html()
