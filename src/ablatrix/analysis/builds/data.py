"""A comparison of two builds as plain data, for JSON: every number unrounded."""

from typing import Any

from ablatrix.analysis.builds.values import BuildReport, Change, Crossed, MeanChange, MetricBuilds
from ablatrix.analysis.builds.words import dependence_text
from ablatrix.analysis.reasons import optional_text, plain_data
from ablatrix.statistics.ratio import Ratio


def report_data(report: BuildReport) -> dict[str, Any]:
    """Return a report as plain data."""
    return {
        "base": report.base,
        "head": report.head,
        "margin": report.margin,
        "sessions": report.sessions,
        "metrics": [_metric(one, report.margin) for one in report.metrics],
        "outcomes": plain_data(report.outcomes),
        "turned": plain_data(report.turned),
        "only_one": list(report.only_one),
        "differences": plain_data(report.differences),
    }


def _metric(one: MetricBuilds, margin: float) -> dict[str, Any]:
    return {
        "metric": one.metric.name,
        "mode": one.mode,
        "changes": [_change(change) for change in one.changes],
        "means": [_mean(mean) for mean in one.means],
        "crossings": [_crossed(crossed, margin) for crossed in one.crossings],
        "same_code": plain_data(one.same_code),
        "controls": list(one.controls),
    }


def _change(one: Change) -> dict[str, Any]:
    effect = one.effect
    return {
        "workload": effect.workload,
        "compiler": effect.compiler,
        "stage": effect.stage,
        "knob": effect.knob,
        "base_level": effect.base_level,
        "level": effect.level,
        "at": dict(one.at),
        **_ratio(effect.ratio),
        "exact": effect.exact,
        "blocks": effect.ratio.count if effect.ratio else 0,
        "pairs": effect.pairs,
        "pairs_same": effect.pairs_same,
        "p_holm": one.judgement.p_holm if one.judgement else None,
        "p_equivalence": one.judgement.p_equivalence if one.judgement else None,
        "within_margin": one.judgement.within if one.judgement else False,
        "resolution": one.judgement.resolution if one.judgement else None,
        "word": one.word,
        "second_session": one.elsewhere,
        "needs": plain_data(one.needs),
        "not_attributable": optional_text(effect.reason),
    }


def _mean(one: MeanChange) -> dict[str, Any]:
    return {
        "compiler": one.mean.compiler,
        "stage": one.mean.stage,
        "workloads": list(one.mean.workloads),
        **_ratio(one.mean.ratio),
        "p_holm": one.judgement.p_holm if one.judgement else None,
        "within_margin": one.judgement.within if one.judgement else False,
        "word": one.word,
    }


def _crossed(one: Crossed, margin: float) -> dict[str, Any]:
    return {
        "knob": one.knob,
        "base_level": one.base_level,
        "level": one.level,
        "depends": one.depends,
        "sentence": dependence_text(one, margin),
        "factor": _change(one.factor),
        "build_at": [_change(part) for part in one.build_at],
        "knob_under": [_change(part) for part in one.knob_under],
    }


def _ratio(ratio: Ratio | None) -> dict[str, float | None]:
    if ratio is None:
        return dict.fromkeys(("ratio", "ratio_low", "ratio_high", "p"))
    return {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high, "p": ratio.p_value}
