"""Effects as tables in the terminal. Rounding happens here."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from ablatrix.analysis.effects import (
    MAIN,
    Effect,
    Evidence,
    GeometricMean,
    Judgement,
    Kind,
    measured_text,
    verdict_text,
)
from ablatrix.analysis.groups import Control, control_cell, controls_text, percent_text
from ablatrix.analysis.reasons import stage_text, text_of
from ablatrix.cli.curve_tables import curve_table, trend_table
from ablatrix.cli.effect_cells import KNOB, Table, by_unit, ratio_text
from ablatrix.cli.host_tables import host_line, host_table
from ablatrix.cli.largest_rows import RatedRow, largest_rows
from ablatrix.cli.screen_tables import COLUMNS as SCREEN_COLUMNS
from ablatrix.cli.screen_tables import p_value_text, screen_blocks, show_screen_notes
from ablatrix.cli.tables import Column, Row, print_blocks, say

ABSENT = "not attributable"
PARTS: tuple[Kind, ...] = ("add_one_in", "shapley", "leave_one_out")
NAMES: Mapping[Kind, str] = {
    "main": "main effect",
    "around": "effect around the centre",
    "total": "total",
    "add_one_in": "effect alone",
    "shapley": "share",
    "leave_one_out": "effect as the last",
    "interaction": "interaction",
}
MAIN_COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("ratio [95 % interval]", whole=True),
    Column("blocks", rank=2, shared=True),
    Column("pairs", rank=3, shared=True),
    Column("p (Holm)", rank=1, whole=True),
    Column("A/A control", rank=4, shared=True),
    Column("verdict", comfort=15),
)
PART_COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("alone", rank=1, whole=True),
    Column("share (Shapley) [95 % interval]", whole=True),
    Column("of total", whole=True),
    Column("as the last", rank=2, whole=True),
    Column("blocks", rank=3, shared=True),
)
CROSSED_COLUMNS = (
    Column("knobs"),
    Column("ratio [95 % interval]", whole=True),
    Column("blocks", rank=1, shared=True),
)
MEAN_COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("ratio [95 % interval]", whole=True),
    Column("p (Holm)", rank=1, whole=True),
    Column("workloads", rank=3, shared=True),
    Column("verdict", comfort=15),
)
MEAN_NAMES: Mapping[Kind, str] = {
    **NAMES,
    "main": "main effects",
    "around": "effects around the centre",
    "shapley": "shares",
}


def show_evidence(evidence: Sequence[Evidence], wanted: Collection[str], margin: float, wide: bool = False) -> None:
    """Print tables of each metric: main effects, attribution, interactions, means over workloads.

    Attribution and interactions of many workloads fill hundreds of lines, so a summary has the means instead; of one
    workload there are none, and its attribution stands there.

    Args:
        evidence: One for each metric.
        wanted: Names of tables, or ``all``; empty for a summary.
        margin: Largest relative difference that counts as none.
        wide: Show every column on one line.
    """
    omitted: dict[str, None] = {}
    screened = next((one for one in evidence if one.screens), None)
    for one in evidence:
        if one.effects and not wanted and not _has_estimate(one):
            say(f"{_title(one)}: nothing is attributable")
            _explain(one.effects)
        elif one.effects or one.screens:
            omitted.update(dict.fromkeys(_show_metric(one, wanted, wide, is_first_screened=one is screened)))
        else:
            say(f"{_title(one)}: no knob varies\n")
    say(
        f"different: the p-value, adjusted over the rows of a table (Holm), is at most 5 %. no effect: otherwise, if "
        f"the ratio lies within +-{percent_text(margin)} (two one-sided tests at 5 %). A/A control: how far two trials "
        "of one configuration may differ; intervals allow for it only where this test of the instrument fails."
    )
    if omitted and not wanted:
        say(f"In full: --show {' or '.join(omitted)}, or all.")


def _show_metric(one: Evidence, wanted: Collection[str], wide: bool, *, is_first_screened: bool) -> list[str]:
    """Print the wanted tables of a metric; return the names of its others.

    Which knobs do nothing in a screening, and what it cannot tell apart, is printed with the first metric alone.
    """
    made: Mapping[str, Callable[[Evidence], Table | None]] = {
        "screen": _screens,
        "main": partial(_main_table, every=bool(wanted)),
        "trend": trend_table,
        "axes": curve_table,
        "attribution": _attribution,
        "interactions": _interactions,
        "means": _means,
        "hosts": partial(host_table, every=bool(wanted)),
    }
    held = {name: table for name, make in made.items() if (table := make(one)) is not None}
    summary = {"screen", "main", "trend", "axes", "hosts", "means" if "means" in held else "attribution"}
    shown = set(held) & (set(wanted) or summary)
    shown = set(held) if "all" in wanted else shown
    for name, (title, columns, blocks) in held.items():
        if name in shown:
            print_blocks(f"{_title(one)}: {title}", columns, blocks, wide=wide)
    if not shown:
        say(f"{_title(one)}: no {' and no '.join(sorted(wanted))} of these records\n")
    if "means" in shown:
        _show_missing([mean for mean, _ in _judged_means(one)])
    if "screen" in shown:
        show_screen_notes(one.screens, bool(wanted), with_design=is_first_screened)
    _explain(one.effects)
    _note(one)
    return [name for name in held if name not in shown]


def _has_estimate(one: Evidence) -> bool:
    screened = (knob.ratio for screen in one.screens for knob in screen.knobs)
    return any(ratio is not None for ratio in (*(effect.ratio for effect in one.effects), *screened))


def _screens(one: Evidence) -> Table | None:
    title = f"screening; knobs found at a false discovery rate of 5 %; below 1 is {one.metric.less}"
    held = [screen for screen in one.screens if any(knob.ratio is not None for knob in screen.knobs)]
    return (title, SCREEN_COLUMNS, screen_blocks(held, one.effects, one.metric)) if held else None


def _main_table(one: Evidence, every: bool) -> Table | None:
    """Return the main effects; unless all are wanted, of many the largest, and the others as one row."""
    judged = zip(one.effects, one.judgements, strict=True)
    rated = [
        RatedRow(
            _unit(effect),
            _main_row(effect, judgement, one.control_of(effect)),
            None if effect.is_no_op else effect.ratio,
            judgement.is_different,
            judgement.verdict or ABSENT,
        )
        for effect, judgement in judged
        if judgement is not None and effect.kind in MAIN
    ]
    rows = [(one.unit, one.row) for one in rated] if every else largest_rows(rated)
    title = f"main effect of each knob, as the ratio of its new level to its old one; below 1 is {one.metric.less}"
    return (title, MAIN_COLUMNS, by_unit(rows)) if rows or not one.screens else None


def _attribution(one: Evidence) -> Table | None:
    attributed = [effect for effect in one.effects if effect.kind in ("total", *PARTS)]
    title = "attribution of the total to knobs; the shares multiply to the total"
    return (title, PART_COLUMNS, by_unit(_attribution_rows(attributed))) if attributed else None


def _interactions(one: Evidence) -> Table | None:
    crossed = [effect for effect in one.effects if effect.kind == "interaction"]
    title = "interactions; the factor on one knob's ratio when the other knob is changed too"
    return (title, CROSSED_COLUMNS, by_unit(map(_crossed_row, crossed))) if crossed else None


def _means(one: Evidence) -> Table | None:
    shown = _judged_means(one)
    rows = (_mean_row(mean, judgement) for mean, judgement in shown)
    return ("geometric means over workloads", MEAN_COLUMNS, by_unit(rows)) if shown else None


def _judged_means(one: Evidence) -> list[tuple[GeometricMean, Judgement | None]]:
    means = zip(one.means, one.mean_judgements, strict=True)
    return [pair for pair in means if pair[0].kind in (*MAIN, "total", "shapley")]


def _title(one: Evidence) -> str:
    return f"{one.metric.name} ({one.mode})"


def _note(one: Evidence) -> None:
    """Print what the A/A controls say, which knobs act in part of their pairs, and what the metric cannot show."""
    lines = [*([line] if (line := host_line(one)) else []), *controls_text(one.controls, one.mode)]
    for effect in one.effects:
        if effect.pairs_same and not effect.is_no_op:
            acting, every = effect.pairs_acting
            lines.append(
                f"{effect.workload} on {effect.compiler}, {effect.stage}: {_change(effect)} acts in {acting} of "
                f"{every} pairs; in the others both levels are the same program"
            )
    if one.metric.resolution:
        size = one.metric.resolution / 1024
        lines.append(
            f"{one.metric.name} is counted in pages: {size:g} KiB is no difference, and intervals allow for it"
        )
    for line in lines:
        say(line, hanging=2)
    print()


def _main_row(effect: Effect, judgement: Judgement, control: Control | None) -> list[str]:
    return [
        _change(effect),
        measured_text(effect.ratio, effect.exact),
        _block_count(effect),
        f"{effect.pairs} of {effect.pairs_acting[1]}",
        p_value_text(judgement.p_holm),
        control_cell(control, "+-"),
        verdict_text(judgement, "+-") or ABSENT,
    ]


def _attribution_rows(effects: Sequence[Effect]) -> Iterable[tuple[str, Row]]:
    """Yield for each attribution one row per knob, and the total below them, each with its unit."""
    total = effects[0]
    rows: list[tuple[str, Row]] = []
    by_kind: dict[Kind, Effect] = {}
    for effect in effects:
        if effect.kind == "total":
            yield from rows
            total = effect
            ends = f"total: {effect.base_level} -> {effect.level}"
            row = [ends, "", measured_text(effect.ratio, effect.exact), "", "", _block_count(effect)]
            rows = [(_unit(effect), row)]
            continue
        by_kind[effect.kind] = effect
        if effect.kind == PARTS[-1]:
            alone, share, last = (by_kind[kind] for kind in PARTS)
            cells = [
                ratio_text(alone.ratio),
                measured_text(share.ratio, share.exact),
                _part(share, total),
                ratio_text(last.ratio),
            ]
            rows.insert(len(rows) - 1, (_unit(effect), [_change(effect), *cells, _block_count(share)]))
    yield from rows


def _crossed_row(effect: Effect) -> tuple[str, Row]:
    cells = [f"{effect.knob} x {effect.other}", measured_text(effect.ratio, effect.exact), _block_count(effect)]
    return _unit(effect), cells


def _mean_row(mean: GeometricMean, judgement: Judgement | None) -> tuple[str, Row]:
    knob = _change(mean) if mean.knob else f"{mean.base_level} -> {mean.level}"
    over = f" over {mean.over}" if mean.over else ""
    return f"{_mean_unit(mean)}: {MEAN_NAMES[mean.kind]}{over}", [
        knob,
        measured_text(mean.ratio, mean.exact),
        "" if judgement is None else p_value_text(judgement.p_holm),
        f"{len(mean.workloads)} of {len(mean.workloads) + len(mean.missing)}",
        "" if judgement is None else verdict_text(judgement, "+-") or ABSENT,
    ]


def _show_missing(means: Iterable[GeometricMean]) -> None:
    """Print once for each reason which workloads a mean lacks."""
    reasons: dict[str, list[str]] = {}
    for mean in means:
        what = f"{NAMES[mean.kind]} of {mean.knob}" if mean.knob else NAMES[mean.kind]
        for workload, why in mean.missing.items():
            reasons.setdefault(f"{_mean_unit(mean)}: {workload}: {text_of(why)}", []).append(what)
    for reason, lost in reasons.items():
        say(f"not in the means of {reason}", hanging=2)
        say(f"  missing in {', '.join(dict.fromkeys(lost))}", hanging=4)
    if reasons:
        print()


def _explain(effects: Iterable[Effect]) -> None:
    """Print once for each reason what is not attributable; of a unit without any effect, the first reason alone."""
    reasons: dict[str, dict[str, list[str]]] = {}
    held = list(effects)
    known = {_where(effect) for effect in held if effect.ratio is not None}
    told: set[str] = set()
    for effect in held:
        if effect.reason is not None:
            where = _where(effect)
            if where not in known:
                if where not in told:
                    reasons[f"{where}: {text_of(effect.reason)}"] = {"effect of any kind": []}
                told.add(where)
                continue
            of_reason = reasons.setdefault(f"{where}: {text_of(effect.reason)}", {})
            what = f"{effect.knob} x {effect.other}" if effect.other else effect.knob
            of_reason.setdefault(NAMES[effect.kind], []).extend([what] if what else [])
    for reason, lost in reasons.items():
        say(f"{ABSENT}: {reason}", hanging=2)
        for column, knobs in lost.items():
            say(f"  no {column}" + (f" of {', '.join(knobs)}" if knobs else ""), hanging=4)
    if reasons:
        print()


def _where(effect: Effect) -> str:
    return f"{effect.workload} on {effect.compiler}, {effect.stage}"


def _unit(effect: Effect) -> str:
    stage = stage_text(effect.stage, effect.centre)
    return ", ".join([f"{effect.workload} on {effect.compiler}", stage, *map(str, effect.origin)])


def _mean_unit(mean: GeometricMean) -> str:
    return ", ".join([mean.compiler, mean.stage, *map(str, mean.origin)])


def _change(held: Effect | GeometricMean) -> str:
    name = f"{held.knob} x {held.other}" if held.other else str(held.knob)
    return f"{name}: {held.base_level} -> {held.level}"


def _block_count(effect: Effect) -> str:
    held = effect.ratio.count if effect.ratio else 0
    if effect.hosts is not None:
        return f"{effect.blocks} on {len(effect.hosts.names)} hosts"
    return f"{held} of {held + effect.blocks_left_out}"


def _part(share: Effect, total: Effect) -> str:
    """Return a share in percent of the total, empty where the total is too small to be divided."""
    if share.ratio is None or total.ratio is None or not total.ratio.side:
        return ""
    return f"{math.log(share.ratio.value) / math.log(total.ratio.value) + 0.0:.0%}"  # 0.0: no -0 %
