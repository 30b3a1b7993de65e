"""Compile time against cache misses: what a cold start costs and what it has to build."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from ablatrix.analysis.groups import grouped, sort_key
from ablatrix.analysis.table import IS_FAILURE, IS_OK
from ablatrix.plotting.figure import COLOURS, INK, MARKERS, WIDTHS_IN, Width, house_style, save_pages
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CROSS,
    LOG_FROM,
    Handle,
    add_legend,
    failed_band,
    in_pages,
    legend_height_in,
    note,
    panel_grid,
    rows_that_fit,
    scale_axis,
    short_titles,
)
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC as TIME
from ablatrix.records.status import Status

WARM, EMPTY = "warm", "empty"
NO_PARTITION = "none"
KEYS = ("workload", "compiler", "partition", "cache", "status", MISSES)
MAX_POINTS = 3_000  # beyond, marks are groups of trials: more ink would show no more
MAX_MARKERS = 8  # workloads that markers can distinguish in one panel; more of them get a panel each
ASIDE_PT = 3.0  # workloads of equal miss counts are drawn side by side, else they would hide each other
FEW_COUNTS = 12  # so few different miss counts leave room to spread the marks of each
SPREAD = 0.8  # share of the room between two miss counts
LINE_FROM = 3  # miss counts that a line through medians needs
FILLINGS = ("full", "open", "bottom", "top")
AXIS_LABELS_IN = 0.45
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, fill a stretch evenly


def cold_points(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the trials that the figure shows: cold, measured, that are ok or failed; sorted, where each has a mark.

    ``cache`` says whether the trial began with an empty cache of its own or with a warm one.
    """
    shown = trials.lazy().filter((pl.col("mode") == "cold") & (pl.col("role") == "measured") & (IS_OK | IS_FAILURE))
    partition = pl.col("knob_partition") if "knob_partition" in trials.columns else pl.lit(None, pl.String)
    if "knob_cache_tag" in trials.columns:  # also known of a trial that failed before it had compiled anything
        warm = (pl.col("knob_cache_tag") != "private") | pl.col("cache_tag").is_not_null()
    else:
        warm = pl.col("cache_tag").is_not_null()
    points = shown.select(
        *(pl.col(name).cast(pl.String) for name in ("workload", "compiler")),
        partition.cast(pl.String).fill_null(NO_PARTITION).alias("partition"),
        pl.when(warm).then(pl.lit(WARM)).otherwise(pl.lit(EMPTY)).alias("cache"),
        pl.col("status").cast(pl.String),
        MISSES,
        TIME,
        "trial_id",
    ).collect()
    return points.sort(*KEYS[:4], MISSES, TIME, "trial_id") if points.height <= MAX_POINTS else points


def cold_marks(points: pl.DataFrame) -> pl.DataFrame:
    """Return what is drawn for the points: themselves, or groups of them where there are more than `MAX_POINTS`.

    A group has one workload, compiler, partition, cache, status and number of misses; its time is the median, ``low``
    and ``high`` are the 5th and the 95th percentile, ``trials`` says how many there are.
    """
    if points.height <= MAX_POINTS:
        nothing = pl.lit(None, pl.Float64())
        return points.with_columns(nothing.alias("low"), nothing.alias("high"), pl.lit(1, pl.Int64()).alias("trials"))
    return (
        points.group_by(KEYS)
        .agg(
            pl.col(TIME).median(),
            pl.col(TIME).quantile(0.05, "linear").alias("low"),
            pl.col(TIME).quantile(0.95, "linear").alias("high"),
            pl.len().cast(pl.Int64()).alias("trials"),
        )
        .sort(KEYS)
    )


def has_one_count(points: pl.DataFrame) -> bool:
    """Return whether every trial has the same number of misses, so that there is nothing to hold times against."""
    return bool(points.height) and _ok(points)[MISSES].n_unique() == 1 and _failed(points).is_empty()


