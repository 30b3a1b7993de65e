"""Break-even: what compiling costs, what each run gains, and after how many runs the cost is recovered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import offset_copy

from ablatrix.analysis.diagnosis import BreakEven, KnobProof
from ablatrix.analysis.effects import Largest, Value, largest
from ablatrix.analysis.groups import in_order
from ablatrix.analysis.reasons import optional_text
from ablatrix.paper.figures.grouped import LINE_IN, in_groups, write_heading
from ablatrix.paper.largest import others_line
from ablatrix.plotting.figure import COLOURS, WIDTHS_IN, Width, new_figure
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CROSS,
    NO_OP,
    Handle,
    add_legend,
    count_note,
    cross_label,
    failed_band,
    legend_height_in,
    note,
    ratio_axis,
    rows_that_fit,
    scale_axis,
    short_names,
    short_titles,
    text_in,
    unit_line,
)
from ablatrix.statistics.ratio import Ratio

MIN_REACH = 1.05
AXIS_LABEL_IN = 0.5
COMPILE: dict[str, Any] = {"marker": "s", "color": COLOURS[1], "markersize": 3.2, "markerfacecolor": "white"}
RUN: dict[str, Any] = {"marker": "o", "color": COLOURS[0], "markersize": 3.2}
INK_GREY = "#404040"
RUNS: dict[str, dict[str, Any]] = {
    "repaid": {"marker": "o", "color": INK_GREY, "markersize": 3.6},
    "pays at first": {"marker": "o", "color": INK_GREY, "markersize": 3.6, "markerfacecolor": "white"},
    "pays at once": {"marker": "P", "color": COLOURS[2], "markersize": 4.2, "markeredgewidth": 0.2},
    "never pays": {"marker": "_", "color": COLOURS[1], "markersize": 5.0, "markeredgewidth": 1.6},
    "at most": {"marker": "<", "color": INK_GREY, "markersize": 3.8},
    "ahead at most": {"marker": "<", "color": INK_GREY, "markersize": 3.8, "markerfacecolor": "white"},
    "at least": {"marker": ">", "color": INK_GREY, "markersize": 3.8},
    "ahead at least": {"marker": ">", "color": INK_GREY, "markersize": 3.8, "markerfacecolor": "white"},
    "undecided": {"marker": "$?$", "color": INK_GREY, "markersize": 4.6, "markeredgewidth": 0.3},
    "not attributable": CROSS,
}
GUTTER = 0.14  # share of the right panel, for what has no number of runs


@dataclass(frozen=True)
class Case:
    """One line: a configuration compared with the baseline, and whether the knobs it changes are proven no-ops."""

    found: BreakEven
    is_no_op: bool
    is_fullest: bool

    @property
    def outcome(self) -> str:
        """What the right panel shows: the verdict, or what is known where it is undecided."""
        gains = self.found.run_ratio is not None and self.found.run_ratio.side < 0
        costs = self.found.compile_ratio is not None and self.found.compile_ratio.side > 0
        if self.found.at_most is not None:
            return "at most" if gains else "ahead at most"
        if self.found.at_least is not None:
            return "at least" if costs else "ahead at least"
        return self.found.verdict

    def called(self, labels: Labels) -> str:
        """Return the knobs that it changes, with their levels."""
        if self.is_fullest:
            return labels("together")
        return ", ".join(labels.move(held.knob, held.level, ": ") for held in self.found.moved)


def cases_of(
    found: Sequence[BreakEven], proofs: Sequence[KnobProof], every: bool, order: Sequence[str] = ()
) -> list[Case]:
    """Return the lines of the figure.

    Args:
        found: All configurations.
        proofs: Proofs from the same trials.
        every: Use every configuration; else those that change one knob, and the one that changes the most knobs if
            there is only one such.
        order: Knobs in the order of the study.
    """
    verdicts: dict[tuple[str, str, str, str], str] = {}
    for proof in proofs:  # the first one of a level is that against the baseline's
        verdicts.setdefault((proof.workload, proof.compiler, proof.knob, proof.level), proof.verdict)
    cases = []
    for unit in dict.fromkeys((one.workload, one.compiler) for one in found):
        held = [one for one in found if (one.workload, one.compiler) == unit]
        most = max(len(one.moved) for one in held)
        fullest = [one for one in held if len(one.moved) == most]
        ranks = {knob: index for index, knob in enumerate(in_order((m.knob for one in held for m in one.moved), order))}
        for one in sorted(held, key=lambda one: (len(one.moved), [ranks[moved.knob] for moved in one.moved])):
            is_fullest = most > 1 and fullest == [one]
            if every or len(one.moved) == 1 or is_fullest:
                idle = all(verdicts.get((*unit, moved.knob, moved.level)) == "no_op" for moved in one.moved)
                cases.append(Case(one, idle, is_fullest))
    return cases


def break_even_frame(cases: Sequence[Case]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    rows = [
        {
            "workload": case.found.workload,
            "compiler": case.found.compiler,
            "moved": ", ".join(f"{held.knob}={held.level}" for held in case.found.moved),
            "no_op": case.is_no_op,
            **_columns("compile_ratio", case.found.compile_ratio),
            **_columns("run_ratio", case.found.run_ratio),
            "verdict": case.found.verdict,
            "runs": case.found.runs,
            "runs_low": case.found.low,
            "runs_high": case.found.high,
            "runs_at_most": case.found.at_most,
            "runs_at_least": case.found.at_least,
            "reason": optional_text(case.found.reason),
        }
        for case in cases
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _columns(name: str, ratio: Ratio | None) -> dict[str, float | int | None]:
    return {
        name: ratio.value if ratio else None,
        f"{name}_low": ratio.low if ratio else None,
        f"{name}_high": ratio.high if ratio else None,
        f"{name}_blocks": ratio.count if ratio else 0,
    }


def compose_break_even(cases: Sequence[Case], width: Width = "column", labels: Labels = ENGLISH) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`.

    Left, for each line, the ratios of compile and run time to the baseline's; right, the runs until the cost is
    recovered.
    """
    width_in = WIDTHS_IN[width]
    most = 20 if width == "column" else 44
    chosen = _largest(cases)
    if chosen.others:
        units = list(dict.fromkeys((one.found.workload, one.found.compiler) for one in cases))
        held = {(one.found.workload, one.found.compiler, _moved(one)): one for one in cases}
        cases = [held[key] for unit in units for at in chosen.shown if (key := (*unit, at)) in held]
    lines = _lines(cases, most, labels)
    handles = [*_legend(cases, labels), *map(note, filter(None, [others_line(chosen, labels)]))]
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN + 0.1
    labels_in = max(text_in(text) for text, case in lines if case)
    left_in = (width_in - labels_in - 0.25) / 2
    pages = []
    for page in in_groups(lines, rows_that_fit(LINE_IN, around_in, width)):
        figure = new_figure(around_in + LINE_IN * len(page), width_in)
        ratios, runs = figure.subplots(1, 2, sharey=True)
        scale_axis(runs, "x", _run_values(cases), max(2, int(left_in / 0.3)), headroom=GUTTER)
        for y, (text, case) in enumerate(page):
            if case is None:
                write_heading(figure, (ratios, runs), y, text, labels_in)
            else:
                _draw_ratios(figure, ratios, y, case)
                _draw_runs(runs, y, case)
        unit_line(ratios)
        ratio_axis([ratios], _ratio_values(cases), left_in, MIN_REACH)
        failed_band(runs, GUTTER, "right")
        ratios.set_yticks(range(len(page)), [text if case else "" for text, case in page])
        ratios.set_ylim(len(page) - 0.5, -0.5)
        for panel in (ratios, runs):
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
        ratios.set_xlabel(labels("time_ratio"))
        runs.set_xlabel(labels("runs_axis"))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


