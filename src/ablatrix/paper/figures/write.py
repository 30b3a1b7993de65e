"""A figure of the paper in every format, with the numbers that it shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from ablatrix.analysis.effects import (
    CrossedKnobs,
    crossed_frame,
    crossed_knobs,
    curve_frame,
    screening_frame,
    trend_frame,
)
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import in_order, knob_order
from ablatrix.analysis.table import IS_OK, write_csv
from ablatrix.errors import AnalysisError
from ablatrix.paper.figures.along_axes import compose_along_axes
from ablatrix.paper.figures.attribution import attribution_frame, compose_attribution, waterfalls
from ablatrix.paper.figures.break_even import break_even_frame, cases_of, compose_break_even
from ablatrix.paper.figures.interactions import compose_interactions
from ablatrix.paper.figures.main_effects import MainEffectsData, compose_main_effects
from ablatrix.paper.figures.memory_latency import compose_memory_latency, has_memory, places_frame, places_of
from ablatrix.paper.figures.response import compose_response
from ablatrix.paper.figures.screening import compose_screening
from ablatrix.paper.figures.shares import compose_memory, compose_phases, memory_bars, phase_bars, shares_frame
from ablatrix.paper.figures.sizes import named_by_size
from ablatrix.paper.figures.speed_up import bars_frame, bars_of, compose_speed_up
from ablatrix.paper.figures.steps import compose_steps, step_bars, steps_frame
from ablatrix.paper.files import write_latex
from ablatrix.paper.filters import filtered
from ablatrix.paper.markup import LatexFigure, latex_figure
from ablatrix.paper.template.figures import (
    MOST_MARKS,
    AlongAxesSpec,
    AttributionSpec,
    BreakEvenSpec,
    ColdScatterSpec,
    FigureSpec,
    InteractionsSpec,
    MainEffectsSpec,
    MemoryLatencySpec,
    MemorySpec,
    Mode,
    PhasesSpec,
    ResponseSpec,
    ScreeningSpec,
    SpeedUpSpec,
    StepsSpec,
)
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.cold_scatter import cold_marks, cold_points, compose_cold_scatter, has_one_count
from ablatrix.plotting.figure import chinese_font, house_style, save_pages
from ablatrix.plotting.labels import Labels
from ablatrix.records.metrics import COLD_METRIC, METRIC_OF_MODE


@dataclass(frozen=True)
class _Drawing:
    """A figure before it is drawn.

    Attributes:
        data: What it shows, unrounded; empty when there is nothing to draw.
        compose: Makes its pages.
    """

    data: pl.DataFrame
    compose: Callable[[], list[Figure]]


def write_figure(findings: Findings, spec: FigureSpec, directory: Path, labels: Labels | None = None) -> list[Path]:
    """Write ``directory/fig<number>.{pdf,png,svg,csv,tex}`` and return the files; none if there is nothing to draw.

    What does not fit on one page continues on further pages of the PDF, and in ``fig<number>_2.png`` and so on; the
    ``.tex`` includes all pages.

    Args:
        findings: What is estimated from the trials.
        spec: The template's entry.
        directory: Directory for the files.
        labels: The words of the paper's language, and what things are called in it; English by default. Where no
            installed font has the letters of Chinese, the figure itself is in English, and title and caption alone are
            not.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    labels = labels or _english(findings)
    name, subject = f"fig{spec.number}", f"figure {spec.number}"
    drawn = labels if labels.code == "en" or chinese_font() else replace(labels, code="en")
    drawing = _drawing(_chosen(findings, spec, subject), spec, subject, drawn)
    if drawing.data.is_empty():
        return []
    with house_style(drawn.code == "zh"):
        pages = drawing.compose()
        files = save_pages(pages, directory / name)
    title = words_in(spec.title, labels.code)
    words = LatexFigure(spec.number, title, labels("titled", title=title), words_in(spec.caption, labels.code))
    further = labels("further_page", page="{page}", pages="{pages}")
    text = latex_figure(words, f"{name}.pdf", len(pages), spec.width == "page", further)
    return [
        *files,
        write_csv(drawing.data, directory / f"{name}.csv"),
        write_latex(directory / f"{name}.tex", text, labels.code),
    ]


