r"""``paper.tex`` and ``latexmkrc``: a document that takes in every part of the paper, and compiles as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.paper.markup import escape_latex

_HEAD = r"""% The paper's parts, put together from the records.
% latexmk, or {engine} twice, in this directory makes paper.pdf.
% Edit a copy: this file is made again with the parts.
% Another class: put acmart.cls, or the style file of MLSys, beside this file or into TeX's path, and call
%   latexmk -usepretex='\def\venue{{acm}}'     or     latexmk -usepretex='\def\venue{{mlsys}}'
\providecommand\venue{{article}}
\def\venueacm{{acm}}\def\venuemlsys{{mlsys}}
\ifx\venue\venueacm
  \documentclass[sigconf,nonacm]{{acmart}}
\else
  \documentclass[10pt,twocolumn]{{{article}}}
  \ifx\venue\venuemlsys
    \usepackage{{mlsys2025}}
  \else
    \usepackage[letterpaper,textwidth=7in,columnsep=0.33in,textheight=9.2in]{{geometry}}
  \fi
\fi
\usepackage{{booktabs,graphicx}}
\setcounter{{topnumber}}{{4}}\setcounter{{dbltopnumber}}{{4}}\setcounter{{totalnumber}}{{6}}
\renewcommand\topfraction{{.95}}\renewcommand\dbltopfraction{{.95}}\renewcommand\textfraction{{.05}}
\renewcommand\floatpagefraction{{.8}}\renewcommand\dblfloatpagefraction{{.8}}
% Long names may be broken after an underscore.
\let\ablatrixunderscore\_ \renewcommand\_{{\ablatrixunderscore\allowbreak}}
\emergencystretch=3em
\sloppy
\raggedbottom
\input{{macros}}
\title{{{title}}}
\author{{{author}}}
\date{{}}
\begin{{document}}
\maketitle
"""
_WORDS = {
    "en": {
        "title": "Ablation of {study}",
        "author": "Made from the records by ablatrix",
        "setup": "Set-up",
        "fairness": "Measurement",
        "benefit": "Results",
        "correctness": "Correctness",
        "claims": "Claims",
        "tables": "Results",
    },
    "zh": {
        "title": "{study} 的消融实验",
        "author": "由 ablatrix 根据记录生成",
        "setup": "实验设置",
        "fairness": "测量方法",
        "benefit": "结果",
        "correctness": "正确性",
        "claims": "论断",
        "tables": "结果",
    },
}
# Floats as wide as the page come on pages of their own: a heading before them would stand on a page alone.
_APPENDIX = r"""\clearpage
\appendix
\renewcommand\thetable{A\arabic{table}}\setcounter{table}{0}
\renewcommand\thefigure{A\arabic{figure}}\setcounter{figure}{0}"""
_SET_UP, _CORRECT = ("workloads", "setup"), ("correctness",)


@dataclass(frozen=True)
class Placed:
    """A table or figure as it is taken in.

    Attributes:
        file: Its LaTeX file, relative to the paper's directory, without suffix.
        topic: What it is about: the kind of a figure, the kind or source of a table.
        is_appendix: Whether it comes after the text.
    """

    file: str
    topic: str
    is_appendix: bool


def document_text(study: str, paragraphs: Sequence[str], placed: Sequence[Placed], language: str) -> str:
    """Return ``paper.tex``.

    Args:
        study: Name of the study.
        paragraphs: Names of the paragraphs that there are, in order.
        placed: Tables and figures that there are, in order.
        language: ``en`` or ``zh``.
    """
    words = _WORDS[language]
    names = {"article": "ctexart", "engine": "xelatex"} if language == "zh" else {}
    title, author = escape_latex(words["title"].format(study=study)), escape_latex(words["author"])
    head = {"article": "article", "engine": "pdflatex", **names}
    lines = [_HEAD.format(title=title, author=author, **head)]
    body = [one for one in placed if not one.is_appendix]
    of_section = {
        "setup" if "setup" in paragraphs else "fairness": [one for one in body if one.topic in _SET_UP],
        "correctness": [one for one in body if one.topic in _CORRECT],
    }
    rest = [one for one in body if one.topic not in (*_SET_UP, *_CORRECT)]
    owner = "benefit" if "benefit" in paragraphs else "tables"
    of_section[owner] = rest
    sections = list(paragraphs) + [name for name in of_section if name not in paragraphs and of_section[name]]
    for name in sections:
        lines.append(rf"\section{{{words[name]}}}")
        lines += [rf"\input{{{one.file}}}" for one in of_section.get(name, ())]
        lines += [rf"\input{{text/{name}}}"] if name in paragraphs else []
    if appendix := [one for one in placed if one.is_appendix]:
        lines.append(_APPENDIX)
        lines += [rf"\input{{{one.file}}}" for one in appendix]
    return "\n".join([*lines, "\\end{document}", ""])


def recipe_text(language: str) -> str:
    """Return ``latexmkrc``, which latexmk reads by itself: the engine and the document."""
    mode = 5 if language == "zh" else 1
    return f"# latexmk in this directory makes paper.pdf.\n$pdf_mode = {mode};\n@default_files = ('paper.tex');\n"
