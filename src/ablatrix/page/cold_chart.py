"""The figure of cold trials: compile time against cache misses, in which no mark covers another one.

Trials with the same number of misses stand side by side. Where two marks would touch, the second one moves into the
next lane; so the axis is one of bands, as wide as the lanes that they need, and not to scale.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import polars as pl

from ablatrix.analysis.groups import sort_key
from ablatrix.analysis.table import IS_FAILURE, IS_OK
from ablatrix.page.axes import number_axis
from ablatrix.page.chart import (
    BAND,
    COLOURS,
    CROSS,
    FAILED,
    SHAPES,
    SWATCH,
    Chart,
    Key,
    bar_keys,
    domain,
    finished,
    shape_keys,
)
from ablatrix.page.printed import NOTHING, count, number, significant
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC as TIME

HEIGHT_PX = 340
MARK_PX = 9  # room that a mark takes
LOG_FROM = 8.0  # a span of times wider than this is drawn on a logarithmic axis
MAX_LANES = 40
NO_PARTITION = "none"
NOT_KNOWN = "not known"
MEANINGS: Mapping[tuple[str, ...], str] = {
    ("unit", "partition", MISSES, "cell_id"): "the trials of a configuration",
    ("unit", "partition", MISSES): "all trials that share workload, partition and misses",
    ("partition", MISSES): "all trials that share partition and misses",
}
"""What a mark can be the median of, the finest first: the first one whose marks find room is drawn."""


@dataclass(frozen=True)
class _Band:
    """Where a number of misses is on the axis: from its first to behind its last lane."""

    label: str
    start: float
    end: float

    @property
    def centre(self) -> float:
        return (self.start + self.end) / 2.0


@dataclass(frozen=True)
class _Axis:
    """The axis of times: its ends, and whether it is logarithmic."""

    low: float
    high: float
    is_log: bool

    def pixel(self, value: float) -> float:
        """Return how far above the bottom a time is drawn."""
        low, high, at = (self.low, self.high, value)
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return (at - low) / (high - low) * HEIGHT_PX


def cold_chart(trials: pl.DataFrame) -> Chart | None:
    """Return compile time against cache misses, None if no cold trial was ok.

    A mark is the median over the repeats of a configuration, with a line from the fastest to the slowest; over more
    than that where the marks would find no room, see `MEANINGS`.
    """
    points = _cold_points(trials)
    ok = points.filter(IS_OK & pl.col(MISSES).is_not_null() & (pl.col(TIME) > 0))
    failed = points.filter(IS_FAILURE)
    if ok.is_empty():
        return None
    axis = _axis_of(ok[TIME].to_list())
    for keys in MEANINGS:
        marks = _marks(ok, keys)
        bands = _placed(marks, axis, sorted(failed[MISSES].drop_nulls().unique().to_list()), failed[MISSES].has_nulls())
        if bands[-1].end <= MAX_LANES:
            break
    partitions = _partitions(marks)
    units = sorted({mark["unit"] for mark in marks if "unit" in mark}, key=sort_key)
    shapes = units if len(units) <= len(SHAPES) else []
    layers = _layers(marks, bands, axis, partitions, shapes)
    note = (
        f"A mark is the median of {MEANINGS[keys]} ({count(ok.height, 'ok trial')} in all), its line goes from the "
        "fastest trial to the slowest. Marks with the same number of misses stand side by side: the axis is not to "
        "scale."
    )
    if not failed.is_empty():
        layers += _failure_layers(failed, bands)
        note += f" Crosses along the top: {count(failed.height, 'failed trial')}."
    if len(units) > len(SHAPES):
        note += " There are too many workloads for a shape each; hover over a mark to see which it is."
    return Chart(
        name="chart-cold",
        title="Cold: compile time against cache misses",
        spec=finished(alt.layer(*layers), HEIGHT_PX),
        note=note,
        table="every cell and mode",
        keys=[*_partition_keys(partitions), *shape_keys(shapes)],
        words=[_words(ok, partition) for partition in partitions],
    )


def _cold_points(trials: pl.DataFrame) -> pl.DataFrame:
    cold = (pl.col("mode") == "cold") & (pl.col("role") == "measured") & (IS_OK | IS_FAILURE)
    partition = pl.col("knob_partition") if "knob_partition" in trials.columns else pl.lit(None, pl.String)
    columns = ("workload", "compiler", "status", "cell_id")
    points = (
        trials.lazy()
        .filter(cold)
        .select(
            *(pl.col(name).cast(pl.String) for name in columns),
            partition.cast(pl.String).alias("partition"),
            MISSES,
            TIME,
        )
        .collect()
    )
    several = points["compiler"].n_unique() > 1
    compiler = pl.lit(" \N{MIDDLE DOT} ") + pl.col("compiler") if several else pl.lit("")
    return points.with_columns(
        unit=pl.col("workload") + compiler, partition=pl.col("partition").fill_null(NO_PARTITION)
    )


def _axis_of(times: Sequence[float]) -> _Axis:
    low, high = min(times), max(times)
    if high / low > LOG_FROM:
        return _Axis(low / 1.3, high * 1.3, is_log=True)
    return _Axis(0.0, high * 1.15, is_log=False)


def _marks(ok: pl.DataFrame, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return one mark for each value of the keys: the median of its trials, the fastest and the slowest."""
    time = pl.col(TIME)
    middle = ok.group_by(list(keys)).agg(
        time.median().alias("ms"), time.min().alias("low"), time.max().alias("high"), pl.len().alias("trials")
    )
    return middle.sort(*keys, "ms").rename({MISSES: "misses"}).to_dicts()


