"""``ablatrix paper``: records and a template -> tables, figures and text, ready to be included."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ablatrix.analysis.cold_scatter import cold_points, draw_cold_scatter
from ablatrix.analysis.delimited import write_csv
from ablatrix.analysis.effects import main_effects
from ablatrix.analysis.estimate import refuse_mixed, without_primers
from ablatrix.analysis.noise_floor import noise_floors
from ablatrix.analysis.tidy import Tidy, tidy
from ablatrix.errors import AnalysisError
from ablatrix.paper.effects_figure import draw_main_effects, effects_frame
from ablatrix.paper.markup import escape_latex, escape_markdown, latex_figure, latex_table, markdown_table
from ablatrix.paper.tables import build_table, filtered
from ablatrix.paper.template import FigureSpec, TableSpec, load_template
from ablatrix.paper.text import Text, write_paragraph


def make_paper(
    results: Sequence[str | Path],
    template: str | Path | None,
    out: str | Path,
    allow_mixed: bool = False,
) -> list[Path]:
    """Write every table, figure and paragraph of a template. The same records give the same bytes.

    Files, for table 2, figure 4 and the paragraph ``benefit``: ``paper/tables/table2.{csv,md,tex}``,
    ``paper/figures/fig4.{pdf,png,csv,tex}`` and ``paper/text/benefit.{md,tex}``; and ``paper/text/left_out.md``, the
    sentences and figures that the records had no data for.

    Args:
        results: Files of records; their order has no say.
        template: A template's file, None for the shipped one.
        out: Directory to write ``paper/`` into.
        allow_mixed: Take records of several hosts, commits or versions; tables then tell them apart.

    Returns:
        The files written.

    Raises:
        RecordError: A file of records cannot be read, or a line breaks the schema.
        AnalysisError: The template is invalid or does not fit the records, or origins are mixed and that was not
            asked for.
    """
    chosen = load_template(template)
    found = tidy(results)
    mixed = refuse_mixed(found, allow_mixed)
    paper = Path(out) / "paper"
    written: list[Path] = []
    left_out: list[str] = []
    for table in chosen.tables:
        written += _write_table(found, table, mixed, paper / "tables")
    for figure in chosen.figures:
        files = _write_figure(found, figure, paper / "figures")
        written += files
        if not files:
            left_out.append(f"figure {figure.number}: no trial to draw")
    for name in chosen.text:
        text = write_paragraph(found, name)
        written += _write_text(text, paper / "text")
        left_out += [f"{name}, {sentence}: {reason}" for sentence, reason in text.left_out]
    lines = [f"- {escape_markdown(line)}" for line in left_out] or ["Nothing was left out."]
    return [*written, _write(paper / "text" / "left_out.md", "\n".join(lines) + "\n")]


def _write_table(found: Tidy, spec: TableSpec, mixed: Sequence[str], directory: Path) -> list[Path]:
    table = build_table(found, spec, mixed)
    if len(set(table.headings)) != len(table.headings):
        raise AnalysisError(f"table {spec.number}: two columns have the same heading; give one another 'heading'")
    columns = {heading: [row[i] for row in table.rows] for i, heading in enumerate(table.headings)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(table.headings, pl.String()))
    name = f"table{spec.number}"
    return [
        write_csv(frame, directory / f"{name}.csv"),
        _write(directory / f"{name}.md", markdown_table(table)),
        _write(directory / f"{name}.tex", latex_table(table)),
    ]


def _write_figure(found: Tidy, spec: FigureSpec, directory: Path) -> list[Path]:
    name = f"fig{spec.number}"
    subject = f"figure {spec.number}"
    trials = filtered(without_primers(found.trials), spec.filter, subject)
    if spec.kind == "cold_scatter":
        data = cold_points(trials)
        files = draw_cold_scatter(data, directory / name) if not data.is_empty() else []
    else:
        if spec.metric not in trials.columns or not trials.schema[spec.metric].is_numeric():
            raise AnalysisError(f"{subject}: '{spec.metric}' is no column of numbers; a time such as run_ms_paired is")
        effects = main_effects(trials, spec.metric, spec.mode, spec.knobs)
        floors = noise_floors(trials, spec.metric, spec.mode)
        data = effects_frame(effects, floors)
        files = draw_main_effects(effects, floors, directory / name) if effects else []
    if not files:
        return []
    include = latex_figure(spec.number, spec.title, spec.caption, f"{name}.pdf")
    return [*files, write_csv(data, directory / f"{name}.csv"), _write(directory / f"{name}.tex", include)]


def _write_text(text: Text, directory: Path) -> list[Path]:
    return [
        _write(directory / f"{text.name}.md", escape_markdown(" ".join(text.sentences)) + "\n"),
        _write(directory / f"{text.name}.tex", escape_latex(" ".join(text.sentences)) + "\n"),
    ]


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")
    return path
