"""Attribution: from the baseline to all knobs on, step by step; the steps multiply to the whole.

Knobs that were varied one at a time have no whole to divide: there, each bar is one change by itself, from the centre.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy

from ablatrix.analysis.diagnosis import KnobProof
from ablatrix.analysis.effects import Effect, Largest, Value, largest
from ablatrix.analysis.reasons import Why, optional_text
from ablatrix.paper.figures.words import ratio_label
from ablatrix.paper.largest import others_line
from ablatrix.plotting.figure import FAINT, INK, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CROSS,
    NO_OP,
    Handle,
    add_legend,
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

FASTER, SLOWER, TOTAL = "#56B4E9", "#D55E00", "#404040"
MIN_REACH = 1.05
LINE_IN, TITLES_IN, AXIS_LABEL_IN = 0.135, 0.42, 0.3
WHOLE = "all together"

Key = tuple[str, str]
Row = tuple[str | None, str]  # knob and level; no knob for the whole


@dataclass(frozen=True, kw_only=True)
class Step:
    """One bar.

    Attributes:
        knob: The knob; None for the whole.
        share: Factor on the metric; None if it is not attributable.
        before: Product of the steps before it, None if not all of them are known; 1 for the whole, and for a change by
            itself.
    """

    knob: str | None
    base_level: str
    level: str
    share: Ratio | None
    before: float | None
    is_no_op: bool
    reason: Why | None


@dataclass(frozen=True)
class Waterfall:
    """The steps of one workload and compiler, the whole last.

    Attributes:
        is_apart: Whether each step is a change by itself; then there is no whole.
    """

    workload: str
    compiler: str
    stage: str
    steps: tuple[Step, ...]
    is_apart: bool = False

    @property
    def count(self) -> int:
        """Number of blocks behind the whole, or the most behind a change by itself."""
        counted = self.steps if self.is_apart else self.steps[-1:]
        return max((step.share.count for step in counted if step.share), default=0)


def waterfalls(effects: Sequence[Effect], proofs: Sequence[KnobProof]) -> list[Waterfall]:
    """Return the steps of each workload and compiler from the parts of an attribution.

    Of several stages the first with an attribution is used: the largest. Without any, it is the changes of the stages
    around a centre, each by itself.
    """
    verdicts = {(one.workload, one.compiler, one.knob, one.between): one.verdict for one in proofs}
    found = []
    for key in sorted({(effect.workload, effect.compiler) for effect in effects}):
        own = [one for one in effects if (one.workload, one.compiler) == key]
        parts = [one for one in own if one.kind in ("total", "shapley")]
        if parts:
            held = [one for one in parts if one.stage == parts[0].stage]
            found.append(_waterfall(key, parts[0].stage, held, verdicts))
        elif changes := [one for one in own if one.kind == "around"]:
            found.append(_apart(key, changes, verdicts))
    return found


def _apart(
    key: Key, changes: Sequence[Effect], verdicts: Mapping[tuple[str, str, str, frozenset[str]], str]
) -> Waterfall:
    steps = [
        Step(
            knob=one.knob,
            base_level=one.base_level,
            level=one.level,
            share=one.ratio,
            before=1.0,
            is_no_op=verdicts.get((*key, str(one.knob), frozenset((one.base_level, one.level)))) == "no_op",
            reason=one.reason,
        )
        for one in changes
    ]
    stages = dict.fromkeys(one.stage for one in changes)
    return Waterfall(*key, ", ".join(stages), tuple(steps), is_apart=True)


def _waterfall(
    key: Key, stage: str, parts: Sequence[Effect], verdicts: Mapping[tuple[str, str, str, frozenset[str]], str]
) -> Waterfall:
    steps, reached = [], 0.0
    known = True
    for part in sorted(parts, key=lambda part: part.kind == "total"):
        # Knobs come in the order of the attribution: sorting is stable.
        named = (*key, str(part.knob), frozenset((part.base_level, part.level)))
        is_whole = part.kind == "total"
        before = 1.0 if is_whole else math.exp(reached) if known else None
        is_no_op = not is_whole and verdicts.get(named) == "no_op"
        steps.append(
            Step(
                knob=part.knob,
                base_level=part.base_level,
                level=part.level,
                share=part.ratio,
                before=before,
                is_no_op=is_no_op,
                reason=part.reason,
            )
        )
        known = known and part.ratio is not None
        reached += math.log(part.ratio.value) if part.ratio else 0.0
    return Waterfall(*key, stage, tuple(steps))


def attribution_frame(found: Sequence[Waterfall]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded: a bar goes from ``before`` to ``after``."""
    rows = [
        {
            "workload": one.workload,
            "compiler": one.compiler,
            "stage": one.stage,
            "step": "whole" if step.knob is None else "knob",
            "knob": step.knob,
            "base_level": step.base_level,
            "level": step.level,
            "share": step.share.value if step.share else None,
            "low": step.share.low if step.share else None,
            "high": step.share.high if step.share else None,
            "blocks": step.share.count if step.share else 0,
            "before": step.before if step.share else None,
            "after": step.before * step.share.value if step.share and step.before is not None else None,
            "no_op": step.is_no_op,
            "not_attributable": optional_text(step.reason),
        }
        for one in found
        for step in one.steps
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def compose_attribution(
    found: Sequence[Waterfall], metric: str, width: Width = "page", labels: Labels = ENGLISH
) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. One panel per workload and compiler, one axis."""
    width_in = WIDTHS_IN[width]
    chosen = _largest(found)
    rows: list[Row] = list(chosen.shown)
    found = [
        replace(one, steps=tuple(s for s in one.steps if not s.knob or (s.knob, s.level) in rows)) for one in found
    ]
    if not all(one.is_apart for one in found):
        rows.append((None, WHOLE))
    texts = _texts(rows, 22, labels)
    columns = 2 if width == "column" else 4
    row_in = TITLES_IN + LINE_IN * (len(rows) + 0.4)
    handles = [*_legend(found, labels), *map(note, filter(None, [others_line(chosen, labels)]))]
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    names = short_titles([one.workload for one in found], 20, labels.workload)
    compilers = short_titles([one.compiler for one in found], 14, labels.compiler)
    panel_in = (width_in - max(map(text_in, texts)) - 0.2) / columns
    values = [end for one in found for step in one.steps for end in _ends(step)]
    pages = []
    for page in in_pages(found, rows_that_fit(row_in, around_in, width), columns):
        figure, panels = panel_grid(len(page), columns, width_in, row_in, around_in, sharex=True, sharey=True)
        for panel, one in zip(panels, page, strict=True):
            blocks = labels.repeats(one.count)
            panel.set_title(f"{names[one.workload]}\n{compilers[one.compiler]}, {blocks}")
            _draw_panel(figure, panel, one, rows)
        ratio_axis(panels, values, panel_in, MIN_REACH)
        panels[0].set_yticks(range(len(rows)), texts)
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        for panel in panels:
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
            if rows[-1][0] is None:
                panel.axhline(len(rows) - 1.5, color=FAINT, linewidth=0.4)
        figure.supxlabel(ratio_label(metric, "to_baseline", labels))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _largest(found: Sequence[Waterfall]) -> Largest[Row]:
    """Return the changes that are shown: all steps of a whole, of changes by themselves the largest."""
    held: dict[Row, list[Value]] = {}
    for step in (step for one in found for step in one.steps if step.knob):
        held.setdefault((step.knob, step.level), []).append(1.0 if step.is_no_op else step.share)
    return largest(held) if all(one.is_apart for one in found) else Largest(tuple(held))


def _texts(rows: Sequence[Row], most: int, labels: Labels) -> list[str]:
    texts = [labels("together") if knob is None else labels.move(knob, level, ": ") for knob, level in rows]
    short = short_names(texts, most)
    return [short[text] for text in texts]


def _draw_panel(figure: Figure, panel: Axes, one: Waterfall, rows: Sequence[Row]) -> None:
    unit_line(panel)
    positions = {row: index for index, row in enumerate(rows)}
    last = 1.0, -0.5
    for step in one.steps:
        y = positions[step.knob, step.level if step.knob else WHOLE]
        if step.share is None or step.before is None:
            edge = offset_copy(panel.get_yaxis_transform(), figure, x=5, units="points")
            panel.plot([0.0], [y], transform=edge, **CROSS)
            continue
        after = step.before * step.share.value
        if step.knob is not None and not one.is_apart:
            panel.plot([last[0]] * 2, [last[1], y], color=FAINT, linewidth=0.5, linestyle=(0, (2, 1)), zorder=2.2)
            last = after, y
        colour = TOTAL if step.knob is None else FASTER if step.share.value <= 1.0 else SLOWER
        if step.is_no_op:
            panel.plot([after], [y], **NO_OP)
            continue
        style: dict[str, Any] = {"facecolor": colour, "edgecolor": INK, "hatch": "////" if colour == SLOWER else ""}
        panel.barh([y], [after - step.before], left=[step.before], height=0.62, linewidth=0.5, zorder=3, **style)
        if step.share.low is not None and step.share.high is not None:
            ends = [step.before * step.share.low, step.before * step.share.high]
            for colour, wide in (("white", 2.4), (INK, 1.0)):  # with a light edge it stays visible on a dark bar
                panel.plot(ends, [y, y], color=colour, linewidth=wide, solid_capstyle="butt", zorder=4)
            panel.plot(ends, [y, y], color=INK, linestyle="none", marker="|", markersize=3.0, zorder=4)
    if one.is_apart:
        return
    if all(step.before is not None for step in one.steps) and one.steps[-1].share is not None:
        panel.plot([last[0]] * 2, [last[1], len(rows) - 1], color=FAINT, linewidth=0.5, linestyle=(0, (2, 1)))


def _ends(step: Step) -> list[float]:
    if step.share is None or step.before is None:
        return []
    held = (1.0, step.share.value, step.share.low, step.share.high)
    return [step.before * end for end in held if end is not None]


def _legend(found: Sequence[Waterfall], labels: Labels) -> list[Handle]:
    steps = [step for one in found for step in one.steps]
    shown = [step for step in steps if step.share is not None and step.before is not None]
    handles: list[Handle] = [
        Patch(facecolor=FASTER, edgecolor=INK, linewidth=0.5, label=labels("less")),
        Patch(facecolor=SLOWER, edgecolor=INK, linewidth=0.5, hatch="////", label=labels("more")),
    ]
    if not all(one.is_apart for one in found):
        handles.append(Patch(facecolor=TOTAL, edgecolor=INK, linewidth=0.5, label=labels("together")))
    if any(step.share.low is not None for step in shown if step.share):
        handles.append(Line2D([], [], color=INK, marker="|", markersize=3.0, linewidth=1.0, label=labels("interval")))
    if any(step.is_no_op for step in shown):
        handles.append(Line2D([], [], label=labels("no_op_knob"), **NO_OP))
    if len(shown) < len(steps):
        handles.append(Line2D([], [], label=labels("not_attributable_short"), **CROSS))
    return handles
