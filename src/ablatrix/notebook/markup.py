"""Small pieces of HTML that a notebook shows, escaped and without any style of their own but the notebook's."""

from collections.abc import Iterable, Sequence
from html import escape


def table_html(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; None becomes an empty cell."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def titled_html(title: str, *parts: str) -> str:
    """Return parts below a title."""
    return f"<div><b>{escape(title)}</b>{''.join(parts)}</div>"


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))
