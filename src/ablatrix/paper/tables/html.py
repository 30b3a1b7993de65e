"""A table as a self-contained HTML document, laid out by great_tables."""

import html

import polars as pl

from ablatrix.paper.tables.printed import PrintedTable


def html_table(table: PrintedTable) -> str:
    """Return the table as one HTML document. The same table gives the same bytes."""
    from great_tables import GT  # half a second, for this format alone

    # Columns are named by their index: a heading with a space would not make an id that another element can name.
    names = [f"c{index}" for index in range(len(table.headings))]
    cells = zip(names, range(len(names)), strict=True)
    frame = pl.DataFrame(
        {name: [row[index] for row in table.rows] for name, index in cells}, schema=dict.fromkeys(names, pl.String())
    )
    title = f"Table {table.number}. {table.title}"
    laid_out = (
        GT(frame, id=f"table{table.number}")
        .tab_header(html.escape(title))
        .cols_label({name: html.escape(heading) for name, heading in zip(names, table.headings, strict=True)})
        .tab_options(table_font_size="13px", data_row_padding="4px")
        .cols_align("left", names)
        .cols_align("right", [name for name, is_number in zip(names, table.is_number, strict=True) if is_number])
    )
    for note in (table.caption, *table.notes):
        laid_out = laid_out.tab_source_note(note)
    body = laid_out.as_raw_html()
    lines = ["<!DOCTYPE html>", '<html lang="en">', '<head><meta charset="utf-8">']
    lines += ["<style>td.gt_row { white-space: nowrap; }</style>"]  # an interval stays on one line
    lines += [f"<title>{html.escape(title)}</title></head>", "<body>", body, "</body>", "</html>"]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"
