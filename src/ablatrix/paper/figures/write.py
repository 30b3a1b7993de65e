"""A figure of the paper in every format, with the numbers that it shows."""

from pathlib import Path

from ablatrix.analysis.cold_scatter import cold_points, draw_cold_scatter
from ablatrix.analysis.delimited import write_csv
from ablatrix.analysis.findings import Findings
from ablatrix.errors import AnalysisError
from ablatrix.paper.figures.main_effects import draw_main_effects, effects_frame
from ablatrix.paper.files import write_text
from ablatrix.paper.filters import filtered
from ablatrix.paper.markup import latex_figure
from ablatrix.paper.template import FigureSpec


def write_figure(findings: Findings, spec: FigureSpec, directory: Path) -> list[Path]:
    """Write ``directory/fig<number>.{pdf,png,csv,tex}`` and return the files; none when there is nothing to draw.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    name, subject = f"fig{spec.number}", f"figure {spec.number}"
    chosen = Findings(findings.of(filtered(findings.trials, spec.filter, subject)))
    if spec.kind == "cold_scatter":
        data = cold_points(chosen.trials)
        files = draw_cold_scatter(data, directory / name) if not data.is_empty() else []
    else:
        if spec.metric not in chosen.trials.columns or not chosen.trials.schema[spec.metric].is_numeric():
            raise AnalysisError(f"{subject}: '{spec.metric}' is no column of numbers; a time such as run_ms_paired is")
        effects = chosen.effects(spec.metric, spec.mode, spec.knobs)
        floors = chosen.floors(spec.metric, spec.mode)
        data = effects_frame(effects, floors)
        files = draw_main_effects(effects, floors, directory / name) if effects else []
    if not files:
        return []
    include = latex_figure(spec.number, spec.title, spec.caption, f"{name}.pdf")
    return [*files, write_csv(data, directory / f"{name}.csv"), write_text(directory / f"{name}.tex", include)]