def _placed(marks: Sequence[dict[str, Any]], axis: _Axis, failed_at: Sequence[int], is_unknown: bool) -> list[_Band]:
    """Give each mark its location on the axis, as ``at``, and return the bands; failures without misses come first."""
    bands = [_Band(NOT_KNOWN, 0.0, 2.0)] if is_unknown else []
    for misses in sorted({*(mark["misses"] for mark in marks), *failed_at}):
        start = bands[-1].end if bands else 0.0
        lanes = 0
        for partition in _partitions(marks):
            own = [one for one in marks if (one["misses"], one["partition"]) == (misses, partition)]
            for mark, lane in zip(own, _lanes([_reach(mark, axis) for mark in own]), strict=True):
                mark["at"] = start + lanes + lane + 1.0
                mark["lane"] = lane
            lanes += max((mark["lane"] for mark in own), default=-1) + 1
        bands.append(_Band(number(misses), start, start + max(lanes, 1) + 1.0))
    return bands


def _reach(mark: Mapping[str, Any], axis: _Axis) -> tuple[float, float]:
    """Return from where to where a mark and its line take room, in pixels."""
    low, middle, high = (axis.pixel(mark[name]) for name in ("low", "ms", "high"))
    return min(low, middle - MARK_PX / 2.0), max(high, middle + MARK_PX / 2.0)


def _lanes(reaches: Sequence[tuple[float, float]]) -> list[int]:
    """Return the lane of each stretch: the first one in which nothing touches it, from the lowest stretch on."""
    ends: list[float] = []
    found = [0] * len(reaches)
    for index in sorted(range(len(reaches)), key=lambda one: reaches[one]):
        low, high = reaches[index]
        lane = next((one for one, end in enumerate(ends) if end < low), len(ends))
        ends[lane : lane + 1] = [high]
        found[index] = lane
    return found


