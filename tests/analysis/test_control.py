"""The A/A control: a test of the instrument, and what its failure does to every interval of the unit."""

import math

import polars as pl
import pytest

from ablatrix.analysis.diagnosis.break_even import find_break_even
from ablatrix.analysis.effects.evidence import Evidence, Question, gather
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups.control import Control, Instrument, find_controls, judge_controls
from ablatrix.analysis.groups.control_text import control_cell, controls_text
from ablatrix.analysis.groups.ratios import ratios_to_baseline
from ablatrix.analysis.table.trials_table import Tidy
from ablatrix.statistics.ratio import paired_ratio
from tests.analysis.made import table
from tests.synthetic import make_records
from tests.with_builds import only_memory_and_fusion, with_builds

HELD = (0.004, -0.004, 0.002, -0.002, 0.0)
OFF = (0.019, 0.021, 0.020, 0.0205, 0.0195)
REACH = 0.02 + 2.776445 * math.sqrt(2.5e-6 / 4 / 5)  # of OFF: mean, and t(4) at 95 % times the standard error


def trials_with(**logs: tuple[float, ...]) -> pl.DataFrame:
    """Hot trials without noise, in which the twins of a workload are off by these logs, a log a block."""
    trials = table(make_records(workloads=list(logs), modes=["hot"], blocks=5, noise=0.0))
    for workload, of_blocks in logs.items():
        hit = (pl.col("workload") == workload) & (pl.col("role") == "twin")
        factors = {block: math.exp(log) for block, log in enumerate(of_blocks)}
        factor = pl.col("block").replace_strict(factors, return_dtype=pl.Float64())
        trials = trials.with_columns(pl.col("run_ms_p50") * pl.when(hit).then(factor).otherwise(1.0))
    return scattered(trials)


def scattered(trials: pl.DataFrame) -> pl.DataFrame:
    """Blocks in which all that is fused scatters by +-0.1 %, so that effects have an interval."""
    log = pl.col("block").replace_strict({0: 1e-3, 1: -1e-3, 2: 0.0, 3: 5e-4, 4: -5e-4}, return_dtype=pl.Float64())
    fused = (pl.col("knob_fusion") == "on") & (pl.col("role") == "measured")
    return trials.with_columns(pl.col("run_ms_p50") * pl.when(fused).then(log.exp()).otherwise(1.0))


def evidence_of(trials: pl.DataFrame) -> Evidence:
    (found,) = gather(Tidy(trials, {}, ()), Question(metrics=("run_ms_p50",)))
    return found


def test_control_that_holds_widens_nothing() -> None:
    trials = trials_with(attention=HELD, encoder=HELD)
    assert [(one.workload, one.failed, one.offset) for one in find_controls(trials, "run_ms_p50", "hot")] == [
        ("attention", False, 0.0),
        ("encoder", False, 0.0),
    ]
    assert {one.ratio.widened for one in evidence_of(trials).effects if one.ratio} == {0.0}


def test_control_that_fails_widens_every_interval_of_its_unit_only() -> None:
    held, failed = find_controls(trials_with(attention=HELD, encoder=OFF), "run_ms_p50", "hot")
    assert (held.failed, failed.failed) == (False, True)
    assert failed.offset == failed.reach == pytest.approx(REACH, rel=1e-6)
    wide = evidence_of(trials_with(attention=HELD, encoder=OFF))
    narrow = evidence_of(trials_with(attention=HELD, encoder=HELD))
    assert {one.kind for one in wide.effects} >= {"main", "total", "shapley", "interaction", "leave_one_out"}
    for one, plain in zip(wide.effects, narrow.effects, strict=True):
        assert one.ratio is not None
        assert plain.ratio is not None
        by = REACH if one.workload == "encoder" else 0.0
        assert one.ratio.widened == pytest.approx(by, rel=1e-6)
        assert one.ratio.value == plain.ratio.value
        assert one.ratio.low == pytest.approx((plain.ratio.low or 0.0) * math.exp(-by))
        assert one.ratio.high == pytest.approx((plain.ratio.high or 0.0) * math.exp(by))


