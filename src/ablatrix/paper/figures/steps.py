"""Steps: knobs added one after the other, and all but each, as bars of speed-up; each by itself without such a path."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy

from ablatrix.analysis.effects import Ablation, Largest, SpeedUp, Value, largest, mean_speed_up
from ablatrix.analysis.reasons import optional_text
from ablatrix.paper.figures.speed_up import speed_up_columns
from ablatrix.paper.largest import others_line
from ablatrix.plotting.figure import FAINT, INK, WIDTHS_IN, Width
from ablatrix.plotting.labels import Labels
from ablatrix.plotting.panels import (
    CROSS,
    NO_OP,
    Handle,
    add_legend,
    count_note,
    in_pages,
    legend_height_in,
    note,
    panel_grid,
    ratio_axis,
    rows_that_fit,
    short_names,
    short_titles,
    text_in,
    unit_line,
)
from ablatrix.statistics.ratio import Ratio

Group = Literal["added", "without", "alone"]
STYLES: dict[Group, tuple[str, str]] = {
    "added": ("#56B4E9", ""),
    "without": ("#E69F00", "////"),
    "alone": ("#BBBBBB", ""),
}
NAMES: dict[Group, str] = {"added": "cumulative", "without": "leave_one_out", "alone": "by_itself"}
SIGNS: dict[Group, str] = {"added": "+ ", "without": "\N{MINUS SIGN} ", "alone": ""}
MIN_REACH, LINE_IN, TITLES_IN, AXIS_LABEL_IN = 1.05, 0.135, 0.42, 0.3
Row = tuple[Group, str, str | None]
"""A group, and a knob with its level where a knob has several."""


@dataclass(frozen=True, kw_only=True)
class StepBar:
    """One bar: the speed-up of a configuration over the baseline.

    Attributes:
        workload: None for the geometric mean.
        group: What its configuration is: with a knob and all before it, with all but a knob, with a knob alone.
        knob: The knob.
        level: Its level, where the knob has several.
        is_no_op: Whether the configuration is the baseline's program.
    """

    workload: str | None
    compiler: str
    group: Group
    knob: str
    level: str | None
    ratio: Ratio | None
    is_no_op: bool
    reason: str | None


def step_bars(found: Sequence[Ablation]) -> list[StepBar]:
    """Return the bars of each workload and compiler, behind those of the mean over workloads."""
    bars = []
    for compiler in dict.fromkeys(one.compiler for one in found):
        own = [one for one in found if one.compiler == compiler]
        rows = list(dict.fromkeys(row for one in own for row, _ in _steps(one)))
        if len(own) > 1:
            for row in rows:
                held = [step for one in own for at, step in _steps(one) if at == row and not step.is_same_program]
                if (ratio := mean_speed_up(held)) is not None:
                    bars.append(_bar(None, compiler, row, ratio, False, None))
        for one in own:
            bars += [
                _bar(one.workload, compiler, row, step.ratio, step.is_same_program, optional_text(step.reason))
                for row, step in _steps(one)
            ]
    return bars


def _bar(
    workload: str | None, compiler: str, row: Row, ratio: Ratio | None, is_no_op: bool, reason: str | None
) -> StepBar:
    group, knob, level = row
    return StepBar(
        workload=workload,
        compiler=compiler,
        group=group,
        knob=knob,
        level=level,
        ratio=ratio,
        is_no_op=is_no_op,
        reason=reason,
    )


def _steps(one: Ablation) -> Iterator[tuple[Row, SpeedUp]]:
    if len(one.path) > 1:
        for move, step in zip(one.path, one.added, strict=True):
            yield ("added", move.knob, None), step
        for move, step in zip(one.path, one.without, strict=True):
            yield ("without", move.knob, None), step
        return
    knobs = [move.knob for move in one.moves]
    for move, step in zip(one.moves, one.alone, strict=True):
        yield ("alone", move.knob, None if knobs.count(move.knob) == 1 else move.level), step


def steps_frame(bars: Sequence[StepBar]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    rows = [
        {
            "workload": one.workload or "geometric mean",
            "compiler": one.compiler,
            "configuration": one.group,
            "knob": one.knob if one.level is None else f"{one.knob}={one.level}",
            **speed_up_columns(one.ratio),
            "no_op": one.is_no_op,
            "reason": one.reason,
        }
        for one in bars
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def compose_steps(bars: Sequence[StepBar], labels: Labels, width: Width = "page") -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. One panel per workload and compiler, one axis."""
    width_in = WIDTHS_IN[width]
    order: list[Group] = ["added", "without", "alone"]
    chosen = _largest(bars)
    bars = [one for one in bars if (one.knob, one.level) in chosen.shown]
    every = dict.fromkeys((one.group, one.knob, one.level) for one in bars)
    if chosen.others:
        every = dict.fromkeys(sorted(every, key=lambda row: chosen.shown.index(row[1:])))
    rows: list[Row] = sorted(every, key=lambda row: order.index(row[0]))
    texts = _texts(rows, 20, labels)
    units = list(dict.fromkeys((one.workload, one.compiler) for one in bars))
    columns = 2 if width == "column" else 5 if len(units) == 5 else 4  # five panels fit beside each other
    row_in = TITLES_IN + LINE_IN * (len(rows) + 0.4)
    handles = [*_legend(bars, labels), *map(note, filter(None, [others_line(chosen, labels)]))]
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    names = short_titles([workload for workload, _ in units if workload], 22, labels.workload)
    compilers = short_titles([compiler for _, compiler in units], 22, labels.compiler)
    several = len({compiler for _, compiler in units}) > 1
    panel_in = (width_in - max(map(text_in, texts)) - 0.2) / min(columns, len(units))
    values = [end for one in bars if not one.is_no_op for end in _ends(one)]
    pages = []
    for page in in_pages(units, rows_that_fit(row_in, around_in, width), columns):
        figure, panels = panel_grid(len(page), columns, width_in, row_in, around_in, sharex=True, sharey=True)
        for panel, (workload, compiler) in zip(panels, page, strict=True):
            name = labels("geometric_mean") if workload is None else names[workload]
            panel.set_title(f"{name}\n{compilers[compiler]}" if several else name)
            own = [one for one in bars if (one.workload, one.compiler) == (workload, compiler)]
            _draw(figure, panel, own, rows.index)
        ratio_axis(panels, values, panel_in, MIN_REACH)
        panels[0].set_yticks(range(len(rows)), texts)
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        for panel in panels:
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
            for at in range(1, len(rows)):
                if rows[at][0] != rows[at - 1][0]:
                    panel.axhline(at - 0.5, color=FAINT, linewidth=0.4)
        figure.supxlabel(labels("speed_up_axis"))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _largest(bars: Sequence[StepBar]) -> Largest[tuple[str, str | None]]:
    held: dict[tuple[str, str | None], list[Value]] = {}
    for one in bars:
        own = held.setdefault((one.knob, one.level), [])
        own.append(1.0 if one.is_no_op else one.ratio)
    # Steps that add up are no changes by themselves: none of them can be left out by its size.
    return largest(held) if all(one.group == "alone" for one in bars) else Largest(tuple(held))