def draw_figure(findings: Findings, spec: FigureSpec, labels: Labels | None = None) -> list[Figure]:
    """Return the pages of a figure; none if there is nothing to draw.

    Raises:
        AnalysisError: The template's entry does not fit the trials.
    """
    labels, subject = labels or _english(findings), f"figure '{spec.kind}'"
    drawing = _drawing(_chosen(findings, spec, subject), spec, subject, labels)
    if drawing.data.is_empty():
        return []
    with house_style(labels.code == "zh"):
        return drawing.compose()


def _english(findings: Findings) -> Labels:
    return Labels("en", findings.titles, bool(findings.hosts))


def figure_lack(findings: Findings, spec: FigureSpec) -> str | None:  # noqa: PLR0911 - one line for each kind
    """Return the phrase for why the study cannot have a figure that has nothing to draw; None where it could have it.

    What could be there and is not, because trials failed or were not run, is no reason of the study.
    """
    read = dict.fromkeys(("mode", "planned_bytes", *([spec.memory] if isinstance(spec, MemoryLatencySpec) else [])))
    trials = findings.trials.lazy().filter((pl.col("role") == "measured") & IS_OK).select(*read).collect()
    match spec:
        case ColdScatterSpec() if has_one_count(cold_points(findings.trials)):
            return "figure/one_miss_count"
        case MainEffectsSpec() | AttributionSpec() if spec.mode in trials["mode"]:
            grids = findings.factorial_grids(spec.metric, spec.mode)
            return "figure/no_grid" if grids else "figure/no_knob"
        case MemoryLatencySpec() if spec.mode in trials["mode"]:
            told = trials.filter(pl.col("mode") == spec.mode)[spec.memory]
            return None if told.count() else "figure/no_memory"
        case SpeedUpSpec() if trials.height:
            return "figure/no_grid"
        case StepsSpec() if trials.height:
            return "figure/no_knob"
        case ResponseSpec() if spec.mode in trials["mode"]:
            return None if findings.trends(spec.metric, spec.mode) else "figure/no_numbers"
        case ScreeningSpec() if spec.mode in trials["mode"]:
            return None if findings.screenings(spec.metric, spec.mode) else "figure/no_screening"
        case InteractionsSpec() if spec.mode in trials["mode"]:
            return None if _crossed(findings, spec) else "figure/no_square"
        case AlongAxesSpec() if spec.mode in trials["mode"]:
            return None if findings.curves(spec.metric) else "figure/no_axes"
        case MemorySpec() if trials.height:
            return None if trials["planned_bytes"].count() else "figure/no_memory"
        case _:
            return None


def _chosen(findings: Findings, spec: FigureSpec, subject: str) -> Findings:
    """Return the findings of the trials that an entry uses; the given ones, with what they cache, if it uses all."""
    trials = named_by_size(filtered(findings.trials, spec.filter, subject), findings.sizes)
    return findings if trials is findings.trials else findings.part(trials)


