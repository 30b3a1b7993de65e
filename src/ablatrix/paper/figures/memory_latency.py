"""Memory against latency: every configuration of a workload, marked by the levels of some knobs."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from ablatrix.analysis.groups import Instrument, key_order, knob_order, ratios_to_baseline, sort_key
from ablatrix.analysis.table import IS_FAILURE, IS_OK
from ablatrix.paper.figures.words import scale_of
from ablatrix.paper.template.figures import MOST_MARKS
from ablatrix.plotting.figure import COLOURS, INK, MARKERS, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CROSS,
    LOG_FROM,
    Handle,
    add_legend,
    count_note,
    failed_band,
    in_pages,
    legend_height_in,
    note,
    panel_grid,
    rows_that_fit,
    scale_axis,
    short_names,
    short_titles,
)
from ablatrix.statistics.ratio import Ratio

PANEL_IN, AXIS_LABELS_IN = 1.5, 0.35
BAND = 0.13
FILLINGS = ("full", "open", "bottom", "top")
MARK_COLOURS = (COLOURS[0], COLOURS[5], COLOURS[3], COLOURS[2], COLOURS[4], COLOURS[1])  # neighbours differ in grey
ACROSS: dict[str, Any] = {"markersize": 8.5, "linestyle": "none", "color": INK, "markeredgewidth": 0.7, "zorder": 3.1}
RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 8.0,
    "markerfacecolor": "none",
    "color": INK,
    "markeredgewidth": 0.6,
}


_OK, _FAILED, _OF_OK, _OF_ALL = " ok", " failed", " of ok", " of all"  # no column of a record begins with a space
NEEDED = ("workload", "workload_digest", "compiler", "status", "role", "mode", "run", "block_id", "is_baseline")


@dataclass(frozen=True, kw_only=True)
class Place:
    """The position of one configuration of a workload on a compiler.

    Attributes:
        levels: Levels of the knobs that vary and of those that make its mark, by column.
        mark: Levels of the knobs that make its mark.
        memory: Median over ok trials; if none is ok, over failed trials that report it, which are shown there.
        time: Median of the baseline's times, multiplied by the ratio to it; None without a ratio.
        ratio: Ratio to the baseline's time, paired over blocks.
        low, high: The interval of the ratio on the scale of the time.
        ok, failed: Number of trials; unsupported ones, and those that were not run, are in neither.
    """

    workload: str
    compiler: str
    levels: tuple[tuple[str, str | None], ...]
    mark: tuple[str, ...]
    is_baseline: bool
    memory: float | None
    time: float | None
    ratio: Ratio | None
    low: float | None
    high: float | None
    ok: int
    failed: int


def places_of(
    trials: pl.DataFrame,
    memory: str,
    metric: str,
    mode: str,
    marks: Sequence[str],
    instrument: Instrument | None = None,
) -> list[Place]:
    """Return the position of each configuration, sorted by workload, compiler and levels.

    Args:
        trials: The table of trials.
        memory: Column of bytes.
        metric: Column of a time.
        mode: Mode of the trials.
        marks: Knobs whose levels make a mark; those that the trials do not have are omitted.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
    """
    instrument = instrument or Instrument(trials)
    chosen = trials.lazy().filter((pl.col("role") == "measured") & (pl.col("mode") == mode))
    knobs = [name for name in trials.columns if name.startswith("knob_")]
    counts = chosen.select(pl.col(name).drop_nulls().n_unique() for name in knobs).collect()
    varying = [f"knob_{name}" for name in knob_order(trials) if counts[f"knob_{name}"][0] > 1]
    marking = [f"knob_{knob}" for knob in marks if f"knob_{knob}" in knobs]
    columns = list(dict.fromkeys([*varying, *marking]))
    table = chosen.select(*dict.fromkeys([*NEEDED, memory, metric, *columns])).collect()
    ratios = ratios_to_baseline(table, metric, ["workload", "compiler", *columns], instrument) if table.height else {}
    bases = _times_of_baselines(table, metric)
    cells = _cells(table, memory, columns)
    keys = cells.select("workload", "compiler", *columns).rows()
    found = []
    for index in sorted(range(len(keys)), key=lambda one: (key_order(keys[one][:2]), key_order(keys[one][2:]))):
        (workload, compiler, *key), cell = keys[index], cells.row(index, named=True)
        if not (cell[_OK] or cell[_FAILED]):
            continue  # the compiler does not have it, or it was not run
        base = bases.get((workload, compiler), [])
        ratio = ratios.get(keys[index]) if base else None
        scale = statistics.median(base) if base else 0.0
        levels = dict(zip(columns, key, strict=True))
        amounts = [float(value) for value in cell[_OF_OK] or cell[_OF_ALL]]
        found.append(
            Place(
                workload=str(workload),
                compiler=str(compiler),
                levels=tuple(levels.items()),
                mark=tuple(str(levels[name]) for name in marking),
                is_baseline=bool(cell["is_baseline"]),
                memory=float(statistics.median(amounts)) if amounts else None,
                time=ratio.value * scale if ratio else None,
                ratio=ratio,
                low=ratio.low * scale if ratio and ratio.low is not None else None,
                high=ratio.high * scale if ratio and ratio.high is not None else None,
                ok=cell[_OK],
                failed=cell[_FAILED],
            )
        )
    return found


def _cells(table: pl.DataFrame, memory: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return a row a configuration: one query for them all, as one for each would take most of the time."""
    return table.group_by("workload", "compiler", *columns).agg(
        IS_OK.sum().alias(_OK),
        IS_FAILURE.sum().alias(_FAILED),
        pl.col("is_baseline").all(),
        pl.col(memory).filter(IS_OK).drop_nulls().alias(_OF_OK),
        pl.col(memory).drop_nulls().alias(_OF_ALL),
    )


