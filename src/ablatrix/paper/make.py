"""``ablatrix paper``: records and a template -> tables, figures, text and numbers, ready to be included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablatrix.analysis.claims import CheckedClaim
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import refuse_mixed
from ablatrix.paper.captions import fit_captions
from ablatrix.paper.document import Placed, document_text, recipe_text
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.figures.write import figure_lack, write_figure
from ablatrix.paper.files import write_latex, write_text
from ablatrix.paper.fragment import Language, say
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.macros import macros_text
from ablatrix.paper.markup import escape_markdown
from ablatrix.paper.provenance_file import provenance_text
from ablatrix.paper.references import References
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.sentences.details import enter_details
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.paper.tables.along_axes import AXIS_METRICS
from ablatrix.paper.tables.frame import source_rows
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.write import write_table
from ablatrix.paper.template.figures import FigureSpec
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.spec import AnyTable, AxesTableSpec, PhasesTableSpec, TableSpec, Template, topic_of
from ablatrix.paper.text import get_language, plain_text, write_files, write_left_out, write_paragraph
from ablatrix.plotting.figure import CHINESE_FONTS, chinese_font
from ablatrix.plotting.labels import Labels
from ablatrix.records.metrics import COLD_METRIC


@dataclass(frozen=True)
class Paper:
    """What was made.

    Attributes:
        files: All files written.
        left_out: What the paper omits, and why; one line each, without markup.
        not_applicable: Numbers of the figures that such a study cannot have; they are among what is omitted, but for
            optional ones.
        absent_tables: Numbers of the optional tables that would have no row.
    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    not_applicable: tuple[int, ...] = ()
    absent_tables: tuple[int, ...] = ()


def make_paper(
    findings: Findings,
    template: str | Path | None,
    out: str | Path,
    allow_mixed: bool = False,
    claims: Sequence[CheckedClaim] | None = None,
    language: str = "en",
) -> Paper:
    """Write every table, figure and paragraph of a template. The same records give the same bytes.

    Files, for table 2, figure 4 and the paragraph ``benefit``: ``tables/table2.{csv,md,tex}``,
    ``figures/fig4.{pdf,png,svg,csv,tex}`` and ``text/benefit.{md,tex}``; ``macros.tex``, every number of the text as a
    macro; ``provenance.json``, the rows behind each number; ``text/left_out.md``, what the records do not support; and
    ``paper.tex``, which takes in all of it and compiles as it is, by ``latexmk``.

    Args:
        findings: What is estimated from the records.
        template: The template file; None for the shipped one.
        out: Directory to write into.
        allow_mixed: Accept records of several studies, machines, commits or versions, a column for each difference.
        claims: The checked claims of the study; None: it claims nothing, and there is no paragraph on claims.
        language: Language of paragraphs, tables, captions and figures: ``en`` or ``zh``.

    Returns:
        The files, and what is omitted.

    Raises:
        AnalysisError: The template is invalid or does not fit the records, origins are mixed without ``allow_mixed``,
            or there is no such language.
    """
    paper, words = Path(out), get_language(language)
    mixed = refuse_mixed(findings.found, allow_mixed)
    chosen, absent = _fitted(load_template(template), findings, mixed)
    estimates = Estimates(findings, ledger := Ledger(paper_rows(findings)))
    tables = TableSources(findings, estimates, Labels(words.code, findings.titles, bool(findings.hosts)), mixed)
    written = [file for table in chosen.tables for file in write_table(tables, table, paper / "tables")]
    drawn, lacking = _write_figures(findings, chosen.figures, paper / "figures", tables.labels)
    written.extend(drawn)
    left_out = _left_out_of_figures(chosen, lacking, words)
    sources = Sources(findings, ledger, estimates, claims, References(chosen, list(lacking)))
    if "benefit" in chosen.text:
        enter_details(sources)
    names = [name for name in chosen.text if name != "claims" or claims is not None]
    paragraphs = [write_paragraph(sources, name, words) for name in names]
    for paragraph in paragraphs:
        written += write_files(paragraph, words, paper / "text")
        left_out += [
            plain_text(say("sentence_left_out", paragraph=paragraph.name, sentence=sentence, reason=reason), words)
            for sentence, reason in paragraph.left_out
        ]
    document = document_text(_studies(findings), names, _placed(chosen, lacking), words.code)
    written += [
        write_latex(paper / "paper.tex", document, words.code),
        write_text(paper / "latexmkrc", recipe_text(words.code)),
        write_left_out(map(escape_markdown, left_out), words, paper / "text"),
        write_latex(paper / "macros.tex", macros_text(ledger.numbers), words.code),
        write_text(paper / "provenance.json", provenance_text(words.code, ledger.rows.ids, ledger.numbers, paragraphs)),
    ]
    not_applicable = tuple(number for number, lack in lacking.items() if lack)
    return Paper(tuple(written), tuple(left_out), not_applicable, absent)


def _fitted(template: Template, findings: Findings, mixed: Sequence[str]) -> tuple[Template, tuple[int, ...]]:
    """Return a template without what these records have nothing for, and the numbers of the tables that are gone."""
    absent = [one.number for one in template.tables if _has_no_row(findings, one, mixed)]
    present = [one for one in template.tables if one.number not in absent]
    return fit_captions(template.model_copy(update={"tables": present}), findings), tuple(absent)


def _has_no_row(findings: Findings, table: AnyTable, mixed: Sequence[str]) -> bool:
    """Return whether a table is optional, and these records have no row for it."""
    match table:
        case TableSpec(optional=True):
            return source_rows(findings, table, mixed, ()).frame.is_empty()
        case AxesTableSpec(optional=True):
            return not any(findings.curves(metric) for metric in AXIS_METRICS)
        case PhasesTableSpec(optional=True):
            return not findings.ablations(COLD_METRIC, "cold")
    return False


def _studies(findings: Findings) -> str:
    return " / ".join(sorted(map(str, findings.trials["study"].unique().to_list())))


def _left_out_of_figures(template: Template, lacking: Mapping[int, str | None], words: Language) -> list[str]:
    """Return which figures are omitted, and why, and whether their words are not in the paper's language."""
    optional = {one.number for one in template.figures if one.optional}
    left_out = [
        plain_text(say("figure_left_out", number=str(number), why=say(lack or "figure/no_trial")), words)
        for number, lack in lacking.items()
        if not (lack and number in optional)
    ]
    if words.code == "zh" and template.figures and chinese_font() is None:
        left_out.append(plain_text(say("figures_in_english", font=CHINESE_FONTS[0]), words))
    return left_out


def _placed(template: Template, lacking: Mapping[int, str | None]) -> list[Placed]:
    """Return the tables and figures that there are, as the document takes them in."""
    tables = [Placed(f"tables/table{one.number}", topic_of(one), one.appendix) for one in template.tables]
    there = [one for one in template.figures if one.number not in lacking]
    return [*tables, *(Placed(f"figures/fig{one.number}", one.kind, one.appendix) for one in there)]


def _write_figures(
    findings: Findings, figures: Sequence[FigureSpec], directory: Path, labels: Labels
) -> tuple[list[Path], dict[int, str | None]]:
    """Write figures; return their files, and by number why the study cannot have one that has nothing to draw."""
    written: list[Path] = []
    lacking: dict[int, str | None] = {}
    for figure in figures:
        files = write_figure(findings, figure, directory, labels)
        written += files
        if not files:
            lacking[figure.number] = figure_lack(findings, figure)
    return written, lacking
