"""Text for Markdown and LaTeX: escaping, and a table in each."""

from collections.abc import Sequence
from dataclasses import dataclass

LONG_TABLE_ROWS = 50

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
}
_MARKDOWN = str.maketrans({character: "\\" + character for character in "\\`*_{}[]<>|#"})


@dataclass(frozen=True)
class PrintedTable:
    """A table as it is printed: text only.

    Attributes:
        is_number: For each column, whether it is aligned like numbers.
    """

    number: int
    title: str
    caption: str
    headings: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


def escape_latex(text: str) -> str:
    """Return text that LaTeX prints as it stands here."""
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it stands here."""
    return text.translate(_MARKDOWN)


def markdown_table(table: PrintedTable) -> str:
    """Return the table in Markdown, with its title above and its caption below."""
    lines = [_markdown_row(table.headings), _markdown_row(["---:" if is_n else "---" for is_n in table.is_number])]
    lines += [_markdown_row([escape_markdown(cell) for cell in row]) for row in table.rows]
    title = f"**Table {table.number}.** {escape_markdown(table.title)}"
    return "\n".join([title, "", *lines, "", escape_markdown(table.caption), ""])


def latex_table(table: PrintedTable) -> str:
    """Return the table in LaTeX with booktabs; one longer than a page as a longtable."""
    layout = "".join("r" if is_number else "l" for is_number in table.is_number)
    caption = rf"\caption{{\textbf{{{escape_latex(table.title)}.}} {escape_latex(table.caption)}}}"
    label = rf"\label{{tab:{table.number}}}"
    head = ["\\toprule", _latex_row(table.headings), "\\midrule"]
    body = [_latex_row(row) for row in table.rows]
    if len(table.rows) > LONG_TABLE_ROWS:
        lines = [
            "% needs \\usepackage{booktabs,longtable}",
            f"{{\\small\n\\begin{{longtable}}{{{layout}}}",
            f"{caption}{label}\\\\",
            *head,
            "\\endhead",
            *body,
            "\\bottomrule\n\\end{longtable}}",
        ]
    else:
        lines = [
            "% needs \\usepackage{booktabs}",
            "\\begin{table*}\n\\centering\\small",
            caption + label,
            f"\\begin{{tabular}}{{{layout}}}",
            *head,
            *body,
            "\\bottomrule\n\\end{tabular}\n\\end{table*}",
        ]
    return "\n".join(lines) + "\n"


def latex_figure(number: int, title: str, caption: str, file: str) -> str:
    """Return a LaTeX figure one column wide."""
    return (
        "% needs \\usepackage{graphicx}\n\\begin{figure}\n\\centering\n"
        f"\\includegraphics[width=\\columnwidth]{{{file}}}\n"
        f"\\caption{{\\textbf{{{escape_latex(title)}.}} {escape_latex(caption)}}}\n"
        f"\\label{{fig:{number}}}\n\\end{{figure}}\n"
    )


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
