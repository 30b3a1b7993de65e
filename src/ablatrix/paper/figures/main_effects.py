"""Main effects: one panel a knob, one line a workload, with the noise floor behind each compiler's mark."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from ablatrix.analysis.effects import Effect
from ablatrix.analysis.figure import COLOURS, INK, MARKERS, house_style, new_figure, save_figure
from ablatrix.analysis.noise_floor import NoiseFloor

NOISE = "#C4C4C4"
TICKS = (  # (widest span of the axis, ticks for it): far enough apart for their labels
    (1.3, (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)),
    (1.8, (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6)),
    (3.5, (0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.0)),
    (20.0, (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)),
    (math.inf, tuple(10.0**power for power in range(-6, 7))),
)
LEAST_REACH = 1.05  # the axis shows at least 5 % to both sides, so that noise does not fill it
MARGIN = 1.04

Unit = tuple[str, str]
Step = tuple[str | None, str, str]


@dataclass(frozen=True)
class _Lines:
    """Where each workload and compiler stands: a line a workload, compilers beside each other on it."""

    workloads: tuple[str, ...]
    compilers: tuple[str, ...]

    @property
    def height(self) -> float:
        return 0.78 / len(self.compilers)

    def middle(self, unit: Unit) -> float:
        place = self.compilers.index(unit[1]) - (len(self.compilers) - 1) / 2
        return self.workloads.index(unit[0]) + place * self.height


def effects_frame(effects: Sequence[Effect], floors: Sequence[NoiseFloor]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    spread = {(floor.workload, floor.compiler): floor.spread for floor in floors}
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
            "noise_floor_log": spread.get((effect.workload, effect.compiler)),
        }
        for effect in effects
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def draw_main_effects(effects: Sequence[Effect], floors: Sequence[NoiseFloor], stem: Path) -> list[Path]:
    """Draw the effects and write ``stem.pdf`` and ``stem.png``. Panels share the axis of ratios (logarithmic)."""
    with house_style():
        return save_figure(compose_main_effects(effects, floors), stem)


def compose_main_effects(effects: Sequence[Effect], floors: Sequence[NoiseFloor]) -> Figure:
    """Return the figure of `draw_main_effects`; call it inside `house_style`."""
    steps: list[Step] = list(dict.fromkeys((effect.knob, effect.base_level, effect.level) for effect in effects))
    lines = _Lines(
        tuple(sorted({effect.workload for effect in effects})), tuple(sorted({effect.compiler for effect in effects}))
    )
    spread = {(floor.workload, floor.compiler): floor.spread for floor in floors}
    rows = -(-len(steps) // 2)
    line_in = 0.15 * max(1.0, 0.6 * len(lines.compilers))
    figure = new_figure(height_in=0.6 + rows * (0.45 + line_in * len(lines.workloads)))
    panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).flatten().tolist()
    for panel, step in zip(panels, steps, strict=False):
        shown = [effect for effect in effects if (effect.knob, effect.base_level, effect.level) == step]
        panel.set_title(f"{step[0]}\n{step[1]} → {step[2]}")
        _draw_panel(panel, shown, lines, spread)
    for panel in panels[len(steps) :]:
        panel.set_axis_off()
    _share_axes(panels, effects, spread, lines)
    for panel in panels[max(len(steps) - 2, 0) : len(steps)]:
        panel.set_xlabel("ratio of times")
        panel.tick_params(labelbottom=True)
    figure.legend(handles=_legend(lines), loc="outside lower center", ncols=2, columnspacing=1.2)
    return figure


def _draw_panel(panel: Axes, shown: Sequence[Effect], lines: _Lines, spread: Mapping[Unit, float]) -> None:
    panel.axvline(1.0, color=INK, linewidth=0.6)
    for effect in shown:
        unit = (effect.workload, effect.compiler)
        middle = lines.middle(unit)
        if unit in spread:
            low, high = math.exp(-spread[unit]), math.exp(spread[unit])
            bottom = middle - lines.height / 2
            panel.add_patch(Rectangle((low, bottom), high - low, lines.height, facecolor=NOISE, edgecolor="none"))
        if effect.ratio is not None:
            style = _style(lines, effect.compiler)
            if effect.ratio.low is not None and effect.ratio.high is not None:
                ends = [effect.ratio.low, effect.ratio.high]
                panel.plot(ends, [middle, middle], color=style["color"], linewidth=1.1, zorder=3)
            panel.plot([effect.ratio.value], [middle], linestyle="none", zorder=4, **style)


def _style(lines: _Lines, compiler: str) -> dict[str, Any]:
    place = lines.compilers.index(compiler)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)], "markersize": 3.2}


def _share_axes(panels: Sequence[Axes], effects: Sequence[Effect], spread: Mapping[Unit, float], lines: _Lines) -> None:
    values = [value for effect in effects for value in _ends(effect)]
    values += [end for wide in spread.values() for end in (math.exp(-wide), math.exp(wide))]
    low, high = min([*values, 1 / LEAST_REACH]) / MARGIN, max([*values, LEAST_REACH]) * MARGIN
    ticks = next(ticks for widest, ticks in TICKS if high / low <= widest)
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xlim(low, high)
        panel.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_yticks(range(len(lines.workloads)), lines.workloads)
        panel.set_ylim(len(lines.workloads) - 0.5, -0.5)
        panel.grid(visible=False, axis="y")


def _ends(effect: Effect) -> list[float]:
    if effect.ratio is None:
        return []
    ends = (effect.ratio.low, effect.ratio.value, effect.ratio.high)
    return [end for end in ends if end is not None]


def _legend(lines: _Lines) -> list[Line2D | Patch]:
    marks: list[Line2D | Patch] = [
        Line2D([], [], linewidth=1.1, label=f"{compiler}, 95 % interval", **_style(lines, compiler))
        for compiler in lines.compilers
    ]
    return [*marks, Patch(facecolor=NOISE, label="A/A noise floor")]
