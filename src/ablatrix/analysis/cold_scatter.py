"""Compile time against cache misses: what a cold start costs and what it has to build."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from ablatrix.analysis.estimate import grouped, sort_key
from ablatrix.analysis.figure import COLOURS, FAILED, INK, MARKERS, house_style, new_figure, save_figure

MISSES = "compile_cache_miss_delta_first_run"
TIME = "compile_first_run_ms"
ASIDE_PT = 3.0  # workloads of equal miss counts stand side by side, else they would hide each other
LOG_FROM = 8.0  # a span of values wider than this is drawn on a logarithmic axis


def cold_points(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that the figure shows: cold, measured, every status but unsupported; sorted."""
    shown = trials.filter(
        (pl.col("mode") == "cold") & (pl.col("role") == "measured") & (pl.col("status") != "unsupported")
    )
    partition = pl.col("knob_partition") if "knob_partition" in trials.columns else pl.lit(None, pl.String)
    return shown.select(
        "workload", "compiler", partition.fill_null("none").alias("partition"), "status", MISSES, TIME, "trial_id"
    ).sort("workload", "compiler", "partition", MISSES, TIME, "trial_id")


def draw_cold_scatter(points: pl.DataFrame, stem: Path) -> list[Path]:
    """Draw the points (see `cold_points`) and write ``stem.pdf`` and ``stem.png``.

    The marker tells the workload; colour and filling tell the partition (the first filled, others open).
    Trials that failed are crosses above the axis, at their miss count when it is known and at the left edge
    when not.
    """
    with house_style():
        return save_figure(compose_cold_scatter(points), stem)


def compose_cold_scatter(points: pl.DataFrame) -> Figure:
    """Return the figure of `draw_cold_scatter`; call it inside `house_style`."""
    figure = new_figure(height_in=3.1)
    ok = points.filter((pl.col("status") == "ok") & pl.col(MISSES).is_not_null() & pl.col(TIME).is_not_null())
    failed = points.filter(pl.col("status") != "ok")
    axes, strip = _axes(figure, with_strip=not failed.is_empty())
    workloads, partitions = _levels(points, "workload"), _levels(points, "partition")
    step_pt = min(ASIDE_PT, 2 * ASIDE_PT / max(len(workloads) - 1, 1))
    for (workload, partition), part in grouped(ok, ["workload", "partition"]):
        aside_pt = step_pt * (workloads.index(workload) - (len(workloads) - 1) / 2)
        beside = offset_copy(axes.transData, figure, x=aside_pt, units="points")
        style = _marker(workloads.index(workload), partitions.index(partition))
        axes.plot(part[MISSES].to_list(), part[TIME].to_list(), transform=beside, **style)
    _scale(axes, ok)
    handles = _legend(workloads, partitions)
    if strip is not None:
        handles.append(_draw_failed(strip, failed))
    figure.legend(handles=handles, loc="outside lower center", ncols=3, handletextpad=0.3, columnspacing=1.2)
    return figure


def _axes(figure: Figure, with_strip: bool) -> tuple[Axes, Axes | None]:
    if with_strip:
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 9])
    else:
        strip, axes = None, figure.subplots()
    axes.set_xlabel("compile cache misses up to the first run")
    axes.set_ylabel("compile + first run (ms)")
    return axes, strip


def _marker(workload: int, partition: int) -> dict[str, Any]:
    colour = COLOURS[partition % len(COLOURS)]
    return {
        "marker": MARKERS[workload % len(MARKERS)],
        "markersize": 3.8,
        "linestyle": "none",
        "color": colour,
        "markerfacecolor": colour if partition == 0 else "none",
        "markeredgewidth": 0.7,
    }


def _scale(axes: Axes, ok: pl.DataFrame) -> None:
    if ok.is_empty():
        axes.text(0.5, 0.5, "no trial is ok", transform=axes.transAxes, ha="center", va="center")
        return
    times, misses = sorted(ok[TIME].to_list()), sorted(ok[MISSES].to_list())
    if times[0] > 0 and times[-1] / times[0] > LOG_FROM:
        axes.set_yscale("log")
        axes.set_ylim(times[0] / 1.3, times[-1] * 1.3)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
    else:
        axes.set_ylim(0, times[-1] * 1.1)
    if misses[0] > 0 and misses[-1] / misses[0] > LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(misses[0] / 1.5, misses[-1] * 1.5)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, max(misses[-1], 1) * 1.08)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend(workloads: Sequence[str], partitions: Sequence[str]) -> list[Line2D]:
    marks = [
        Line2D([], [], linestyle="none", marker=MARKERS[i % len(MARKERS)], color=INK, markersize=4.5, label=name)
        for i, name in enumerate(workloads)
    ]
    for i, name in enumerate(partitions):
        marks.append(Line2D([], [], label=f"partition: {name}", **_marker(0, i)))
    return marks


def _draw_failed(strip: Axes, failed: pl.DataFrame) -> Line2D:
    known = failed[MISSES].drop_nulls().to_list()
    style: dict[str, Any] = {
        "marker": "x",
        "linestyle": "none",
        "color": FAILED,
        "markersize": 4.5,
        "markeredgewidth": 1.0,
    }
    strip.plot(known, [0.5] * len(known), **style)
    if len(known) < failed.height:
        strip.plot([0.0], [0.5], transform=strip.transAxes, clip_on=False, **style)
    strip.set_ylim(0, 1)
    strip.set_yticks([])
    strip.grid(visible=False)
    strip.set_ylabel("failed", rotation=0, ha="right", va="center")
    strip.tick_params(axis="x", bottom=False, labelbottom=False)
    return Line2D([], [], label=f"failed ({failed.height}; {failed.height - len(known)} at edge)", **style)


def _levels(points: pl.DataFrame, column: str) -> list[str]:
    levels = sorted(points[column].unique().to_list(), key=sort_key)
    # The undivided program is what others are compared with: it comes first.
    return sorted(levels, key=lambda level: level != "whole") if column == "partition" else levels