def draw_cold_scatter(points: pl.DataFrame, stem: Path) -> list[Path]:
    """Draw the points (see `cold_points`) and write each page as PDF, PNG and SVG.

    Colour and filling show the partition, markers (or panels, where there are many) the workload, panels the
    compiler. A bar across a mark says that the cache was warm. Trials that failed are crosses in a band above, at
    their miss count when it is known and at the left edge when not.
    """
    with house_style():
        return save_pages(compose_cold_scatter(points), stem)


@dataclass(frozen=True)
class _Code:
    """What markers, colours and fillings mean.

    Attributes:
        gap: Between two miss counts, where there are so few that marks have room beside them; None where not.
    """

    workloads: tuple[str, ...]
    partitions: tuple[str, ...]
    by_marker: bool
    gap: float | None = None

    def places(self, workload: str, partition: str, count: int) -> list[float]:
        """Return how far each of so many marks is beside its miss count, in tasks; they follow each other in time.

        Each workload and partition has a stretch of its own, in which marks are spread without chance.
        """
        if self.gap is None:
            return [0.0] * count
        names = self.workloads if self.by_marker else ("",)
        stretch = self.gap * SPREAD / (len(names) * len(self.partitions))
        slot = (names.index(workload) if self.by_marker else 0) * len(self.partitions)
        slot += self.partitions.index(partition)
        middle = (slot + 0.5) * stretch - self.gap * SPREAD / 2
        return [middle + (index * GOLDEN % 1.0 - 0.5) * 0.7 * stretch for index in range(count)]

    def style(self, workload: str, partition: str) -> dict[str, Any]:
        marker = MARKERS[self.workloads.index(workload) % len(MARKERS)] if self.by_marker else MARKERS[0]
        index = self.partitions.index(partition)
        colour, filling = COLOURS[index % len(COLOURS)], FILLINGS[index % len(FILLINGS)]
        return {
            "marker": marker,
            "markersize": 3.8,
            "linestyle": "none",
            "color": colour,
            "fillstyle": "full" if filling == "open" else filling,
            # White inside and not empty, else a crowd of open marks looks filled.
            "markerfacecolor": "white" if filling == "open" else colour,
            "markerfacecoloralt": "white",
            "markeredgecolor": "white" if filling == "full" else colour,  # keeps marks of a crowd apart
            "markeredgewidth": 0.3 if filling == "full" else 0.7,
        }

    def aside_pt(self, workload: str, partition: str) -> float:
        if self.gap is not None:
            return 0.0
        names = self.workloads if self.by_marker else self.partitions
        index = names.index(workload if self.by_marker else partition)
        return min(ASIDE_PT, 2 * ASIDE_PT / max(len(names) - 1, 1)) * (index - (len(names) - 1) / 2)