def _layers(
    marks: Sequence[dict[str, Any]],
    bands: Sequence[_Band],
    axis: _Axis,
    partitions: Sequence[str],
    shapes: Sequence[str],
) -> list[alt.Chart]:
    """Return the bands, lines and marks."""
    whole = bands[-1].end
    x = alt.X(
        "at:Q",
        title="compile cache misses up to the first run",
        scale=alt.Scale(domain=[0, whole], nice=False),
        axis=_band_axis(bands),
    )
    y: dict[str, Any] = {
        "title": "compile + first run (ms)",
        "scale": alt.Scale(type="log" if axis.is_log else "linear", domain=[axis.low, axis.high], nice=False),
        "axis": number_axis(axis.low, axis.high) if axis.is_log else alt.Axis(tickCount=6),
    }
    colour = alt.Color("partition:N", scale=domain(partitions, COLOURS), legend=None)
    encoding: dict[str, Any] = {"color": colour}
    if shapes:
        encoding["shape"] = alt.Shape("unit:N", scale=domain(shapes, list(SHAPES)), legend=None)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "partition", "misses") if name in marks[0]]
    tooltip += [alt.Tooltip(f"{name}:Q", format=".4s") for name in ("ms", "low", "high")] + [alt.Tooltip("trials:Q")]
    striped = [{"from": band.start, "to": band.end} for band in bands[::2]]
    # As large as a lane is wide, where the page is narrow.
    size = alt.ExprRef(expr=f"pow(clamp(0.9 * width / {whole}, 2, {MARK_PX - 1}), 2)")
    base = alt.Chart(alt.InlineData(values=list(marks)))
    return [
        alt.Chart(alt.InlineData(values=striped)).mark_rect(color=BAND, opacity=0.45).encode(x="from:Q", x2="to:Q"),
        base.mark_rule(opacity=0.6).encode(x=x, y=alt.Y("low:Q", **y), y2="high:Q", color=colour),
        base.mark_point(size=size, filled=True, opacity=1).encode(
            x=x, y=alt.Y("ms:Q", **y), tooltip=tooltip, **encoding
        ),
    ]


def _band_axis(bands: Sequence[_Band]) -> alt.Axis:
    names = "{" + ",".join(f"'{band.centre:g}':'{band.label}'" for band in bands) + "}"
    return alt.Axis(
        values=[band.centre for band in bands],
        labelExpr=f"({names})[toString(datum.value)]",
        labelOverlap="greedy",
        grid=False,
        ticks=False,
        titleAnchor="end",
    )


def _failure_layers(failed: pl.DataFrame, bands: Sequence[_Band]) -> list[alt.Chart]:
    """Return a cross in each band that has failed trials."""
    centres = {band.label: band.centre for band in bands}
    statuses = failed.group_by(MISSES, "status").agg(pl.len().alias("trials")).sort(MISSES, "status", nulls_last=True)
    marks: dict[str, dict[str, Any]] = {}
    for misses, status, trials in statuses.iter_rows():
        label = NOT_KNOWN if misses is None else number(misses)
        mark = marks.setdefault(label, {"at": centres[label], "misses": label, "failed": "", "trials": 0})
        mark["failed"] += f"{', ' if mark['failed'] else ''}{trials} {status.replace('_', ' ')}"
        mark["trials"] += trials
    crosses = alt.Chart(alt.InlineData(values=list(marks.values()))).mark_text(text=CROSS, fontSize=16, color=FAILED)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("misses", "failed")]
    return [crosses.encode(x="at:Q", y=alt.value(6), tooltip=tooltip)]


def _partitions(marks: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({mark["partition"] for mark in marks}, key=lambda level: (level != "whole", sort_key(level)))


def _partition_keys(partitions: Sequence[str]) -> list[Key]:
    keys = [replace(key, outline=SWATCH) for key in bar_keys([f"partition {one}" for one in partitions])]
    return [] if partitions == [NO_PARTITION] else keys


def _words(ok: pl.DataFrame, partition: str) -> str:
    """Return what the figure shows of one level of the partition."""
    own = ok.filter(pl.col("partition") == partition)
    fewest, most = int(own[MISSES].min()), int(own[MISSES].max())  # type: ignore[arg-type]
    times = sorted(own[TIME].to_list())
    middle = float(own[TIME].median())  # type: ignore[arg-type]
    misses = number(fewest) if fewest == most else f"{number(fewest)} to {number(most)}"
    kind = "All trials" if partition == NO_PARTITION else f"partition {partition}"
    return (
        f"{kind}: {misses} misses {NOTHING} {significant(times[0], 3)} to {significant(times[-1], 3)} ms, "
        f"{significant(middle, 3)} ms in the median of {count(own.height, 'trial')}."
    )
