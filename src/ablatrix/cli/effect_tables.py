"""Effects as tables in the terminal. Rounding happens here."""

import math
from collections.abc import Iterable, Mapping, Sequence

from ablatrix.analysis.effects import (
    MAIN,
    Effect,
    Evidence,
    GeometricMean,
    Judgement,
    Kind,
    verdict_text,
)
from ablatrix.analysis.groups import Control, control_cell, controls_text, percent_text
from ablatrix.analysis.reasons import levels_text, text_of
from ablatrix.cli.display import print_table
from ablatrix.statistics.ratio import Ratio

ABSENT = "not attributable"
PARTS: tuple[Kind, ...] = ("add_one_in", "shapley", "leave_one_out")
COLUMNS: Mapping[Kind, str] = {
    "main": "main effect",
    "around": "effect around the centre",
    "total": "total",
    "add_one_in": "effect alone",
    "shapley": "share",
    "leave_one_out": "effect as the last",
    "interaction": "interaction",
}
WHERE = ("workload", "compiler", "stage")


def show_evidence(evidence: Sequence[Evidence], margin: float) -> None:
    """Print the tables of each metric: main effects, attribution, interactions, means over workloads."""
    for one in evidence:
        metric = f"{one.metric.name} ({one.mode})"
        where = [*one.origin, *WHERE]
        if not one.effects:
            print(f"{metric}: no knob varies\n")
            continue
        print_table(
            f"{metric}: main effect of each knob, as the ratio of its new level to its old one; below 1 is "
            f"{one.metric.less}",
            [*where, "knob", "ratio", "95 % interval", "blocks", "pairs", "p (Holm)", "A/A control", "verdict"],
            [
                _main_row(effect, judgement, one.control_of(effect))
                for effect, judgement in zip(one.effects, one.judgements, strict=True)
                if judgement is not None and effect.kind in MAIN
            ],
        )
        if attributed := [effect for effect in one.effects if effect.kind in ("total", *PARTS)]:
            print_table(
                f"{metric}: attribution of the total to knobs; the shares multiply to the total",
                [*where, "knob", "alone", "share (Shapley)", "95 % interval", "of total", "as the last", "blocks"],
                list(_attribution_rows(attributed)),
            )
        if crossed := [effect for effect in one.effects if effect.kind == "interaction"]:
            print_table(
                f"{metric}: interactions; the factor on one knob's ratio when the other knob is changed too",
                [*where, "knobs", "ratio", "95 % interval", "blocks"],
                [
                    [
                        *_where(effect),
                        f"{effect.knob} x {effect.other}",
                        *_shown(effect.ratio, effect.exact),
                        _blocks(effect),
                    ]
                    for effect in crossed
                ],
            )
        means = zip(one.means, one.mean_judgements, strict=True)
        if shown := [pair for pair in means if pair[0].kind in (*MAIN, "total", "shapley")]:
            columns = ["compiler", "stage", "effect", "knob", "ratio", "95 % interval", "p (Holm)", "verdict"]
            print_table(
                f"{metric}: geometric means over workloads",
                [*one.origin, *columns, "workloads", "missing"],
                [_mean_row(mean, judgement) for mean, judgement in shown],
            )
        _explain(one.effects)
        _note(one)
    print(
        f"different: the p-value, adjusted over the rows of a table (Holm), is at most 5 %. no effect: else, and the "
        f"ratio lies within +-{percent_text(margin)} (two one-sided tests at 5 %). A/A control: how far two trials of "
        "one configuration may lie apart; only where that test of the instrument fails do intervals allow for it."
    )


def _note(one: Evidence) -> None:
    """Print what the A/A controls say, which knobs act in part of their pairs, and what the metric cannot show."""
    lines = controls_text(one.controls, one.mode)
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
    print("\n".join(lines) + "\n")


def _main_row(effect: Effect, judgement: Judgement, control: Control | None) -> list[str]:
    return [
        *_where(effect),
        _change(effect),
        *_shown(effect.ratio, effect.exact),
        _blocks(effect),
        f"{effect.pairs} of {effect.pairs_acting[1]}",
        _p_value(judgement.p_holm),
        control_cell(control, "+-"),
        verdict_text(judgement, "+-") or ABSENT,
    ]


