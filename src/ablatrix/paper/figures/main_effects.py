"""Main effects: one panel per knob, one line per workload, with the A/A control behind each compiler's mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.transforms import offset_copy

from ablatrix.analysis.diagnosis import KnobProof
from ablatrix.analysis.effects import Effect, Largest, Value, largest
from ablatrix.analysis.groups import Control
from ablatrix.analysis.reasons import optional_text
from ablatrix.paper.figures.words import ratio_label
from ablatrix.paper.largest import others_line
from ablatrix.plotting.figure import COLOURS, FONT_PT, MARKERS, NOISE, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CHARACTER_IN,
    CROSS,
    NO_OP,
    Handle,
    add_legend,
    count_note,
    cross_label,
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

MIN_REACH = 1.05  # the axis shows at least 5 % on both sides, so that noise does not fill it
LINE_IN, TITLES_IN, TITLE_LINE_IN, AXIS_LABEL_IN = 0.15, 0.42, 0.12, 0.3
MAX_NAME = {"column": 16, "page": 24}

Unit = tuple[str, str]
Step = tuple[str, str, str]


@dataclass(frozen=True)
class _Lines:
    """The line of each workload and compiler: one line per workload, with the compilers side by side on it."""

    workloads: tuple[str, ...]
    compilers: tuple[str, ...]

    @property
    def height(self) -> float:
        return 0.8 / len(self.compilers)

    def middle(self, unit: Unit) -> float:
        offset = self.compilers.index(unit[1]) - (len(self.compilers) - 1) / 2
        return self.workloads.index(unit[0]) + offset * self.height


@dataclass(frozen=True)
class MainEffectsData:
    """What the figure shows.

    Attributes:
        effects: Main effects on one metric.
        controls: The A/A control by workload and compiler.
        proofs: Verdict on each knob and pair of levels, by workload and compiler.
    """

    metric: str
    effects: Sequence[Effect]
    controls: Mapping[Unit, Control]
    proofs: Mapping[tuple[str, str, str, frozenset[str]], str]

    @classmethod
    def of(
        cls, metric: str, effects: Sequence[Effect], controls: Sequence[Control], proofs: Sequence[KnobProof]
    ) -> "MainEffectsData":
        """Collect the estimates."""
        return cls(
            metric,
            effects,
            {(control.workload, control.compiler): control for control in controls},
            {(one.workload, one.compiler, one.knob, one.between): one.verdict for one in proofs},
        )

    def proof(self, effect: Effect) -> str | None:
        """Return whether the knob of an effect is proven to do anything."""
        between = frozenset((effect.base_level, effect.level))
        return self.proofs.get((effect.workload, effect.compiler, str(effect.knob), between))

    def control(self, effect: Effect) -> Ratio | None:
        """Return the ratio of the A/A control of an effect's unit."""
        found = self.controls.get((effect.workload, effect.compiler))
        return found.ratio if found else None

    def frame(self) -> pl.DataFrame:
        """Return what the figure shows as a table, unrounded."""
        rows = [
            {
                "workload": effect.workload,
                "compiler": effect.compiler,
                "knob": effect.knob,
                "base_level": effect.base_level,
                "level": effect.level,
                "ratio": effect.ratio.value if effect.ratio else None,
                "low": effect.ratio.low if effect.ratio else None,
                "high": effect.ratio.high if effect.ratio else None,
                "blocks": effect.ratio.count if effect.ratio else 0,
                "pairs": effect.pairs,
                "pairs_partial": effect.pairs_partial,
                "pairs_missing": effect.pairs_missing,
                "widened": effect.ratio.widened if effect.ratio else None,
                "control": control.value if control else None,
                "control_low": control.low if control else None,
                "control_high": control.high if control else None,
                "knob_proof": self.proof(effect),
                "not_attributable": optional_text(effect.reason),
            }
            for effect in self.effects
            for control in [self.control(effect)]
        ]
        return pl.DataFrame(rows, infer_schema_length=None)


