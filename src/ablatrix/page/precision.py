"""The precision of the results: the widest intervals, the targets of the study, and why no further block was run."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Control, control_cell, percent_text
from ablatrix.page.effects import MetricEffects
from ablatrix.page.printed import NOTHING, interval, percent, ratio_value, significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.records.metrics import METRIC_OF_MODE

_DECISIONS = {
    "continue": "the run ended before",
    "precise": "narrow enough",
    "most_blocks": "the study allows no more",
    "budget": "the time budget is spent",
    "unsupported": "no configuration is supported",
}
"""Why the runner added no further block, by its recorded decision."""


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How well the repeats of one workload, compiler and mode agree.

    Attributes:
        blocks: Repeats that were run.
        effect, cell: Half-width of the widest interval of a main effect, and of a cell's ratio to the baseline, on the
            logarithmic scale; None if no interval is known.
        control: The A/A control; None if none was run.
        wanted: Half-widths that the study asked for, of effects and of cells; None if the records have none.
        short_of: What was widest relative to its target when the runner stopped; None if all was narrow enough.
        decision: Why the runner added no further block, as recorded.
    """

    workload: str
    compiler: str
    mode: str
    blocks: int
    effect: float | None
    cell: float | None
    control: Control | None
    wanted: tuple[float | None, float | None]
    short_of: str | None
    decision: str | None


def precision_of(findings: Findings, metrics: Sequence[MetricEffects], groups: Sequence[str]) -> list[Precision]:
    """Return the precision of the results, hot and cold, by workload and compiler.

    Args:
        findings: What is estimated from the trials.
        metrics: The effects on each metric.
        groups: Columns that make a cell, ``mode`` among them.
    """
    columns = ("effect_target", "cell_target", "short_of", "decision")
    keys = ["workload", "compiler", "mode"]
    found = (
        findings.trials.lazy()
        .filter(pl.col("role") == "measured")
        .select(*keys, "run", "block", "block_id", *(f"stopping_{name}" for name in columns))
        .group_by(keys)
        .agg(pl.struct("run", "block_id").n_unique().alias("blocks"), *_last_reported(columns))
        .collect()
    )
    widths = {mode: _cell_widths(findings, groups, mode, metric) for mode, metric in METRIC_OF_MODE.items()}
    by_metric = {one.metric.name: one for one in metrics}
    result = []
    for held in sorted(found.iter_rows(named=True), key=lambda row: tuple(str(row[key]) for key in keys)):
        unit, mode = (str(held["workload"]), str(held["compiler"])), str(held["mode"])
        of_metric = by_metric.get(METRIC_OF_MODE[mode])
        judged = (
            [one for one in of_metric.judged if (one.effect.workload, one.effect.compiler) == unit] if of_metric else []
        )
        known = [one.effect.ratio.half_width for one in judged if one.effect.ratio]
        result.append(
            Precision(
                workload=unit[0],
                compiler=unit[1],
                mode=mode,
                blocks=held["blocks"],
                effect=max((width for width in known if width is not None), default=None),
                cell=widths[mode].get(unit),
                control=next((one.control for one in judged), None),
                wanted=(held["effect_target"], held["cell_target"]),
                short_of=held["short_of"],
                decision=held["decision"],
            )
        )
    return result


def precision_table(found: Sequence[Precision]) -> Table:
    """Return how well the repeats of each workload, compiler and mode agree."""
    rows = [
        Row(
            [
                *(Shown(one.workload), Shown(one.compiler), Shown(one.mode)),
                Shown(f"{one.blocks:,}", one.blocks, tone="" if one.blocks > 1 else "warn"),
                *(_width(one.effect, one.wanted[0]), _width(one.cell, one.wanted[1])),
                EMPTY if one.control is None else Shown(control_cell(one.control), one.control.reach),
                _ending(one),
            ]
        )
        for one in found
    ]
    return Table(
        "sureness",
        "The widest 95 % intervals over blocks: effects of knobs, and ratios of cells to the baseline",
        [
            *(Heading("workload"), Heading("compiler"), Heading("mode"), Heading("blocks", True)),
            Heading("widest effect", True),
            Heading("widest cell", True),
            Heading("A/A control", True, "How far two trials of one configuration may lie apart"),
            Heading(
                "why no further block",
                meaning="What the runner decided after the last block, as the records tell",
                wide=True,
            ),
        ],
        rows,
    )


def controls_table(metrics: Sequence[MetricEffects]) -> Table:
    """Return the A/A controls that verdicts rest on: a second trial of the baseline over the first."""
    rows = [
        Row(
            [
                Shown(one.title),
                Shown(control.workload),
                Shown(control.compiler),
                Shown(ratio_value(control.ratio.value), control.ratio.value, "control"),
                Shown(interval(control.ratio)),
                _p_value(control.p_holm),
                _state(control),
                Shown(f"±{percent_text(control.offset)}" if control.offset else "nothing", control.offset),
            ],
            {"control": rows},
        )
        for one in metrics
        for control, rows in one.controls
    ]
    return Table(
        "controls",
        "A/A control: a second trial of the baseline in each block over the first; 1 is no difference",
        [
            *(Heading("metric"), Heading("workload"), Heading("compiler"), Heading("ratio", True)),
            Heading("95 % interval", True),
            Heading("p (Holm)", True, "That the ratio is 1, adjusted over all units of the metric and their mean"),
            Heading("the instrument"),
            Heading("intervals wider by", True, "At each end of every interval of this unit: the reach of what failed"),
        ],
        rows,
    ).folded("compiler")


def _state(control: Control) -> Shown:
    if not control.is_tested:
        return Shown("not tested: one block", tone="warn")
    if control.failed_alone:
        return Shown("off: shown here", tone="bad")
    if control.failed:
        return Shown("off: shown by the mean of all units", tone="bad")
    return Shown("holds", tone="good")


def _p_value(value: float | None) -> Shown:
    if value is None:
        return Shown(NOTHING, tone="quiet")
    return Shown("< 0.001" if value < 0.001 else significant(value, 2), value)


def _width(value: float | None, wanted: float | None) -> Shown:
    if value is None:
        return EMPTY
    text = f"±{percent(value)}"
    if wanted is None:
        return Shown(text, value)
    return Shown(f"{text} (wanted ±{percent(wanted)})", value, tone="warn" if value > wanted else "good")


def _ending(one: Precision) -> Shown:
    if one.decision is None:
        return EMPTY
    text = _DECISIONS[one.decision]
    if one.short_of is None:
        return Shown(text)
    return Shown(f"{text}; {one.short_of.replace('+-', '±')}", tone="warn")


def _last_reported(columns: Sequence[str]) -> list[pl.Expr]:
    """Return what the last block of each group reports on why it was the last."""
    reported = pl.col("stopping_decision").is_not_null()
    return [
        pl.col(f"stopping_{name}")
        .filter(reported)
        .sort_by(pl.col("run").filter(reported), pl.col("block").filter(reported))
        .last()
        .alias(name)
        for name in columns
    ]


def _cell_widths(findings: Findings, groups: Sequence[str], mode: str, metric: str) -> dict[tuple[str, str], float]:
    indices = [groups.index(name) for name in ("workload", "compiler", "role", "mode")]
    widest: dict[tuple[str, str], float] = {}
    for key, ratio in findings.ratios(metric, groups).items():
        workload, compiler, role, own = (str(key[index]) for index in indices)
        if role == "measured" and own == mode and ratio.half_width is not None:
            widest[workload, compiler] = max(widest.get((workload, compiler), 0.0), ratio.half_width)
    return widest
