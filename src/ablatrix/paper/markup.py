"""Text for Markdown and LaTeX: escaping, and the float of a figure."""

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
    """Return text that LaTeX prints unchanged."""
    escaped = "".join(_LATEX.get(character, character) for character in text)
    return escaped.replace("--", "-{}-")  # else LaTeX draws one dash


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows unchanged."""
    return text.translate(_MARKDOWN)


def latex_figure(number: int, title: str, caption: str, file: str, pages: int, is_wide: bool) -> str:
    """Return a LaTeX figure, one or two columns wide; each further page is a separate float with the same number."""
    kind, width = ("figure*", r"\textwidth") if is_wide else ("figure", r"\columnwidth")
    floats = []
    for page in range(1, pages + 1):
        if page == 1:
            words = rf"\textbf{{{escape_latex(title)}.}} {escape_latex(caption)}"
        else:
            words = rf"\textbf{{{escape_latex(title)}}}, continued ({page} of {pages})."
        choice = "" if pages == 1 else f",page={page}"
        again = "" if page == 1 else "\\addtocounter{figure}{-1}\n"
        floats.append(
            f"\\begin{{{kind}}}\n\\centering\n\\includegraphics[width={width}{choice}]{{{file}}}\n{again}"
            f"\\caption{{{words}}}\n" + (f"\\label{{fig:{number}}}\n" if page == 1 else "") + f"\\end{{{kind}}}\n"
        )
    return "% needs \\usepackage{graphicx}\n" + "".join(floats)
