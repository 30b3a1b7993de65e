r"""``macros.tex``: every number by its key, so that a hand-written sentence can print it, as ``\ablatrix{key}``."""

from collections.abc import Iterable

from ablatrix.paper.markup import escape_latex
from ablatrix.paper.number import Number

HEAD = r"""% Numbers of the paper, made from the records: \ablatrix{key} prints one, \ablatrixunit{key} its unit.
% provenance.json tells from which rows, and how, each follows.
\makeatletter
\providecommand\ablatrix[1]{\ablatrix@look{number}{#1}}
\providecommand\ablatrixunit[1]{\ablatrix@look{unit}{#1}}
\def\ablatrix@look#1#2{\ifcsname ablatrix@#1@#2\endcsname\csname ablatrix@#1@#2\endcsname\else
  \PackageError{ablatrix}{There is no #1 with the key '#2'}{See the keys in macros.tex.}\fi}
\def\ablatrix@number#1#2{\expandafter\def\csname ablatrix@number@#1\endcsname{#2}}
\def\ablatrix@unit#1#2{\expandafter\def\csname ablatrix@unit@#1\endcsname{#2}}
"""


def macros_text(numbers: Iterable[Number]) -> str:
    """Return a file that defines the two macros and every number, by key."""
    lines = []
    for one in numbers:
        lines.append(rf"\ablatrix@number{{{one.key}}}{{{escape_latex(one.text)}}}")
        if one.form.unit is not None:
            lines.append(rf"\ablatrix@unit{{{one.key}}}{{{escape_latex(one.form.unit)}}}")
    return HEAD + "\n".join([*lines, r"\makeatother"]) + "\n"