def compose_cold_scatter(points: pl.DataFrame, width: Width = "column", labels: Labels = ENGLISH) -> list[Figure]:
    """Return the pages of `draw_cold_scatter`; call it inside `house_style`."""
    marks, width_in = cold_marks(points), WIDTHS_IN[width]
    workloads, compilers = _levels(points, "workload"), _levels(points, "compiler")
    by_marker = len(workloads) <= MAX_MARKERS
    code = _Code(tuple(workloads), tuple(_levels(points, "partition")), by_marker, _gap(points))
    if by_marker:
        parts = grouped(marks, ["compiler"])
        columns, row_in = (1, 1.9) if width == "column" else (min(3, len(parts)), 2.2)
    else:
        parts = grouped(marks, ["workload", "compiler"])
        columns, row_in = (2, 1.05) if width == "column" else (4, 1.05)
    handles = _legend(code, points, marks, labels)
    around_in = legend_height_in(handles, width_in) + AXIS_LABELS_IN
    most = 22 if by_marker else 20
    names = short_titles(workloads, most, labels.workload)
    called = short_titles(compilers, most, labels.compiler)
    band = _band(row_in) if _failed(marks).height else 0.0
    pages = []
    for page in in_pages(parts, rows_that_fit(row_in, around_in, width), columns):
        figure, panels = panel_grid(len(page), columns, width_in, row_in, around_in, sharex=True, sharey=True)
        for panel, (key, part) in zip(panels, page, strict=True):
            if len(compilers) > 1 or not by_marker:
                titles = [called[key[0]]] if by_marker else [names[key[0]]]
                titles += [called[key[1]]] if not by_marker and len(compilers) > 1 else []
                panel.set_title("\n".join([*titles, "" if by_marker else _counts(part, labels)]).strip())
            _draw(figure, panel, part, code, band)
        _scale(panels, marks, (width_in / min(columns, len(page)), row_in), labels)
        figure.supxlabel(labels("misses_axis"))
        figure.supylabel(labels("cold_axis"))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _draw(figure: Figure, axes: Axes, part: pl.DataFrame, code: _Code, band: float) -> None:
    for (workload, partition, cache), own in grouped(_ok(part), ["workload", "partition", "cache"]):
        beside = offset_copy(axes.transData, figure, x=code.aside_pt(workload, partition), units="points")
        style = code.style(workload, partition)
        many = own.height > MAX_POINTS
        times = own[TIME].to_list()
        asides = code.places(workload, partition, own.height)
        misses = [count + aside for count, aside in zip(own[MISSES].to_list(), asides, strict=True)]
        for x, low, high in zip(misses, own["low"], own["high"], strict=True):
            if low is not None:
                axes.plot([x, x], [low, high], transform=beside, color=style["color"], linewidth=0.8, zorder=2.5)
        axes.plot(misses, times, transform=beside, zorder=3, rasterized=many, **style)
        if cache == WARM:
            axes.plot(misses, times, transform=beside, zorder=3.1, rasterized=many, **_warm())
    _draw_medians(axes, part)
    if band:
        share = band
        failed_band(axes, share)
        for (workload, partition), own in grouped(_failed(part), ["workload", "partition"]):
            aside = code.aside_pt(workload, partition)
            middle = 1 - share / 2
            known = own[MISSES].drop_nulls().unique().sort().to_list()
            there = offset_copy(axes.get_xaxis_transform(), figure, x=aside, units="points")
            shift = code.places(workload, partition, 1)[0]
            axes.plot([count + shift for count in known], [middle] * len(known), transform=there, **CROSS)
            if own[MISSES].null_count():
                edge = offset_copy(axes.transAxes, figure, x=aside + 3 * ASIDE_PT, units="points")
                axes.plot([0.0], [middle], transform=edge, **CROSS)


def _draw_medians(axes: Axes, part: pl.DataFrame) -> None:
    """Draw a line through the medians of each workload that has enough miss counts to show how time follows them."""
    for _, own in grouped(_ok(part), ["workload"]):
        medians = own.group_by(MISSES).agg(pl.col(TIME).median()).sort(MISSES)
        if medians.height >= LINE_FROM:
            axes.plot(medians[MISSES].to_list(), medians[TIME].to_list(), color=INK, linewidth=0.7, zorder=2.6)


def _gap(points: pl.DataFrame) -> float | None:
    """Return the smallest distance between two miss counts, where they are few; None where they are many."""
    counts = points[MISSES].drop_nulls().unique().sort().to_list()
    positive = [count for count in counts if count > 0]
    if not counts or len(counts) > FEW_COUNTS or (positive and positive[-1] / positive[0] > LOG_FROM):
        return None
    return float(min((b - a for a, b in itertools.pairwise(counts)), default=1))


def _most_counts(marks: pl.DataFrame) -> int:
    """Return how many different miss counts a workload has at the most."""
    counted = _ok(marks).group_by("workload").agg(pl.col(MISSES).n_unique())
    return max(counted[MISSES].to_list(), default=0)


