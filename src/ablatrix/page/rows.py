"""The rows of the page's tables as HTML: a page has fifty thousand cells, which a template would take seconds for."""

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from ablatrix.page.table import Heading, Row, Shown

LONGEST_WORD = 24
"""Characters that stay on one line; longer ones break anywhere, so that a table shows its columns."""
_AFTER_COMMA = re.compile(r"(?<=,)(?! )")
_BREAK = re.compile(r"\s|-|(?<=,)")


def row_html(row: Row, headings: Sequence[Heading], has_sources: bool) -> Markup:
    """Return a row, all texts escaped; with the button that names its records in a table whose rows have some."""
    facets = f' data-facets="{escape(row.listed)}"' if row.facets else ""
    cells = "".join(
        _cell(cell, heading, is_first=index == 0)
        for index, (cell, heading) in enumerate(zip(row.cells, headings, strict=False))
    )
    sources = f'<td class="number">{_button(row)}</td>' if has_sources else ""
    return Markup(f"<tr{facets}>{cells}{sources}</tr>")


def _cell(cell: Shown, heading: Heading, is_first: bool) -> str:
    tag, scope = ("th", ' scope="row"') if is_first else ("td", "")
    pieces = _BREAK.split(cell.text)
    words = "words" if not heading.kind and max(map(len, pieces)) <= LONGEST_WORD else ""
    kinds = " ".join(filter(None, (heading.kind, words, cell.tone)))
    kind = f' class="{escape(kinds)}"' if kinds else ""
    value = f' data-v="{escape(cell.value)}"' if cell.value is not None else ""
    statistic = f' data-k="{escape(cell.statistic)}"' if cell.statistic else ""
    text = Markup("<wbr>").join(_AFTER_COMMA.split(cell.text))
    return f"<{tag}{scope}{kind}{value}{statistic}>{text}</{tag}>"


def _button(row: Row) -> str:
    spelled = row.spelled
    if not spelled:
        return ""
    records = f"{row.records:,}"
    return (
        f'<button type="button" class="from" data-from="{escape(spelled)}" aria-haspopup="dialog" '
        f'aria-label="Where this row comes from: {records} records">{records}</button>'
    )