def test_mean_over_workloads_is_widened_by_mean_of_its_members() -> None:
    means = evidence_of(trials_with(attention=HELD, encoder=OFF)).means
    assert all(mean.ratio is not None and mean.ratio.widened == pytest.approx(REACH / 2, rel=1e-6) for mean in means)


def test_verdict_of_failing_instrument_asks_for_more_than_its_reach() -> None:
    """Reuse makes 1 % and is shown to; but the instrument may be off by 2.1 %. Fusion makes 40 %."""
    verdicts = {
        workload: {
            one.knob: judgement.verdict
            for one, judgement in zip(found.effects, found.judgements, strict=True)
            if one.kind == "main" and judgement is not None and one.workload == "encoder"
        }
        for workload, found in (
            ("holds", evidence_of(trials_with(attention=HELD, encoder=HELD))),
            ("fails", evidence_of(trials_with(attention=HELD, encoder=OFF))),
        )
    }
    assert (verdicts["holds"]["fusion"], verdicts["fails"]["fusion"]) == ("faster", "faster")
    assert verdicts["fails"]["reuse"] == "not distinguishable"


def test_ratio_to_baseline_and_break_even_are_widened_and_twin_is_not() -> None:
    trials = trials_with(attention=HELD, encoder=OFF).with_columns(run_ms_paired=pl.col("run_ms_p50"))
    groups = ["workload", "role", "knob_fusion", "knob_partition", "knob_reuse", "knob_memory_plan"]
    ratios = ratios_to_baseline(trials, "run_ms_p50", groups)
    fused = ratios["encoder", "measured", "on", "whole", "keep", "off"]
    assert fused.widened == pytest.approx(REACH, rel=1e-6)
    assert ratios["encoder", "twin", "off", "whole", "keep", "off"].widened == 0.0
    assert ratios["attention", "measured", "on", "whole", "keep", "off"].widened == 0.0
    widened = {one.workload: one.run_ratio.widened for one in find_break_even(trials) if one.run_ratio is not None}
    assert widened == {"attention": 0.0, "encoder": pytest.approx(REACH, rel=1e-6)}


def test_part_of_results_keeps_controls_of_the_whole() -> None:
    """The family is all units: alone, the p-value of a control would be another one."""
    findings = Findings(Tidy(trials_with(attention=HELD, encoder=OFF), {}, ()))
    part = findings.part(findings.trials.filter((pl.col("workload") == "encoder") & (pl.col("role") == "measured")))
    assert part.controls("run_ms_p50", "hot") == findings.controls("run_ms_p50", "hot")
    (fusion,) = part.effects("run_ms_p50", "hot", ["fusion"])
    assert fusion.ratio is not None
    assert fusion.ratio.widened == pytest.approx(REACH, rel=1e-6)


def test_controls_are_adjusted_over_all_units() -> None:
    """The family of two units has a third member, their mean."""
    logs = (0.004, 0.0, 0.006, 0.001, 0.002)
    p_value = paired_ratio(logs).p_value
    assert p_value is not None
    assert 0.025 < p_value < 0.05 or 2 * p_value > 0.05
    (alone,) = find_controls(trials_with(encoder=logs), "run_ms_p50", "hot")
    _, beside = find_controls(trials_with(attention=HELD, encoder=logs), "run_ms_p50", "hot")
    assert alone.p_holm == pytest.approx(p_value)
    assert beside.p_holm == pytest.approx(3 * p_value)


SHIFTS = (0.0, 0.0002, -0.0002, 0.0001, -0.0001, 0.0)


