"""``ablatrix paper``: records and a template -> tables, figures and text, ready to be included."""

from pathlib import Path

from ablatrix.analysis.estimate import refuse_mixed
from ablatrix.analysis.findings import Findings
from ablatrix.paper.figures.write import write_figure
from ablatrix.paper.files import write_text
from ablatrix.paper.markup import escape_latex, escape_markdown
from ablatrix.paper.tables.write import write_table
from ablatrix.paper.template import load_template
from ablatrix.paper.text import Text, write_paragraph


def make_paper(
    findings: Findings,
    template: str | Path | None,
    out: str | Path,
    allow_mixed: bool = False,
) -> list[Path]:
    """Write every table, figure and paragraph of a template. The same records give the same bytes.

    Files, for table 2, figure 4 and the paragraph ``benefit``: ``tables/table2.{csv,md,tex}``,
    ``figures/fig4.{pdf,png,svg,csv,tex}`` and ``text/benefit.{md,tex}``; and ``text/left_out.md``, the sentences and
    figures that the records had no data for.

    Args:
        findings: What is estimated from the records.
        template: A template's file, None for the shipped one.
        out: Directory to write into.
        allow_mixed: Take records of several hosts, commits or versions; tables then tell them apart.

    Returns:
        The files written.

    Raises:
        AnalysisError: The template is invalid or does not fit the records, or origins are mixed and that was not
            asked for.
    """
    chosen, paper = load_template(template), Path(out)
    mixed = refuse_mixed(findings.found, allow_mixed)
    written: list[Path] = []
    left_out: list[str] = []
    for table in chosen.tables:
        written += write_table(findings, table, mixed, paper / "tables")
    for figure in chosen.figures:
        files = write_figure(findings, figure, paper / "figures")
        written += files
        if not files:
            left_out.append(f"figure {figure.number}: no trial to draw")
    for name in chosen.text:
        text = write_paragraph(findings.found, name)
        written += _write_paragraph(text, paper / "text")
        left_out += [f"{name}, {sentence}: {reason}" for sentence, reason in text.left_out]
    lines = [f"- {escape_markdown(line)}" for line in left_out] or ["Nothing was left out."]
    return [*written, write_text(paper / "text" / "left_out.md", "\n".join(lines) + "\n")]


def _write_paragraph(text: Text, directory: Path) -> list[Path]:
    return [
        write_text(directory / f"{text.name}.md", escape_markdown(" ".join(text.sentences)) + "\n"),
        write_text(directory / f"{text.name}.tex", escape_latex(" ".join(text.sentences)) + "\n"),
    ]
