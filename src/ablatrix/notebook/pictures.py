"""The figures of the paper and the charts of the page, one at a time, by name."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
from matplotlib.figure import Figure

from ablatrix import page
from ablatrix.analysis.effects import Evidence
from ablatrix.analysis.findings import Findings
from ablatrix.errors import AnalysisError
from ablatrix.page.chart import Chart
from ablatrix.page.cold_chart import cold_chart
from ablatrix.page.effects import metric_effects
from ablatrix.page.effects_charts import attribution_chart, effects_chart
from ablatrix.paper.figures.write import draw_figure
from ablatrix.paper.template.figures import FigureSpec
from ablatrix.paper.template.load import load_template
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.rows import canonical_rows
from ablatrix.records.metrics import METRICS

CHARTS = ("effects", "attribution", "cold")
CHART_WIDTH_PX = 560
_COLOUR = re.compile(r"--([\w-]+):\s*([^;}]+)")
_USE = re.compile(r"var\(--([\w-]+)\)")


def figure_names() -> list[str]:
    """Return the names of the figures of the shipped template."""
    return [spec.kind for spec in load_template().figures]


def paper_figure(findings: Findings, name: str, page_number: int = 1, **choices: Any) -> Figure:
    """Return a page of a figure of the paper, with the shipped template's settings or others.

    Args:
        findings: What is estimated from the records.
        name: One of `figure_names`.
        page_number: Which page of a figure that has several; from 1.
        choices: Settings of the figure as a template has them, such as ``metric``, ``mode`` or ``filter``.

    Raises:
        AnalysisError: There is no such figure, page or setting, or nothing to draw.
    """
    spec = _spec(name, choices)
    pages = draw_figure(findings, spec)
    if not pages:
        raise AnalysisError(f"figure '{name}': these results have nothing to draw in it")
    if not 1 <= page_number <= len(pages):
        raise AnalysisError(f"figure '{name}' has {len(pages)} pages, but page {page_number} was asked for")
    return pages[page_number - 1]


def page_chart(
    findings: Findings, name: str, evidence: Evidence | None, mixed: Sequence[str] = ()
) -> alt.TopLevelMixin:
    """Return a chart of the page, in the colours of its light theme.

    Args:
        findings: What is estimated from the records.
        name: One of `CHARTS`.
        evidence: The effects that it shows; the chart ``cold`` needs none.
        mixed: Columns that distinguish mixed records.

    Raises:
        AnalysisError: There is no such chart, or nothing to draw.
    """
    made: Chart | None = None
    if name == "cold":
        made = cold_chart(findings.trials)
    elif evidence is not None:
        rows = canonical_rows(findings.trials, (*mixed, "stage", "is_baseline"))
        found = metric_effects(evidence, findings, RowFinder(rows, mixed, findings.sizes))
        made = effects_chart(found) if name == "effects" else attribution_chart(found)
    if made is None:
        raise AnalysisError(f"chart '{name}': these results have nothing to draw in it")
    spec = _coloured(made.spec, _colours()) | {"width": CHART_WIDTH_PX, "title": made.title}
    return alt.Chart.from_dict(spec)


def refuse_unknown_chart(name: str) -> None:
    """Refuse a name that is none of `CHARTS`.

    Raises:
        AnalysisError: It is none.
    """
    if name not in CHARTS:
        raise AnalysisError(f"there is no chart '{name}'; there are: {', '.join(CHARTS)}")


def _spec(name: str, choices: Mapping[str, Any]) -> FigureSpec:
    shipped = {spec.kind: spec for spec in load_template().figures}
    if name not in shipped:
        raise AnalysisError(f"there is no figure '{name}'; there are: {', '.join(shipped)}")
    spec = shipped[name]
    unknown = [one for one in choices if one not in type(spec).model_fields]
    if unknown:
        known = ", ".join(
            one for one in type(spec).model_fields if one not in {"number", "kind", "title", "caption", "caption_if"}
        )
        raise AnalysisError(f"figure '{name}' has no setting '{unknown[0]}'; it has: {known}")
    given = dict(choices)
    metric = METRICS.get(given.get("metric", ""))
    if metric is not None and "mode" in type(spec).model_fields:
        given.setdefault("mode", metric.modes[0])
    try:
        return type(spec).model_validate({**spec.model_dump(), **given})
    except ValueError as error:  # pydantic's, with a line for each setting
        raise AnalysisError(f"figure '{name}': {error}") from None


def _colours() -> Mapping[str, str]:
    """Return the colours of the page's light theme, which its style sheet defines first."""
    text = Path(str(page.__file__)).with_name("page.css").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, colour in _COLOUR.findall(text):
        found.setdefault(name, colour.strip())
    return found


def _coloured(value: Any, colours: Mapping[str, str]) -> Any:
    """Return a specification without references to a style sheet, which a notebook does not have."""
    if isinstance(value, str):
        return _USE.sub(lambda use: colours[use[1]], value)
    if isinstance(value, Mapping):
        return {key: _coloured(one, colours) for key, one in value.items()}
    return [_coloured(one, colours) for one in value] if isinstance(value, (list, tuple)) else value