def _attribution_rows(effects: Sequence[Effect]) -> Iterable[list[str]]:
    """Yield for each attribution one row per knob, and the total below them."""
    total = effects[0]
    rows: list[list[str]] = []
    by_kind: dict[Kind, Effect] = {}
    for effect in effects:
        if effect.kind == "total":
            yield from rows
            total = effect
            ends = f"total: {effect.base_level} -> {effect.level}"
            rows = [[*_where(effect), ends, "", *_shown(effect.ratio, effect.exact), "", "", _blocks(effect)]]
            continue
        by_kind[effect.kind] = effect
        if effect.kind == PARTS[-1]:
            alone, share, last = (by_kind[kind] for kind in PARTS)
            cells = [_ratio(alone.ratio), *_shown(share.ratio, share.exact), _part(share, total), _ratio(last.ratio)]
            rows.insert(len(rows) - 1, [*_where(effect), _change(effect), *cells, _blocks(share)])
    yield from rows


def _mean_row(mean: GeometricMean, judgement: Judgement | None) -> list[str]:
    missing = "; ".join(f"{name}: {text_of(why)}" for name, why in mean.missing.items())
    known = f"{len(mean.workloads)} of {len(mean.workloads) + len(mean.missing)}"
    knob = _change(mean) if mean.knob else f"{mean.base_level} -> {mean.level}"
    return [
        *map(str, mean.origin),
        mean.compiler,
        mean.stage,
        mean.kind,
        knob,
        *_shown(mean.ratio, mean.exact),
        "" if judgement is None else _p_value(judgement.p_holm),
        "" if judgement is None else verdict_text(judgement, "+-") or ABSENT,
        known,
        missing,
    ]


def _explain(effects: Iterable[Effect]) -> None:
    """Print once for each reason what is not attributable."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for effect in effects:
        if effect.reason is not None:
            where = f"{effect.workload} on {effect.compiler}, {effect.stage}"
            of_reason = reasons.setdefault(f"{where}: {text_of(effect.reason)}", {})
            what = f"{effect.knob} x {effect.other}" if effect.other else effect.knob
            of_reason.setdefault(COLUMNS[effect.kind], []).extend([what] if what else [])
    for reason, lost in reasons.items():
        print(f"{ABSENT}: {reason}")
        for column, knobs in lost.items():
            print(f"  no {column}" + (f" of {', '.join(knobs)}" if knobs else ""))
    if reasons:
        print()


def _where(effect: Effect) -> list[str]:
    stage = f"{effect.stage} (around {levels_text(effect.centre)})" if effect.centre else effect.stage
    return [*map(str, effect.origin), effect.workload, effect.compiler, stage]


def _change(held: Effect | GeometricMean) -> str:
    name = f"{held.knob} x {held.other}" if held.other else str(held.knob)
    return f"{name}: {held.base_level} -> {held.level}"


def _blocks(effect: Effect) -> str:
    held = effect.ratio.count if effect.ratio else 0
    return f"{held} of {held + effect.blocks_left_out}"


def _shown(ratio: Ratio | None, exact: bool = False) -> list[str]:
    """Return a ratio and its interval as two cells."""
    if ratio is None:
        return [ABSENT, ""]
    if exact:
        return [_ratio(ratio), "exact"]
    if ratio.low is None or ratio.high is None:
        return [_ratio(ratio), "one block"]
    return [_ratio(ratio), f"[{ratio.low:.4f}, {ratio.high:.4f}]"]


def _ratio(ratio: Ratio | None) -> str:
    return ABSENT if ratio is None else f"{ratio.value:.4f}"


def _part(share: Effect, total: Effect) -> str:
    """Return a share in percent of the total, empty where the total is too small to be divided."""
    if share.ratio is None or total.ratio is None or not total.ratio.side:
        return ""
    return f"{math.log(share.ratio.value) / math.log(total.ratio.value) + 0.0:.0%}"  # 0.0: no -0 %


def _p_value(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