def _times_of_baselines(table: pl.DataFrame, metric: str) -> dict[tuple[str, str], list[float]]:
    ok = table.lazy().filter(pl.col("is_baseline") & IS_OK & pl.col(metric).is_not_null())
    times = ok.group_by("workload", "compiler").agg(pl.col(metric).cast(pl.Float64)).collect()
    return {(workload, compiler): values for workload, compiler, values in times.iter_rows()}


def has_memory(places: Sequence[Place]) -> bool:
    """Whether a configuration tells its memory, or failed before it could; a compiler may tell none at all."""
    return any(one.memory is not None for one in places) or all(one.time is None for one in places)


def places_frame(places: Sequence[Place], memory: str, metric: str) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    rows = [
        {
            "workload": one.workload,
            "compiler": one.compiler,
            **dict(one.levels),
            "is_baseline": one.is_baseline,
            memory: one.memory,
            metric: one.time,
            f"{metric}_low": one.low,
            f"{metric}_high": one.high,
            "ratio": one.ratio.value if one.ratio else None,
            "blocks": one.ratio.count if one.ratio else 0,
            "ok": one.ok,
            "failed": one.failed,
        }
        for one in places
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


@dataclass(frozen=True)
class _Code:
    """What marker, filling, colour and a bar across a mark mean: a knob each, in this order.

    Attributes:
        knobs: The knobs that marks show.
        levels: Their levels, the baseline's first where it is known.
    """

    knobs: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, places: Sequence[Place], knobs: Sequence[str]) -> "_Code":
        bases = [one.mark for one in places if one.is_baseline]
        levels = []
        for index in range(len(knobs)):
            found = sorted({one.mark[index] for one in places}, key=sort_key)
            levels.append(tuple(sorted(found, key=lambda level: bool(bases) and level != bases[0][index])))
        return cls(tuple(knobs), tuple(levels))

    def style(self, mark: Sequence[str]) -> dict[str, Any]:
        """Return the style of a mark; of a knob beyond the marks' own, the first level's."""
        at = [levels.index(level) for levels, level in zip(self.levels, mark, strict=False)] + [0] * MOST_MARKS
        filling, colour = FILLINGS[at[1] % len(FILLINGS)], MARK_COLOURS[at[2] % len(MARK_COLOURS)]
        return {
            "marker": MARKERS[at[0] % len(MARKERS)],
            "markersize": 4.4,
            "linestyle": "none",
            "color": colour,
            "fillstyle": "full" if filling == "open" else filling,
            "markerfacecolor": "white" if filling == "open" else colour,
            "markerfacecoloralt": "white",
            "markeredgewidth": 0.8,
        }

    def across(self, mark: Sequence[str]) -> dict[str, Any] | None:
        """Return the style of the bar across a mark; None where the fourth knob is at its first level."""
        if len(self.levels) < MOST_MARKS or (at := self.levels[3].index(mark[3])) == 0:
            return None
        return {**ACROSS, "marker": "_|"[(at - 1) % 2]}

    def handles(self, labels: Labels) -> Iterator[Handle]:
        """Yield what the first level of every knob looks like, and each further level with the others at the first."""
        first = [levels[0] for levels in self.levels]
        yield Line2D([], [], label=labels("first_levels" if first else "one_configuration"), **self.style(first))
        moves = [labels.move(knob, at, ": ") for knob, own in zip(self.knobs, self.levels, strict=True) for at in own]
        names = short_names(moves, 30)
        for index, (knob, levels) in enumerate(zip(self.knobs, self.levels, strict=True)):
            for level in levels[1:]:
                mark = [*first[:index], level, *first[index + 1 :]]
                across = self.across(mark)
                yield Line2D([], [], label=names[labels.move(knob, level, ": ")], **(across or self.style(mark)))


