"""The main table: one row a workload, with its baseline, what is best, everything on, eager, and their speed-ups."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Variants, families, over_text
from ablatrix.analysis.reasons import KnobLevels, levels_text
from ablatrix.analysis.table import IS_OK
from ablatrix.page.chart import CROSS
from ablatrix.page.effects import Attribution, MetricEffects
from ablatrix.page.printed import NOTHING, ratio_value, significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, ranges_of, union
from ablatrix.provenance.rows import OWNER, ROW
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC, METRICS
from ablatrix.statistics.ratio import Ratio

# By mode: what is compared, and what is shown of each side. Paired times have no unit that people know.
COMPARED = {"hot": (HOT_METRIC, "run_ms_p50"), "cold": (COLD_METRIC, COLD_METRIC)}
TITLES = {"hot": "Run time", "cold": "Compile and first run"}
MEAN = "geometric mean"
BEST, ALL_ON, EAGER = "speedup_best", "speedup_all_on", "speedup_eager"
SPEEDUPS = {BEST: "best over baseline", ALL_ON: "all on over baseline", EAGER: "best over eager"}
TIMES = ("baseline", "best", "all_on", "eager")


@dataclass(frozen=True, kw_only=True)
class _Speedup:
    """How many times as fast one side is as the other, and the rows that it follows from."""

    value: float
    low: float | None
    high: float | None
    rows: Ranges

    @property
    def text(self) -> str:
        """The speed-up with its interval."""
        value = f"{ratio_value(self.value)}{CROSS}"
        if self.low is None or self.high is None:
            return value
        return f"{value} [{ratio_value(self.low)},\N{NO-BREAK SPACE}{ratio_value(self.high)}]"


@dataclass(frozen=True, kw_only=True)
class _Line:
    """What one row shows."""

    unit: Unit
    best: KnobLevels | None
    ties: int
    times: Mapping[str, tuple[float, Ranges]]
    speedups: Mapping[str, _Speedup]


def main_tables(findings: Findings, finder: RowFinder, metrics: Sequence[MetricEffects]) -> list[Table]:
    """Return the main table of hot and of cold trials, each where a trial of a unit is ok.

    Args:
        findings: What is estimated from the trials, which are of one origin.
        finder: Finds their rows.
        metrics: The effects on each metric, for the totals.
    """
    by_metric = {one.metric.name: one for one in metrics}
    eager = finder.rows.parts(("workload", "workload_digest", OWNER, "mode"), IS_OK & (pl.col("role") == "reference"))
    tables = []
    for mode, (metric, shown) in COMPARED.items():
        units = list(finder.units.values())
        if not any(mode in unit.ok for unit in units):
            continue
        totals: dict[Any, Attribution] = {}
        for held in by_metric[metric].attributions if metric in by_metric else ():
            totals.setdefault(finder.unit_of(held.total).identity, held)
        lines = [
            _line(findings, finder, unit, (mode, metric, shown), totals.get(unit.identity), eager) for unit in units
        ]
        tables.append(_table(mode, lines, totals, findings.variants))
    return tables


def _line(
    findings: Findings,
    finder: RowFinder,
    unit: Unit,
    measure: tuple[str, str, str],
    total: Attribution | None,
    eager: Mapping[tuple[Any, ...], pl.DataFrame],
) -> _Line:
    mode, metric, shown = measure
    best = findings.best(metric, mode).get((unit.workload, unit.digest, unit.compiler))
    beside = eager.get((unit.workload, unit.digest, unit.compiler, mode))
    levels_of: dict[str, Levels] = {"baseline": unit.baseline}
    speedups: dict[str, _Speedup] = {}
    if best is not None:
        levels = levels_of["best"] = {knob: best.levels.get(knob, level) for knob, level in unit.baseline.items()}
        speedups |= _of_best(findings, finder, unit, (mode, metric), levels)
    if total is not None:
        moved = {str(part.share.knob): part.share.level for part in total.shares}
        levels_of["all_on"] = {**unit.baseline, **total.total.centre, **moved}
        if total.total.ratio is not None:
            speedups[ALL_ON] = _inverse(total.total.ratio, total.rows)
    sides = {name: finder.at(unit, mode, levels, shown) for name, levels in levels_of.items()}
    if beside is not None:
        sides["eager"] = beside
    found = {name: _mean_time(sides[name], shown) for name in ("baseline", "eager", "best", "all_on") if name in sides}
    return _Line(
        unit=unit,
        best=None if best is None else best.levels,
        ties=len(best.ties or ()) if best else 0,
        times={name: held for name, held in found.items() if held is not None},
        speedups=speedups,
    )


def _of_best(
    findings: Findings, finder: RowFinder, unit: Unit, measure: tuple[str, str], levels: Levels
) -> dict[str, _Speedup]:
    """Return how much faster the best configuration is than the baseline, and than eager."""
    mode, metric = measure
    found: dict[str, _Speedup] = {}
    ratio = _against_baseline(findings, unit, mode, metric, levels)
    if ratio is not None:
        rows = finder.of_ratio(unit, mode, metric, levels, unit.baseline)
        found[BEST] = _inverse(ratio, finder.widened_by(unit, mode, metric, rows, ratio.widened))
    against = findings.against_reference(metric, mode).of((unit.workload, unit.digest, unit.compiler), levels)
    if mode == "hot" and against is not None:  # eager compiles nothing, so a cold one is no rival
        rows = finder.widened_by(unit, mode, metric, finder.blocks_of(unit), against.ratio.widened)
        found[EAGER] = _inverse(against.ratio, rows)
    return found


def _against_baseline(findings: Findings, unit: Unit, mode: str, metric: str, levels: Levels) -> Ratio | None:
    columns = [f"knob_{knob}" for knob in levels]
    found = findings.ratios(metric, ["workload", "workload_digest", "compiler", "role", "mode", *columns])
    return found.get((unit.workload, unit.digest, unit.compiler, "measured", mode, *levels.values()))


def _inverse(ratio: Ratio, rows: Ranges) -> _Speedup:
    """Return a ratio of times as a speed-up."""
    low, high = (None if end is None else 1.0 / end for end in (ratio.high, ratio.low))
    return _Speedup(value=1.0 / ratio.value, low=low, high=high, rows=rows)


def _mean_time(side: pl.DataFrame, shown: str) -> tuple[float, Ranges] | None:
    known = side.select(ROW, shown).filter(pl.col(shown) > 0)
    if known.is_empty():
        return None
    return _geometric_mean(known[shown].to_list()), ranges_of(known[ROW])


def _geometric_mean(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]  # to the last bit
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _table(mode: str, lines: Sequence[_Line], totals: Mapping[Any, Attribution], variants: Variants) -> Table:
    times = [name for name in TIMES if any(name in line.times for line in lines)]
    speedups = [name for name in SPEEDUPS if any(name in line.speedups for line in lines)]
    ends = sorted({held.total.level for held in totals.values()})
    all_on = f" ({ends[0]})" if len(ends) == 1 else ""
    unit = METRICS[COMPARED[mode][1]].quantity.shown_unit
    what = (
        "median time of an iteration" if mode == "hot" else "time from the loaded program to the end of the first run"
    )
    faster = "how many times as fast: the geometric mean over blocks, with its 95 % interval"
    meanings = {
        "baseline": f"Geometric mean over trials of the {what}",
        "best": "The same for the configuration with the lowest mean over blocks",
        "all_on": f"The same with every knob at its last level{all_on}",
        "eager": "The same for PyTorch eager, in the same blocks",
        BEST: f"The best configuration against the baseline, {faster}",
        ALL_ON: f"Everything on{all_on} against the baseline, {faster}",
        EAGER: f"The best configuration against PyTorch eager, {faster}",
    }
    headings = [
        Heading("workload"),
        Heading("compiler"),
        *(Heading(f"{name.replace('_', ' ')} ({unit})", True, meanings[name]) for name in times),
        *(Heading(SPEEDUPS[name], True, meanings[name]) for name in speedups),
        Heading("best configuration", meaning="The levels in which it differs from the baseline", wide=True),
    ]
    rows = [_row(line, times, speedups) for line in lines]
    by_compiler: dict[str, list[_Line]] = {}
    for line in lines:
        by_compiler.setdefault(line.unit.compiler, []).append(line)
    means = [_mean_row(name, own, times, speedups, variants) for name, own in by_compiler.items() if len(own) > 1]
    caption = f"{TITLES[mode]} by workload; a speedup above 1 is faster"
    return Table(f"main-{mode}", caption, headings, rows, foot=means).folded("compiler")


def _row(line: _Line, times: Sequence[str], speedups: Sequence[str]) -> Row:
    cells = [Shown(line.unit.label), Shown(line.unit.compiler)]
    for name in times:
        held = line.times.get(name)
        cells.append(EMPTY if held is None else Shown(significant(held[0]), held[0], f"time_{name}"))
    for name in speedups:
        speedup = line.speedups.get(name)
        cells.append(EMPTY if speedup is None else Shown(speedup.text, speedup.value, name, _tone(speedup)))
    sources = {f"time_{name}": rows for name, (_, rows) in line.times.items()}
    return Row([*cells, _best_cell(line)], sources | {name: held.rows for name, held in line.speedups.items()})


def _mean_row(
    compiler: str, lines: Sequence[_Line], times: Sequence[str], speedups: Sequence[str], variants: Variants
) -> Row:
    """Return the geometric mean over workloads of each speed-up, of those that have it.

    The variants of a workload share its weight, as in `ablatrix.analysis.effects.geometric_means`.
    """
    over = over_text((line.unit.workload for line in lines), variants)
    cells = [Shown(f"{MEAN} over {over}" if over else MEAN), Shown(compiler), *(Shown("") for _ in times)]
    sources: dict[str, Ranges] = {}
    for name in speedups:
        known = [line.speedups[name] for line in lines if name in line.speedups]
        if not known:
            cells.append(EMPTY)
            continue
        named = families((line.unit.workload for line in lines if name in line.speedups), variants)
        value = _geometric_mean([_geometric_mean([known[at].value for at in places]) for places in named.values()])
        text = f"{ratio_value(value)}{CROSS}"
        if len(known) < len(lines):
            text += f" ({len(known)} of {len(lines)} workloads)"
        cells.append(Shown(text, value, f"mean_{name}"))
        sources[f"mean_{name}"] = union(one.rows for one in known)
    return Row([*cells, Shown("")], sources)


def _best_cell(line: _Line) -> Shown:
    if line.best is None:
        return Shown(NOTHING, tone="quiet")
    moved = KnobLevels({knob: level for knob, level in line.best.items() if line.unit.baseline.get(knob) != level})
    others = f" ({line.ties} more not distinguishable from it)" if line.ties else ""
    return Shown((levels_text(moved) or "the baseline") + others)


def _tone(speedup: _Speedup) -> str:
    if speedup.low is not None and speedup.low > 1.0:
        return "good"
    return "bad" if speedup.high is not None and speedup.high < 1.0 else ""