def _scale(panels: Sequence[Axes], marks: pl.DataFrame, size_in: tuple[float, float], labels: Labels) -> None:
    width_in, row_in = size_in
    ok, failed = _ok(marks), _failed(marks)
    times = [time for name in (TIME, "low", "high") for time in ok[name].drop_nulls().to_list()]
    misses = [*ok[MISSES].to_list(), *failed[MISSES].drop_nulls().to_list()]
    for axes in panels[:1]:  # the others share its axes
        scale_axis(axes, "y", times, int(row_in / 0.25), headroom=_band(row_in) if failed.height else 0.0)
        scale_axis(axes, "x", misses or [0, 1], int(width_in / 0.3), whole=True)
        if (gap := _gap(marks)) is not None and misses:
            axes.set_xlim(min(misses) - 0.55 * gap, max(misses) + 0.55 * gap)
    if ok.is_empty():
        panels[0].text(0.5, 0.4, labels("no_trial_ok"), transform=panels[0].transAxes, ha="center", va="center")


def _band(row_in: float) -> float:
    """Return the share of a panel that 8 points are, about; titles and labels take two fifths of its row."""
    return min(0.25, 0.11 / (row_in * 0.6))


def _legend(code: _Code, points: pl.DataFrame, marks: pl.DataFrame, labels: Labels) -> list[Handle]:
    handles: list[Handle] = []
    if code.by_marker:
        names = short_titles(code.workloads, 22, labels.workload)
        for workload in code.workloads:
            style = code.style(workload, code.partitions[0]) | {"color": INK, "markerfacecolor": INK}
            own = points.filter(pl.col("workload") == workload)
            handles.append(Line2D([], [], label=f"{names[workload]}: {_counts(own, labels)}", **style))
    short = short_titles(code.partitions, 24, lambda level: labels.move("partition", level, ": "))
    for partition in code.partitions if code.partitions != (NO_PARTITION,) else ():
        style = code.style(code.workloads[0], partition) | {"marker": MARKERS[0]}
        handles.append(Line2D([], [], label=short[partition], **style))
    if WARM in marks["cache"]:
        handles.append(Line2D([], [], label=labels("warm_cache"), **_warm()))
    failed = points.filter(IS_FAILURE)
    if failed.height:
        unknown = failed[MISSES].null_count()
        name = "failed_at_edge" if unknown else "failed_count"
        handles.append(Line2D([], [], label=labels(name, count=failed.height, unknown=unknown), **CROSS))
    silent = points.height - failed.height - int(_ok(marks)["trials"].sum())
    if silent:
        handles.append(note(labels("silent", count=silent)))
    most = _most_counts(marks)
    if most >= LINE_FROM:
        handles.append(Line2D([], [], color=INK, linewidth=0.7, label=labels("medians")))
    elif most:
        handles.append(note(labels("few_counts")))
    if points.height > MAX_POINTS:
        handles.append(note(labels("grouped_marks")))
    return handles


def _counts(part: pl.DataFrame, labels: Labels) -> str:
    trials = part["trials"] if "trials" in part.columns else pl.repeat(1, part.height, eager=True)
    ok = int(trials.filter(part["status"] == Status.OK.value).sum())
    failed = int(trials.sum()) - ok
    return labels("ok_and_failed", ok=ok, failed=failed) if failed else labels("only_ok", ok=ok)


def _warm() -> dict[str, Any]:
    return {"marker": "_", "markersize": 7.0, "linestyle": "none", "color": INK, "markeredgewidth": 0.8}


def _ok(marks: pl.DataFrame) -> pl.DataFrame:
    return marks.filter(IS_OK & pl.col(MISSES).is_not_null() & pl.col(TIME).is_not_null())


def _failed(marks: pl.DataFrame) -> pl.DataFrame:
    return marks.filter(IS_FAILURE)


def _levels(points: pl.DataFrame, column: str) -> list[str]:
    levels = sorted(points[column].unique().to_list(), key=sort_key)
    # The undivided program is what others are compared with: it comes first.
    return sorted(levels, key=lambda level: level != "whole") if column == "partition" else levels