def compose_memory_latency(
    places: Sequence[Place],
    memory: str,
    metric: str,
    marks: Sequence[str],
    width: Width = "page",
    labels: Labels = ENGLISH,
) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. Each workload and compiler has its own axes."""
    width_in = WIDTHS_IN[width]
    code = _Code.of(places, [knob for knob in marks if any(f"knob_{knob}" == name for name, _ in places[0].levels)])
    units, without_memory = _split_units(list(_units(places)))
    columns = 2 if width == "column" else 4
    handles = _legend(places, code, labels)
    if without_memory:
        handles.append(
            note(labels("memory_not_told", names=labels("comma").join(map(labels.compiler, without_memory))))
        )
    around_in = legend_height_in(handles, width_in) + AXIS_LABELS_IN
    names = short_titles([one.workload for one in places], 22, labels.workload)
    compilers = short_titles([one.compiler for one in places], 22, labels.compiler)
    several = len({one.compiler for one in places}) > 1
    divided = scale_of(memory).divide_by, scale_of(metric).divide_by
    kinds = _kinds(units)
    pages = []
    for page in in_pages(units, rows_that_fit(PANEL_IN, around_in, width), columns):
        figure, panels = panel_grid(len(page), columns, width_in, PANEL_IN, around_in)
        for panel, held in zip(panels, page, strict=True):
            panel.set_title("\n".join([names[held[0].workload], *([compilers[held[0].compiler]] if several else [])]))
            _draw_panel(figure, panel, held, code, divided, labels)
            _scale(panel, held, divided, width_in / len(page[:columns]), kinds)
        figure.supxlabel(scale_of(memory, labels).label)
        figure.supylabel(scale_of(metric, labels).label)
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _units(places: Sequence[Place]) -> Iterator[list[Place]]:
    for key in dict.fromkeys((one.workload, one.compiler) for one in places):
        yield [one for one in places if (one.workload, one.compiler) == key]


def _split_units(units: list[list[Place]]) -> tuple[list[list[Place]], list[str]]:
    """Return the units that have something to show, and the compilers that report no memory and never failed."""
    shown = [unit for unit in units if any(one.memory is not None or one.failed for one in unit)]
    others = {unit[0].compiler for unit in units} - {unit[0].compiler for unit in shown}
    return (shown, sorted(others)) if shown else (units, [])


def _draw_panel(
    figure: Figure, panel: Axes, held: Sequence[Place], code: _Code, units: tuple[float, float], labels: Labels
) -> None:
    memory_unit, time_unit = units
    shown = [(one, one.memory / memory_unit) for one in held if one.memory is not None and one.time is not None]
    lost = [one for one in held if one.time is None or one.failed]
    for one, x in shown:
        style = code.style(one.mark)
        if (across := code.across(one.mark)) is not None:
            panel.plot([x], [(one.time or 0.0) / time_unit], **across)
        if one.low is not None and one.high is not None:
            ends = [one.low / time_unit, one.high / time_unit]
            panel.plot([x, x], ends, color=style["color"], linewidth=0.9, zorder=2.8)
        panel.plot([x], [(one.time or 0.0) / time_unit], zorder=3, **style)
        if one.is_baseline:
            panel.plot([x], [(one.time or 0.0) / time_unit], linestyle="none", zorder=3.2, **RING)
    if lost:
        failed_band(panel, BAND)
        known = sorted({one.memory / memory_unit for one in lost if one.memory is not None})
        panel.plot(known, [1 - BAND / 2] * len(known), transform=panel.get_xaxis_transform(), **CROSS)
        if any(one.memory is None for one in lost):
            edge = offset_copy(panel.transAxes, figure, x=5, units="points")
            panel.plot([0.0], [1 - BAND / 2], transform=edge, **CROSS)
    if not shown:
        panel.text(0.5, 0.4, labels("nothing_measured"), transform=panel.transAxes, ha="center", va="center")


def _kinds(units: Sequence[Sequence[Place]]) -> tuple[bool, bool]:
    """Return whether memories and times need a logarithmic axis in any panel; then all panels have one."""

    def is_wide(spans: Sequence[Sequence[float]]) -> bool:
        return any(min(span) > 0 and max(span) / min(span) > LOG_FROM for span in spans if span)

    memories = [[one.memory for one in unit if one.memory is not None] for unit in units]
    return is_wide(memories), is_wide([_times(unit) for unit in units])


def _times(held: Sequence[Place]) -> list[float]:
    return [end for one in held if one.memory is not None for end in (one.low, one.time, one.high) if end is not None]


def _scale(
    panel: Axes, held: Sequence[Place], units: tuple[float, float], width_in: float, kinds: tuple[bool, bool]
) -> None:
    times = [end / units[1] for end in _times(held)]
    lost = any(one.time is None or one.failed for one in held)
    scale_axis(panel, "y", times, 6, headroom=BAND if lost else 0.0, from_zero=False, log=kinds[1])
    memories = [one.memory / units[0] for one in held if one.memory is not None]
    scale_axis(panel, "x", memories, max(3, int((width_in - 0.5) / 0.32)), from_zero=False, log=kinds[0])


def _legend(places: Sequence[Place], code: _Code, labels: Labels) -> list[Handle]:
    handles = list(code.handles(labels))
    varying = [name.removeprefix("knob_") for name, _ in places[0].levels]
    if hidden := [knob for knob in varying if knob not in code.knobs]:
        handles.append(note(labels("not_shown", count=len(hidden))))
    if any(one.is_baseline and one.time is not None for one in places):
        handles.append(Line2D([], [], label=labels("ring"), linestyle="none", **RING))
    if any(one.low is not None for one in places):
        handles.append(Line2D([], [], color=INK, linewidth=0.9, label=labels("bar_interval")))
    failed = sum(one.failed for one in places)
    if failed or any(one.time is None for one in places):
        handles.append(Line2D([], [], label=labels("failed_trials", count=failed), **CROSS))
    handles.append(count_note((one.ratio.count for one in places if one.ratio), labels))
    return handles
