"""Main effects: one panel a knob, one line a workload, with the noise floor behind each."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from ablatrix.analysis.effects import Effect, NoiseFloor
from ablatrix.analysis.figure import COLOURS, INK, house_style, new_figure, save_figure

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
            "pairs_missing": effect.pairs_missing,
            "noise_floor_log": spread.get((effect.workload, effect.compiler)),
        }
        for effect in effects
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def draw_main_effects(effects: Sequence[Effect], floors: Sequence[NoiseFloor], stem: Path) -> list[Path]:
    """Draw the effects and write ``stem.pdf`` and ``stem.png``. Panels share the axis of ratios (logarithmic)."""
    steps = list(dict.fromkeys((effect.knob, effect.base_level, effect.level) for effect in effects))
    units = list(dict.fromkeys((effect.workload, effect.compiler) for effect in effects))
    spread = {(floor.workload, floor.compiler): floor.spread for floor in floors}
    rows = -(-len(steps) // 2)
    with house_style():
        figure = new_figure(height_in=0.55 + rows * (0.42 + 0.15 * len(units)))
        panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).flatten().tolist()
        for panel, step in zip(panels, steps, strict=False):
            shown = {
                (effect.workload, effect.compiler): effect
                for effect in effects
                if (effect.knob, effect.base_level, effect.level) == step
            }
            _draw_panel(panel, step, shown, units, spread)
        for panel in panels[len(steps) :]:
            panel.set_axis_off()
        _share_axes(panels, effects, spread, units)
        for panel in panels[-2:]:
            panel.set_xlabel("ratio (below 1: faster)")
        figure.legend(handles=_legend(), loc="outside lower center", ncols=2)
        return save_figure(figure, stem)


def _draw_panel(
    panel: Axes,
    step: tuple[str, str, str],
    shown: Mapping[Unit, Effect],
    units: Sequence[Unit],
    spread: Mapping[Unit, float],
) -> None:
    panel.set_title(f"{step[0]}: {step[1]} → {step[2]}")
    panel.axvline(1.0, color=INK, linewidth=0.6)
    for line, unit in enumerate(units):
        if unit in spread:
            low, high = math.exp(-spread[unit]), math.exp(spread[unit])
            panel.add_patch(
                Rectangle((low, line - 0.38), high - low, 0.76, facecolor=NOISE, edgecolor="none", zorder=1)
            )
        ratio = shown[unit].ratio if unit in shown else None
        if ratio is None:
            continue
        if ratio.low is not None and ratio.high is not None:
            panel.plot([ratio.low, ratio.high], [line, line], color=COLOURS[0], linewidth=1.1, zorder=3)
        panel.plot([ratio.value], [line], marker="o", markersize=3.2, color=COLOURS[0], linestyle="none", zorder=4)


def _share_axes(
    panels: Sequence[Axes], effects: Sequence[Effect], spread: Mapping[Unit, float], units: Sequence[Unit]
) -> None:
    values = [value for effect in effects for value in _ends(effect)]
    values += [end for wide in spread.values() for end in (math.exp(-wide), math.exp(wide))]
    low, high = min(*values, 1 / LEAST_REACH) / MARGIN, max(*values, LEAST_REACH) * MARGIN
    ticks = next(ticks for widest, ticks in TICKS if high / low <= widest)
    several = len({compiler for _, compiler in units}) > 1
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xlim(low, high)
        panel.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_yticks(range(len(units)), [f"{name} ({compiler})" if several else name for name, compiler in units])
        panel.set_ylim(len(units) - 0.5, -0.5)
        panel.grid(visible=False, axis="y")


def _ends(effect: Effect) -> list[float]:
    if effect.ratio is None:
        return []
    ends = (effect.ratio.low, effect.ratio.value, effect.ratio.high)
    return [end for end in ends if end is not None]


def _legend() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=COLOURS[0], marker="o", markersize=3.2, linewidth=1.1, label="effect, 95 % interval"),
        Patch(facecolor=NOISE, label="A/A noise floor"),
    ]