def compose_main_effects(data: MainEffectsData, width: Width = "column", labels: Labels = ENGLISH) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. Panels share the axis of ratios (logarithmic)."""
    chosen, width_in = _largest(data), WIDTHS_IN[width]
    steps: list[Step] = list(chosen.shown)
    effects = [one for one in data.effects if (str(one.knob), one.base_level, one.level) in steps]
    data = replace(data, effects=effects)
    compilers = tuple(sorted({effect.compiler for effect in effects}))
    columns = min(2 if width == "column" else 4, len(steps))
    line_in = LINE_IN * max(1.0, 0.6 * len(compilers))
    workloads = sorted({effect.workload for effect in effects})
    names = short_titles(workloads, MAX_NAME[width], labels.workload)
    handles = [*_legend(data, compilers, labels), *map(note, filter(None, [others_line(chosen, labels)]))]
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    panel_in = (width_in - max(map(text_in, names.values())) - 0.15) / columns
    titles = [_title(step, panel_in, labels) for step in steps]
    titles_in = TITLES_IN + TITLE_LINE_IN * (max(title.count("\n") for title in titles) - 1)
    rows = -(-len(steps) // columns)
    fitting = max(1, int((rows_that_fit(1e-3, around_in, width) * 1e-3 / rows - titles_in) / line_in))
    pages = []
    for page in in_pages(workloads, fitting):
        lines = _Lines(tuple(page), compilers)
        row_in = titles_in + line_in * (len(page) + 0.3)
        figure, panels = panel_grid(len(steps), columns, width_in, row_in, around_in, sharex=True, sharey=True)
        for panel, step, title in zip(panels, steps, titles, strict=True):
            shown = [
                effect
                for effect in effects
                if (effect.knob, effect.base_level, effect.level) == step and effect.workload in lines.workloads
            ]
            panel.set_title(title)
            _draw_panel(figure, panel, shown, lines, data)
        ratio_axis(panels, _values(data), panel_in, MIN_REACH)
        panels[0].set_yticks(range(len(page)), [names[name] for name in page])
        panels[0].set_ylim(len(page) - 0.5, -0.5)
        for panel in panels:
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
            for between in range(1, len(page)):
                panel.axhline(between - 0.5, color="#E8E8E8", linewidth=0.4, zorder=0.4)
        figure.supxlabel(ratio_label(data.metric, "new_over_base", labels))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _largest(data: MainEffectsData) -> Largest[Step]:
    held: dict[Step, list[Value]] = {}
    for one in data.effects:
        own = held.setdefault((str(one.knob), one.base_level, one.level), [])
        own.append(1.0 if data.proof(one) == "no_op" else one.ratio)
    return largest(held)


def _title(step: Step, panel_in: float, labels: Labels) -> str:
    """Return the knob and its levels; on three lines where the levels do not fit beside each other."""
    most = max(8, int(panel_in / CHARACTER_IN))
    knob, *levels = step
    name = short_names([labels.knob(knob)], most)[labels.knob(knob)]
    base, level = (labels.level(knob, one) for one in levels)
    if text_in(f"{base} → {level}", FONT_PT) <= panel_in:
        return f"{name}\n{base} → {level}"
    short = short_titles(levels, most - 2, partial(labels.level, knob))
    return f"{name}\n{short[levels[0]]} →\n{short[levels[1]]}"


def _draw_panel(figure: Figure, panel: Axes, shown: Sequence[Effect], lines: _Lines, data: MainEffectsData) -> None:
    unit_line(panel)
    for effect in shown:
        unit = (effect.workload, effect.compiler)
        middle = lines.middle(unit)
        control = data.control(effect)
        if control is not None and control.low is not None and control.high is not None:
            low, high = control.low, control.high
            bottom = middle - lines.height / 2
            panel.add_patch(Rectangle((low, bottom), high - low, lines.height, facecolor=NOISE, edgecolor="none"))
        if effect.ratio is None:
            edge = offset_copy(panel.get_yaxis_transform(), figure, x=5, units="points")
            panel.plot([0.0], [middle], transform=edge, **CROSS)
        elif data.proof(effect) == "no_op":
            # Its measured ratio is noise, or due to the order of trials: the table has it, the figure does not.
            panel.plot([1.0], [middle], **NO_OP)
        else:
            style = _style(lines.compilers, effect.compiler)
            if effect.ratio.low is not None and effect.ratio.high is not None:
                ends = [effect.ratio.low, effect.ratio.high]
                panel.plot(ends, [middle, middle], color=style["color"], linewidth=1.1, zorder=3)
            if _is_part(effect):
                style["markerfacecolor"] = "white"
            panel.plot([effect.ratio.value], [middle], linestyle="none", zorder=4, **style)


def _is_part(effect: Effect) -> bool:
    """Whether this effect has only some of its pairs of configurations, because trials failed."""
    return effect.pairs_partial + effect.pairs_missing > 0


def _style(compilers: Sequence[str], compiler: str) -> dict[str, Any]:
    index = compilers.index(compiler)
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 3.2,
        "markeredgewidth": 0.7,
    }


def _values(data: MainEffectsData) -> list[float]:
    controls = [one.ratio for one in data.controls.values()]
    ends = [end for ratio in controls for end in (ratio.low, ratio.high) if end is not None]
    for effect in data.effects:
        if effect.ratio is not None and data.proof(effect) != "no_op":
            held = (effect.ratio.low, effect.ratio.value, effect.ratio.high)
            ends += [end for end in held if end is not None]
    return ends


def _legend(data: MainEffectsData, compilers: Sequence[str], labels: Labels) -> list[Handle]:
    shown = [effect for effect in data.effects if effect.ratio is not None and data.proof(effect) != "no_op"]
    bare = all(effect.ratio is None or effect.ratio.low is None for effect in shown)
    names = short_titles(compilers, 18, labels.compiler)
    handles: list[Handle] = [
        Line2D(
            [],
            [],
            linewidth=1.1,
            label=names[one] + ("" if bare else f", {labels('interval')}"),
            **_style(compilers, one),
        )
        for one in compilers
    ]
    if any(_is_part(effect) for effect in shown):
        style = _style(compilers, compilers[0]) | {"color": "#404040", "markerfacecolor": "white"}
        handles.append(Line2D([], [], linestyle="none", label=labels("open_part"), **style))
    if any(one.is_tested for one in data.controls.values()):
        handles.append(Patch(facecolor=NOISE, label=labels("control")))
    if failed := sum(one.failed for one in data.controls.values()):
        handles.append(note(labels("control_fails", failed=failed, count=len(data.controls))))
    if any(effect.ratio is not None and data.proof(effect) == "no_op" for effect in data.effects):
        handles.append(Line2D([], [], label=labels("no_op_knob"), **NO_OP))
    crossed = [effect.reason for effect in data.effects if effect.ratio is None]
    if crossed:
        handles.append(Line2D([], [], label=cross_label(crossed, labels), **CROSS))
    handles.append(count_note((effect.ratio.count for effect in shown if effect.ratio), labels))
    if bare and shown:
        handles.append(note(labels("few_blocks")))
    return handles