Line = tuple[str, Case | None]


def _lines(cases: Sequence[Case], most: int, labels: Labels) -> list[Line]:
    """Return the lines with their labels: a heading per workload and compiler, then its configurations."""
    several = len({case.found.compiler for case in cases}) > 1
    names = short_titles([case.found.workload for case in cases], most, labels.workload)
    compilers = short_titles([case.found.compiler for case in cases], most, labels.compiler)
    moved = short_names([case.called(labels) for case in cases], most)
    lines: list[Line] = []
    unit = None
    for case in cases:
        if (case.found.workload, case.found.compiler) != unit:
            unit = (case.found.workload, case.found.compiler)
            lines.append((names[unit[0]] + (f", {compilers[unit[1]]}" if several else ""), None))
        lines.append((moved[case.called(labels)], case))
    return lines


def _moved(one: Case) -> tuple[tuple[str, str], ...]:
    return tuple((held.knob, held.level) for held in one.found.moved)


def _largest(cases: Sequence[Case]) -> Largest[tuple[tuple[str, str], ...]]:
    held: dict[tuple[tuple[str, str], ...], list[Value]] = {}
    for one in cases:
        ratios = (one.found.compile_ratio, one.found.run_ratio)
        held.setdefault(_moved(one), []).extend([1.0] if one.is_no_op else ratios)
    return largest(held)