def test_control_off_in_all_units_together_fails_in_each() -> None:
    """An offset of 0.5 % that no unit shows by itself: each p-value is above 5 % even without adjustment."""
    slight = (0.0105, -0.0005, 0.0075, 0.0005, 0.007)
    logs = {(f"w{number}", "", "tvm"): [log + shift for log in slight] for number, shift in enumerate(SHIFTS)}
    assert not any(one.failed for one in judge_controls(dict(list(logs.items())[:1]), {}))
    found = judge_controls(logs, {})
    assert all(one.failed_together and not one.failed_alone for one in found)
    assert all(one.offset == one.reach > 0.01 for one in found)
    (line,) = controls_text(found, "hot")
    assert line.startswith(
        "A/A control failed over the units together: 1.0050 [1.0032, 1.0068], p < 0.001; each interval"
    )


def test_control_off_by_the_same_in_every_block_fails() -> None:
    _, encoder = find_controls(trials_with(attention=HELD, encoder=(0.02,) * 5), "run_ms_p50", "hot")
    assert (encoder.p_holm, encoder.failed) == (None, True)


def test_control_of_one_block_is_not_tested() -> None:
    trials = table(make_records(workloads=["encoder"], modes=["hot"], blocks=1))
    (one,) = find_controls(trials, "run_ms_p50", "hot")
    assert (one.is_tested, one.failed, one.offset, one.p_holm) == (False, False, 0.0, None)
    assert controls_text([one], "hot") == ["A/A control: one block, not tested"]
    assert control_cell(one) == "not tested"


def of_two_builds(control: float = 1.0) -> pl.DataFrame:
    """Trials of two builds, the second of which has a control of its own, off by a factor."""
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=5, noise=0.001)
    return table(with_builds(only_memory_and_fusion(records), noise=0.0005, control=control))


def test_control_of_several_builds_is_their_mean_in_each_block() -> None:
    trials = of_two_builds(control=1.05)
    (both,) = find_controls(trials, "run_ms_p50", "hot")
    by_build = {
        name: find_controls(trials.filter(pl.col("knob_build") == name), "run_ms_p50", "hot")[0].ratio.value
        for name in ("stable", "pr")
    }
    assert by_build["pr"] / by_build["stable"] == pytest.approx(1.05, abs=0.005)
    assert both.ratio.value == pytest.approx(math.sqrt(by_build["stable"] * by_build["pr"]))
    assert both.ratio.count == 5
    assert both.failed


def test_block_without_control_of_one_build_is_left_out() -> None:
    lost = (pl.col("knob_build") == "pr") & (pl.col("role") == "twin") & (pl.col("block") == 2)
    (both,) = find_controls(of_two_builds().filter(~lost), "run_ms_p50", "hot")
    assert both.ratio.count == 4


def test_controls_without_twins_are_none() -> None:
    trials = trials_with(encoder=HELD).filter(pl.col("role") != "twin")
    assert find_controls(trials, "run_ms_p50", "hot") == []
    assert Instrument(trials).offset("run_ms_p50", "hot", ("encoder", "d", "tvm")) == 0.0
    assert controls_text([], "cold") == ["A/A control: none was run in cold trials"]


def control(workload: str, *logs: float, p_holm: float) -> Control:
    ratio = paired_ratio(logs)
    return Control(origin=(), workload=workload, digest="d", compiler="tvm", ratio=ratio, p_holm=p_holm)


def test_controls_text_names_failed_units_and_farthest_of_the_others() -> None:
    found = [
        control("mlp", *OFF, p_holm=0.0004),
        control("encoder", *HELD, p_holm=1.0),
        control("conv", 0.001, -0.001, 0.0, p_holm=1.0),
    ]
    assert controls_text(found, "hot") == [
        "A/A control failed on mlp on tvm: 1.0202 [1.0192, 1.0212], p < 0.001; the intervals there are widened by 2.1 "
        "% at each end",
        "A/A control: holds on 2 units; the largest deviation is 1.0000 [0.9961, 1.0039] on encoder on tvm",
    ]
    assert controls_text(found[1:], "hot") == [
        "A/A control: holds on all 2 units; the largest deviation is 1.0000 [0.9961, 1.0039] on encoder on tvm"
    ]
    assert [control_cell(one, "+-") for one in found] == ["+-2.1 %, failed", "+-0.39 %", "+-0.25 %"]