def _texts(rows: Sequence[Row], most: int, labels: Labels) -> list[str]:
    names = [labels.knob(knob) if level is None else labels.move(knob, level) for _, knob, level in rows]
    short = short_names(names, most - 2)
    return [f"{SIGNS[group]}{short[name]}" for (group, _, _), name in zip(rows, names, strict=True)]


def _draw(figure: Figure, panel: Axes, bars: Sequence[StepBar], place: Callable[[Row], int]) -> None:
    unit_line(panel)
    for one in bars:
        y = place((one.group, one.knob, one.level))
        if one.is_no_op:
            panel.plot([1.0], [y], **NO_OP)
            continue
        if one.ratio is None:
            edge = offset_copy(panel.get_yaxis_transform(), figure, x=5, units="points")
            panel.plot([0.0], [y], transform=edge, **CROSS)
            continue
        colour, hatch = STYLES[one.group]
        style: dict[str, Any] = {"facecolor": colour, "edgecolor": INK, "hatch": hatch, "linewidth": 0.4, "zorder": 3}
        panel.barh([y], [one.ratio.value - 1.0], left=[1.0], height=0.66, **style)
        if one.ratio.low is not None and one.ratio.high is not None:
            for ink, wide in (("white", 2.0), (INK, 0.8)):
                panel.plot([one.ratio.low, one.ratio.high], [y, y], color=ink, linewidth=wide, zorder=4)


def _ends(one: StepBar) -> list[float]:
    return [] if one.ratio is None else [x for x in (one.ratio.low, one.ratio.value, one.ratio.high) if x is not None]


def _legend(bars: Sequence[StepBar], labels: Labels) -> list[Handle]:
    handles: list[Handle] = [
        Patch(facecolor=STYLES[group][0], edgecolor=INK, hatch=STYLES[group][1], linewidth=0.4, label=labels(name))
        for group, name in NAMES.items()
        if any(one.group == group for one in bars)
    ]
    shown = [one for one in bars if one.ratio is not None and not one.is_no_op]
    if any(one.ratio is not None and one.ratio.low is not None for one in shown):
        handles.append(Line2D([], [], color=INK, linewidth=0.8, label=labels("interval")))
    if any(one.is_no_op for one in bars):
        handles.append(Line2D([], [], label=labels("no_op"), **NO_OP))
    if any(one.ratio is None and not one.is_no_op for one in bars):
        handles.append(Line2D([], [], label=labels("no_value"), **CROSS))
    handles.append(count_note((one.ratio.count for one in shown if one.ratio and one.workload), labels))
    return handles