def _draw_ratios(figure: Figure, panel: Axes, y: int, case: Case) -> None:
    if case.is_no_op:
        panel.plot([1.0], [y], **NO_OP)
        return
    for ratio, style, aside in ((case.found.compile_ratio, COMPILE, -0.2), (case.found.run_ratio, RUN, 0.2)):
        if ratio is None:
            edge = offset_copy(panel.get_yaxis_transform(), figure, x=5, units="points")
            panel.plot([0.0], [y + aside], transform=edge, **{**CROSS, "markersize": 3.2})
            continue
        if ratio.low is not None and ratio.high is not None:
            panel.plot([ratio.low, ratio.high], [y + aside] * 2, color=style["color"], linewidth=0.9, zorder=3)
        panel.plot([ratio.value], [y + aside], linestyle="none", markeredgewidth=0.7, zorder=4, **style)


def _draw_runs(panel: Axes, y: int, case: Case) -> None:
    style = NO_OP if case.is_no_op else _style(case.outcome)
    bound = case.found.at_most if case.found.at_most is not None else case.found.at_least
    if bound is not None and not case.is_no_op:
        edge = panel.get_xlim()[case.found.at_least is not None]
        panel.plot([edge, bound], [y] * 2, color=style["color"], linewidth=0.7, linestyle=(0, (3, 2)), zorder=3)
        panel.plot([bound], [y], linestyle="none", markeredgewidth=0.7, zorder=4, **style)
        return
    if case.is_no_op or case.found.runs is None:
        beside = panel.get_yaxis_transform()
        panel.plot([1 - GUTTER / 2], [y], transform=beside, **{"linestyle": "none", "zorder": 4, **style})
        return
    if case.found.low is not None and case.found.high is not None:
        panel.plot([case.found.low, case.found.high], [y] * 2, color=style["color"], linewidth=0.9, zorder=3)
    panel.plot([case.found.runs], [y], linestyle="none", markeredgewidth=0.7, zorder=4, **style)


def _style(outcome: str) -> dict[str, Any]:
    """Return how an outcome is drawn. A marker between dollars is a letter; text between them is drawn as it is."""
    style = RUNS[outcome]
    if not style["marker"].startswith("$"):
        return style
    with matplotlib.rc_context({"text.parse_math": True}):
        return {**style, "marker": MarkerStyle(style["marker"])}


def _ratio_values(cases: Sequence[Case]) -> list[float]:
    ratios = [
        ratio for case in cases if not case.is_no_op for ratio in (case.found.compile_ratio, case.found.run_ratio)
    ]
    return [end for one in ratios if one for end in (one.low, one.value, one.high) if end is not None]


def _run_values(cases: Sequence[Case]) -> list[float]:
    shown = [case.found for case in cases if not case.is_no_op]
    ends = [end for one in shown for end in (one.low, one.runs, one.high, one.at_most, one.at_least)]
    return [end for end in ends if end is not None and math.isfinite(end)]


def _legend(cases: Sequence[Case], labels: Labels) -> list[Handle]:
    shown = [case for case in cases if not case.is_no_op]
    handles: list[Handle] = [
        Line2D([], [], label=labels("compile_time"), linewidth=0.9, markeredgewidth=0.7, **COMPILE),
        Line2D([], [], label=labels("run_time"), linewidth=0.9, markeredgewidth=0.7, **RUN),
    ]
    verdicts = {case.outcome for case in shown}
    failed = [case.found.reason for case in shown if case.found.verdict == "not attributable"]
    crossed = cross_label(failed, labels)
    styles: dict[str, Any] = {"markeredgewidth": 0.7, "linestyle": "none"}
    handles += [
        Line2D([], [], label=crossed if verdict == "not attributable" else labels(verdict), **styles | _style(verdict))
        for verdict in RUNS
        if verdict in verdicts
    ]
    if len(shown) < len(cases):
        handles.append(Line2D([], [], label=labels("no_op_knob"), **NO_OP))
    ratios = [ratio for case in shown for ratio in (case.found.compile_ratio, case.found.run_ratio) if ratio]
    handles.append(count_note((ratio.count for ratio in ratios), labels))
    return handles
