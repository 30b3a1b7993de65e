"""Text for Markdown and LaTeX: escaping, and a figure's float."""

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
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "\N{MINUS SIGN}": "$-$",
    "µ": r"$\mu$",
    "…": r"\ldots{}",
    "\N{EN DASH}": r"\textendash{}",
}
_MARKDOWN = str.maketrans({character: "\\" + character for character in "\\`*_{}[]<>|#"})


def escape_latex(text: str) -> str:
    """Return text that LaTeX prints as it stands here."""
    escaped = "".join(_LATEX.get(character, character) for character in text)
    return escaped.replace("--", "-{}-")  # else LaTeX draws one dash


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it stands here."""
    return text.translate(_MARKDOWN)


def latex_figure(number: int, title: str, caption: str, file: str) -> str:
    """Return a LaTeX figure one column wide."""
    return (
        "% needs \\usepackage{graphicx}\n\\begin{figure}\n\\centering\n"
        f"\\includegraphics[width=\\columnwidth]{{{file}}}\n"
        f"\\caption{{\\textbf{{{escape_latex(title)}.}} {escape_latex(caption)}}}\n"
        f"\\label{{fig:{number}}}\n\\end{{figure}}\n"
    )
