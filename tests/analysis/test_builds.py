"""Two builds side by side: what is planted is found and named, and what is not planted is not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from ablatrix.analysis.builds import (
    BuildReport,
    build_pairs,
    change_text,
    compare_builds,
    confirmed,
    dependence_text,
    interval_text,
    report_data,
    same_code_text,
)
from ablatrix.analysis.builds.controls import BuildControls
from ablatrix.analysis.findings import Findings
from ablatrix.canonical import content_id
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Record
from ablatrix.statistics.ratio import Ratio
from tests.synthetic import make_records, tidied
from tests.with_builds import Knobs, only_memory_and_fusion, with_builds

RUN = "run_ms_paired"
IDS = ("record_id", "trial_id", "cell_id", "block_id")
BASE = only_memory_and_fusion(make_records(modes=["hot"], blocks=5, noise=0.001))


def report_of(records: list[Record], base: str | None = None, head: str | None = None) -> BuildReport:
    return compare_builds(Findings(tidied(records)), base, head, metrics=(RUN,))


def slower_encoder(workload: str, mode: str, knobs: Knobs) -> float:
    del mode, knobs
    return 1.05 if workload == "encoder" else 1.0


def faster_with_fusion(workload: str, mode: str, knobs: Knobs) -> float:
    del workload, mode
    return 0.9 if knobs["fusion"] == "on" else 1.0


def words(report: BuildReport) -> dict[str, str]:
    return {one.effect.workload: one.word for one in report.metrics[0].changes}


def test_slower_build_is_a_regression_only_where_it_is_slower() -> None:
    report = report_of(with_builds(BASE, slower_encoder))
    assert (report.base, report.head) == ("stable", "pr")
    assert words(report) == {"attention": "same", "encoder": "regression"}
    ratio = next(one.effect.ratio for one in report.metrics[0].changes if one.effect.workload == "encoder")
    assert ratio is not None
    assert ratio.value == pytest.approx(1.05, abs=0.005)
    assert [mean.word for mean in report.metrics[0].means] == ["regression"]
    mean = report.metrics[0].means[0].mean.ratio
    assert mean is not None
    assert mean.value == pytest.approx(math.sqrt(1.05), abs=0.003)


def test_builds_compared_the_other_way_round_give_the_inverse() -> None:
    records = with_builds(BASE, slower_encoder)
    there, back = report_of(records), report_of(records, base="pr", head="stable")
    assert words(back) == {"attention": "same", "encoder": "improvement"}
    for one, other in zip(there.metrics[0].changes, back.metrics[0].changes, strict=True):
        assert one.effect.ratio is not None
        assert other.effect.ratio is not None
        assert one.effect.ratio.value * other.effect.ratio.value == pytest.approx(1.0)


def test_change_that_needs_a_knob_is_said_to_need_it() -> None:
    report = report_of(with_builds(BASE, faster_with_fusion))
    crossed = {(one.factor.effect.workload, one.knob): one for one in report.metrics[0].crossings}
    fusion = crossed["encoder", "fusion"]
    assert [side.word for side in fusion.build_at] == ["same", "improvement"]
    sentence = dependence_text(fusion, report.margin)
    assert sentence is not None
    assert sentence.startswith("only with fusion=on: improvement with fusion=on (-10.")
    assert "; same within 1 % with fusion=off (" in sentence
    under = [side.effect.ratio for side in fusion.knob_under]
    assert under[0] is not None
    assert under[1] is not None
    assert under[1].value / under[0].value == pytest.approx(0.9, abs=0.005)
    assert dependence_text(crossed["encoder", "memory_plan"], report.margin) is None


def test_factor_is_the_quotient_of_what_the_build_does_at_both_levels() -> None:
    for one in report_of(with_builds(BASE, faster_with_fusion)).metrics[0].crossings:
        before, after, factor = (side.effect.ratio for side in (*one.build_at, one.factor))
        assert before is not None
        assert after is not None
        assert factor is not None
        assert after.value / before.value == pytest.approx(factor.value)


def test_same_code_is_never_called_a_change_and_shows_its_noise() -> None:
    report = report_of(with_builds(BASE, slower_encoder, has_same_code=lambda knobs: True))
    assert words(report) == {"attention": "same code", "encoder": "same code"}
    noise = report.metrics[0].same_code
    assert noise is not None
    assert noise.comparisons == 8
    assert math.expm1(noise.largest) == pytest.approx(0.05, abs=0.006)
    assert same_code_text(noise).endswith("this is noise of layout, and no change")
    assert not any(one.depends for one in report.metrics[0].crossings)


def test_same_code_in_part_of_the_pairs_leaves_these_out() -> None:
    records = with_builds(BASE, faster_with_fusion, has_same_code=lambda knobs: knobs["fusion"] == "off")
    report = report_of(records)
    change = report.metrics[0].changes[0]
    assert (change.word, change.effect.pairs, change.effect.pairs_same) == ("improvement", 2, 2)
    assert report.metrics[0].same_code is not None


def test_scattered_builds_are_not_distinguishable_and_say_what_they_need() -> None:
    report = report_of(with_builds(BASE, noise=0.15))
    for one in report.metrics[0].changes:
        assert one.word == "not distinguishable"
        assert one.needs is not None
        assert one.needs.blocks is not None
        assert one.needs.blocks > 5
        assert one.needs.further == one.needs.blocks - 5
        assert one.needs.seconds is not None
        assert change_text(one, 0.01).startswith("not distinguishable (+-")


def test_wrong_outputs_under_one_build_are_newly_wrong() -> None:
    def ends(record: Record) -> str:
        is_planted = record.workload.name == "encoder" and record.config.knobs["fusion"] == "on"
        return "wrong_output" if is_planted and record.meta.block == 0 else "ok"

    report = report_of(with_builds(BASE, ends=ends))
    assert {(one.workload, one.turn, one.settings["fusion"]) for one in report.turned} == {
        ("encoder", "newly wrong", "on")
    }
    assert len(report.worse) == 2
    assert (report.worse[0].before, report.worse[0].after) == ({"ok": 5}, {"ok": 4, "wrong_output": 1})
    held = {one.workload: (one.before, one.after) for one in report.outcomes}
    assert held["encoder"] == ({"ok": 20}, {"ok": 18, "wrong_output": 2})
    assert held["attention"] == ({"ok": 20}, {"ok": 20})


def test_knob_that_a_build_lacks_is_newly_unsupported() -> None:
    def ends(record: Record) -> str:
        return "unsupported" if record.config.knobs["fusion"] == "on" else "ok"

    report = report_of(with_builds(BASE, ends=ends))
    assert {one.turn for one in report.worse} == {"newly unsupported"}
    change = report.metrics[0].changes[0]
    assert (change.effect.pairs, change.effect.pairs_missing) == (2, 2)


def test_change_of_one_session_alone_is_not_confirmed() -> None:
    first = report_of(with_builds(BASE, slower_encoder))
    same = report_of(with_builds(BASE, seed=6))
    joint = confirmed(first, same)
    assert words(joint) == {"attention": "same", "encoder": "not confirmed"}
    assert joint.sessions == 2
    assert [mean.word for mean in joint.metrics[0].means] == ["not confirmed"]
    assert words(confirmed(first, report_of(with_builds(BASE, slower_encoder, seed=6))))["encoder"] == "regression"
    assert words(confirmed(same, first))["encoder"] == "same"


def test_sessions_of_other_builds_are_refused() -> None:
    first = report_of(with_builds(BASE))
    with pytest.raises(AnalysisError, match="the sessions compare other builds: stable and pr, pr and stable"):
        confirmed(first, report_of(with_builds(BASE), base="pr", head="stable"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "none"}, "there is no build 'none' in these results; there are: stable, pr"),
        ({"base": "pr", "head": "pr"}, "build 'pr' cannot be compared with itself"),
    ],
)
def test_unknown_build_is_refused_with_those_there_are(options: dict[str, str], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        report_of(with_builds(BASE), **options)


def test_results_without_builds_are_refused() -> None:
    with pytest.raises(AnalysisError, match="no two builds to compare"):
        report_of(BASE)


def test_report_as_data_is_json_and_has_every_change() -> None:
    report = report_of(with_builds(BASE, faster_with_fusion))
    held = json.loads(json.dumps(report_data(report), allow_nan=False))
    (metric,) = held["metrics"]
    assert {one["word"] for one in metric["changes"]} == {"improvement"}
    assert len(metric["crossings"]) == 4
    assert [one["depends"] for one in metric["crossings"] if one["knob"] == "fusion"] == [True, True]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "-"),
        (Ratio(1.0213, 1.0119, 1.0308, 5), "+2.1 % [+1.2, +3.1]"),
        (Ratio(0.9996, 0.9951, 1.0041, 5), "-0.04 % [-0.49, +0.41]"),
        (Ratio(1.0, None, None, 1), "0.00 %"),
    ],
)
def test_interval_is_worded_as_signed_percent(ratio: Ratio | None, text: str) -> None:
    assert interval_text(ratio) == text


def test_control_of_the_second_build_that_fails_widens_the_comparison() -> None:
    held, failed = (report_of(with_builds(BASE, slower_encoder, control=factor)) for factor in (1.0, 1.04))
    assert any(line.startswith("build pr: A/A control: holds on all 2 units") for line in held.metrics[0].controls)
    assert any(line.startswith("build pr: A/A control failed") for line in failed.metrics[0].controls)
    widths = [one.metrics[0].changes[1].effect.allowance.offset for one in (held, failed)]
    assert widths[0] == 0.0
    assert widths[1] > 0.04
    assert words(failed)["attention"] == "not distinguishable"


def test_comparison_allows_for_controls_of_both_builds_not_for_their_mean() -> None:
    records = with_builds(BASE, slower_encoder)
    found, without = Findings(tidied(records)), Findings(tidied([one for one in records if one.role != "twin"]))
    grid = replace(found.factorial_grids(RUN, "hot")[0], offset=0.5)
    assert BuildControls(found, ("stable", "pr")).widened(grid).offset == 0.0
    assert BuildControls(without, ("stable", "pr")).widened(grid).offset == 0.5


def test_compilers_with_builds_of_their_own_are_compared_apart() -> None:
    records = with_builds(BASE, slower_encoder)
    other = [
        one.model_copy(update={"config": one.config.model_copy(update={"compiler": "other"})})
        if one.role != "reference"
        else one
        for one in with_builds(BASE, names=("old", "new"))
    ]
    renamed = [
        one.model_copy(update={name: content_id([getattr(one, name), "other"]) for name in IDS}) for one in other
    ]
    found = Findings(tidied([*records, *renamed]))
    assert build_pairs(found) == (("old", "new"), ("stable", "pr"))
    report = compare_builds(found, head="pr", metrics=(RUN,))
    assert {one.effect.compiler for one in report.metrics[0].changes} == {"tvm"}
    assert {one.compiler for one in report.outcomes} == {"tvm"}
    assert report.only_one == ()
    with pytest.raises(AnalysisError, match="name both builds to compare; there are: old and new, stable and pr"):
        compare_builds(found)
