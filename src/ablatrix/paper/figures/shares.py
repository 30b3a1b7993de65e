"""Bars in percent of the baseline's, under a heading a workload: phases of the compile time stacked, and memory."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ablatrix.analysis.effects import Ablation, Value, largest
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.digits import interval_form
from ablatrix.paper.figures.grouped import LINE_IN, in_groups, write_heading
from ablatrix.paper.largest import others_line
from ablatrix.plotting.figure import INK, SMALL_PT, WIDTHS_IN, Width
from ablatrix.plotting.labels import Labels
from ablatrix.plotting.panels import (
    Handle,
    add_legend,
    legend_height_in,
    note,
    panel_grid,
    rows_that_fit,
    short_titles,
    text_in,
)
from ablatrix.records.metrics import COLD_METRIC

PHASES = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
PLANNED = "planned_bytes"
# Each with a hatch of its own, or a grey of its own where it has none.
STYLES: tuple[tuple[str, str], ...] = (
    ("#999999", "||||"),
    ("#E69F00", "////"),
    ("#56B4E9", ""),
    ("#009E73", "...."),
    ("#CC79A7", "\\\\\\\\"),
    ("#BBBBBB", "xxxx"),
    ("#0072B2", ""),
)
UNIT = ("workload", "workload_digest", "compiler")
AXIS_LABEL_IN, ROOM = 0.32, 1.28


@dataclass(frozen=True, kw_only=True)
class ShareBar:
    """One bar.

    Attributes:
        name: What its configuration is: empty for the baseline, ``all``, or a knob with its level.
        moved: The knobs that it moves, with their levels.
        parts: Its parts, in recorded units, by column; one part alone where it is not stacked.
        base: The baseline's whole, in the same units.
        whole: What is written at its end, in the same units.
    """

    workload: str
    compiler: str
    name: str
    moved: Mapping[str, str]
    parts: Mapping[str, float]
    base: float
    whole: float


def phase_bars(found: Sequence[Ablation], trials: pl.DataFrame) -> list[ShareBar]:
    """Return for each workload and compiler a bar of the baseline and one of all knobs on: medians over cold trials."""
    bars = []
    held = _by_unit(trials, (COLD_METRIC, *PHASES), pl.col("mode") == "cold")
    for one in found:
        base: float | None = None
        for name, moved in _configurations(one, with_knobs=False).items():
            rows = _rows(held, one, moved)
            whole = _median(rows, COLD_METRIC)
            parts = {column: value for column in PHASES if (value := _median(rows, column)) is not None}
            base = whole if not name else base
            if whole is None or not parts or not base:
                continue
            bars.append(
                ShareBar(
                    workload=one.workload,
                    compiler=one.compiler,
                    name=name,
                    moved=moved,
                    parts=parts,
                    base=base,
                    whole=whole,
                )
            )
    return bars


def memory_bars(found: Sequence[Ablation], trials: pl.DataFrame) -> list[ShareBar]:
    """Return for each workload and compiler the planned memory of the baseline, of each knob alone, and of all on."""
    bars = []
    held = _by_unit(trials, (PLANNED,))
    for one in found:
        base: float | None = None
        for name, moved in _configurations(one, with_knobs=True).items():
            value = _median(_rows(held, one, moved), PLANNED)
            base = value if not name else base
            if value is None or not base:
                continue
            bars.append(
                ShareBar(
                    workload=one.workload,
                    compiler=one.compiler,
                    name=name,
                    moved=moved,
                    parts={PLANNED: value},
                    base=base,
                    whole=value,
                )
            )
    return bars


def _configurations(one: Ablation, with_knobs: bool) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {"": {}}
    if with_knobs:
        found |= {f"{move.knob}={move.level}": {move.knob: move.level} for move in one.moves}
    if len(one.path) > 1 or (one.path and not with_knobs):
        found["all"] = {move.knob: move.level for move in one.path}
    return found


def _by_unit(
    trials: pl.DataFrame, columns: Sequence[str], *conditions: pl.Expr
) -> Mapping[tuple[str, ...], pl.DataFrame]:
    """Return the ok measured trials of each workload and compiler that meet conditions, with what is read of them."""
    knobs = [name for name in trials.columns if name.startswith("knob_")]
    ok = trials.lazy().filter(IS_OK & (pl.col("role") == "measured"), *conditions)
    held = ok.select(*UNIT, *knobs, *columns).collect()
    return {tuple(map(str, key)): own for key, own in held.partition_by(UNIT, as_dict=True).items()}


def _rows(held: Mapping[tuple[str, ...], pl.DataFrame], one: Ablation, moved: Mapping[str, str]) -> pl.DataFrame:
    own = held.get((one.workload, one.digest, one.compiler))
    if own is None:
        return pl.DataFrame()
    return own.filter(*(pl.col(f"knob_{knob}") == level for knob, level in {**one.base, **moved}.items()))


def _median(rows: pl.DataFrame, column: str) -> float | None:
    values = rows[column].drop_nulls().to_list() if column in rows.columns else []
    return float(statistics.median(values)) if values else None


def shares_frame(bars: Sequence[ShareBar]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    columns = list(dict.fromkeys(column for one in bars for column in one.parts))
    rows = [
        {
            "workload": one.workload,
            "compiler": one.compiler,
            "configuration": one.name or "baseline",
            **{column: one.parts.get(column) for column in columns},
            "whole": one.whole,
            "baseline_whole": one.base,
        }
        for one in bars
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def compose_phases(bars: Sequence[ShareBar], labels: Labels, width: Width = "column") -> list[Figure]:
    """Return the pages of the figure of phases; call it inside `house_style`."""
    shown = [column for column in PHASES if any(column in one.parts for one in bars)]
    styles = {column: STYLES[PHASES.index(column)] for column in shown}
    handles: list[Handle] = [_patch(styles[column], labels(column)) for column in shown]
    return _compose(bars, labels, width, (styles, handles), (labels("phases_axis"), "ms", 1.0))


def compose_memory(bars: Sequence[ShareBar], labels: Labels, width: Width = "column") -> list[Figure]:
    """Return the pages of the figure of memory; call it inside `house_style`."""
    alone: dict[str, list[Value]] = {}
    for one in bars:
        if one.name not in ("", "all"):
            alone.setdefault(one.name, []).append(_share(one) / 100.0)
    chosen = largest(alone)
    shown = [one for one in bars if one.name in ("", "all", *chosen.shown)]
    handles = [*map(note, filter(None, [others_line(chosen, labels)]))]
    code = ({PLANNED: ("#56B4E9", "")}, handles)
    return _compose(shown, labels, width, code, (labels("memory_share"), "MiB", 2.0**20))


def _patch(style: tuple[str, str], label: str) -> Patch:
    return Patch(facecolor=style[0], hatch=style[1], edgecolor=INK, linewidth=0.4, label=label)


def _compose(
    bars: Sequence[ShareBar],
    labels: Labels,
    width: Width,
    code: tuple[Mapping[str, tuple[str, str]], Sequence[Handle]],
    axis: tuple[str, str, float],
) -> list[Figure]:
    width_in, (styles, handles), (axis_label, unit, divide_by) = WIDTHS_IN[width], code, axis
    lines = _lines(bars, labels, 20 if width == "column" else 44)
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    labels_in = max(text_in(text) for text, one in lines if one)
    most = max(_share(one) for one in bars)
    pages = []
    for page in in_groups(lines, rows_that_fit(LINE_IN, around_in, width)):
        figure, panels = panel_grid(1, 1, width_in, LINE_IN * len(page), around_in)
        panel = panels[0]
        for y, (text, one) in enumerate(page):
            if one is None:
                write_heading(figure, panels, y, text, labels_in)
            else:
                _draw(panel, y, one, styles, (unit, divide_by))
        panel.axvline(100.0, color=INK, linewidth=0.6, zorder=2)
        panel.set_xlim(0.0, max(most, 100.0) * ROOM)
        panel.set_yticks(range(len(page)), [text if one else "" for text, one in page])
        panel.set_ylim(len(page) - 0.5, -0.5)
        panel.grid(visible=False, axis="y")
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel(axis_label)
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _lines(bars: Sequence[ShareBar], labels: Labels, most: int) -> list[tuple[str, ShareBar | None]]:
    several = len({one.compiler for one in bars}) > 1
    names = short_titles([one.workload for one in bars], most, labels.workload)
    compilers = short_titles([one.compiler for one in bars], most, labels.compiler)
    moves = {one.name: ", ".join(labels.move(*step) for step in one.moved.items()) for one in bars}
    moved = short_titles(moves, most, moves.__getitem__)
    words = {"": labels("baseline"), "all": labels("all_on")}
    lines: list[tuple[str, ShareBar | None]] = []
    unit = None
    for one in bars:
        if (one.workload, one.compiler) != unit:
            unit = (one.workload, one.compiler)
            lines.append((names[unit[0]] + (f", {compilers[unit[1]]}" if several else ""), None))
        lines.append((words.get(one.name, moved[one.name]), one))
    return lines


def _share(one: ShareBar) -> float:
    return 100.0 * sum(one.parts.values()) / one.base


def _draw(panel: Axes, y: int, one: ShareBar, styles: Mapping[str, tuple[str, str]], unit: tuple[str, float]) -> None:
    at, (name, divide_by) = 0.0, unit
    for column, (colour, hatch) in styles.items():
        share = 100.0 * one.parts.get(column, 0.0) / one.base
        panel.barh([y], [share], left=[at], height=0.7, facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.4)
        at += share
    text = f" {interval_form(one.whole, None, None, divide_by).printed(one.whole)} {name}"
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 0.2}  # over the line of the baseline
    panel.text(at, y, text, va="center", ha="left", fontsize=SMALL_PT, zorder=4, bbox=blank)