def _drawing(findings: Findings, spec: FigureSpec, subject: str, labels: Labels) -> _Drawing:  # noqa: PLR0911
    match spec:
        case ColdScatterSpec():
            points = cold_points(findings.trials)
            if has_one_count(points):
                points = points.clear()
            return _Drawing(cold_marks(points), lambda: compose_cold_scatter(points, spec.width, labels))
        case MainEffectsSpec():
            _require_numbers(findings.trials, spec.metric, subject)
            effects = findings.effects(spec.metric, spec.mode, spec.knobs or _primary(findings))
            controls = findings.controls(spec.metric, spec.mode)
            data = MainEffectsData.of(spec.metric, effects, controls, findings.proofs)
            return _Drawing(data.frame(), lambda: compose_main_effects(data, spec.width, labels))
        case AttributionSpec():
            _require_numbers(findings.trials, spec.metric, subject)
            parts = findings.attributions(spec.metric, spec.mode, spec.start, spec.end)
            around = findings.changes_around(spec.metric, spec.mode)
            found = waterfalls([*parts, *around], findings.proofs)
            return _Drawing(
                attribution_frame(found), lambda: compose_attribution(found, spec.metric, spec.width, labels)
            )
        case MemoryLatencySpec():
            for column in (spec.memory, spec.metric):
                _require_numbers(findings.trials, column, subject)
            marks = spec.marks or _marks(findings)
            places = places_of(findings.trials, spec.memory, spec.metric, spec.mode, marks, findings.instrument)
            frame = places_frame(places if has_memory(places) else [], spec.memory, spec.metric)
            return _Drawing(
                frame, lambda: compose_memory_latency(places, spec.memory, spec.metric, marks, spec.width, labels)
            )
        case BreakEvenSpec():
            cases = cases_of(
                findings.break_even, findings.proofs, spec.configurations == "all", knob_order(findings.trials)
            )
            return _Drawing(break_even_frame(cases), lambda: compose_break_even(cases, spec.width, labels))
        case SpeedUpSpec():
            bars = bars_of(findings.ablations(*_measure(findings, spec.mode)))
            return _Drawing(bars_frame(bars), lambda: compose_speed_up(bars, labels, spec.width))
        case StepsSpec():
            steps = step_bars(findings.ablations(*_measure(findings, spec.mode)))
            return _Drawing(steps_frame(steps), lambda: compose_steps(steps, labels, spec.width))
        case ResponseSpec() | AlongAxesSpec() | ScreeningSpec() | InteractionsSpec():
            _require_numbers(findings.trials, spec.metric, subject)
            return _curves(findings, spec, labels)
        case PhasesSpec():
            phases = phase_bars(findings.ablations(COLD_METRIC, "cold"), findings.trials)
            return _Drawing(shares_frame(phases), lambda: compose_phases(phases, labels, spec.width))
        case MemorySpec():
            planned = memory_bars(findings.ablations(*_measure(findings, None)), findings.trials)
            return _Drawing(shares_frame(planned), lambda: compose_memory(planned, labels, spec.width))


def _crossed(findings: Findings, spec: InteractionsSpec) -> list[CrossedKnobs]:
    effects = findings.attributions(spec.metric, spec.mode, {}, {})
    return crossed_knobs(findings.screenings(spec.metric, spec.mode), effects)


def _curves(
    findings: Findings, spec: ResponseSpec | AlongAxesSpec | ScreeningSpec | InteractionsSpec, labels: Labels
) -> _Drawing:
    """Return a figure of what few studies have: levels of numbers, axes, many knobs."""
    if isinstance(spec, ScreeningSpec):
        screens = [one for one in findings.screenings(spec.metric, spec.mode) if one.knobs]
        shown = screening_frame(screens)
        return _Drawing(shown, lambda: compose_screening(screens, spec.metric, spec.width, labels))
    if isinstance(spec, InteractionsSpec):
        squares = _crossed(findings, spec)
        return _Drawing(crossed_frame(squares), lambda: compose_interactions(squares, spec.width, labels))
    if isinstance(spec, ResponseSpec):
        trends = findings.trends(spec.metric, spec.mode)
        return _Drawing(trend_frame(trends), lambda: compose_response(trends, spec.metric, spec.width, labels))
    found = [one for one in findings.curves(spec.metric) if one.mode == spec.mode and one.known]
    return _Drawing(curve_frame(found), lambda: compose_along_axes(found, spec.metric, spec.width, labels))


def _measure(findings: Findings, mode: Mode | None) -> tuple[str, str]:
    """Return metric and mode that workloads are compared by: hot where any trial is ok, if not told."""
    there = findings.trials.lazy().filter(IS_OK).select(pl.col("mode").unique()).collect()["mode"]
    chosen = mode or ("hot" if "hot" in there else "cold")
    return METRIC_OF_MODE[chosen], chosen


def _marks(findings: Findings) -> list[str]:
    """Return the knobs that marks show: the primary ones that vary come first."""
    varying = [name.removeprefix("knob_") for name in findings.varying_knobs]
    primary = _primary(findings)
    return sorted(varying, key=lambda knob: knob not in primary)[:MOST_MARKS]


def _primary(findings: Findings) -> list[str]:
    """Return the primary knobs of all compilers, including those of programs with their own knobs."""
    found = findings.primary_knobs.values()
    return in_order((name for names in found for name in names), knob_order(findings.trials))


def _require_numbers(trials: pl.DataFrame, column: str, subject: str) -> None:
    if column not in trials.columns or not trials.schema[column].is_numeric():
        raise AnalysisError(f"{subject}: '{column}' is not a column of numbers; a time such as run_ms_paired is")
