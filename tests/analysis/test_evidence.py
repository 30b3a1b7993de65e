"""What is asked of results, and the one table that answers."""

import polars as pl
import pytest

from ablatrix.analysis.effect_metrics import DEFAULT_METRICS, METRICS
from ablatrix.analysis.effects.evidence import Question, evidence_frame, gather
from ablatrix.analysis.reasons.wording import text_of
from ablatrix.analysis.table.trials_table import Tidy
from ablatrix.errors import AnalysisError
from tests.synthetic import PRIMARY, Plant, make_records, tidied


def found(**arguments: object) -> Tidy:
    return tidied(make_records(**arguments))  # type: ignore[arg-type]


def test_evidence_of_default_metric_uses_mode_that_measures_it() -> None:
    evidence = gather(found(), Question())
    assert {one.metric.name: one.mode for one in evidence} == {
        "run_ms_paired": "hot",
        "compile_first_run_ms": "cold",
        "planned_bytes": "cold",
        "peak_rss_delta_bytes": "hot",
    }
    assert set(DEFAULT_METRICS) < set(METRICS)


def test_evidence_on_planned_bytes_without_cold_trials_uses_hot_ones() -> None:
    evidence = gather(found(modes=["hot"]), Question())
    assert {one.metric.name: one.mode for one in evidence} == {
        "run_ms_paired": "hot",
        "planned_bytes": "hot",
        "peak_rss_delta_bytes": "hot",
    }


def test_evidence_table_has_row_per_effect_and_shares_sum_in_logs() -> None:
    metrics = tuple(one for one in METRICS if one != "ms_per_token")  # these workloads generate no text
    frame = evidence_frame(gather(found(), Question(metrics=metrics)))
    own = frame.filter(pl.col("scope") == "workload")
    assert own.group_by("metric", "workload").len()["len"].unique().to_list() == [4 + 1 + 3 * 4 + 6]
    key = ["metric", "workload"]
    shares = own.filter(pl.col("effect") == "shapley").group_by(key).agg(pl.col("log_ratio").sum())
    both = shares.join(own.filter(pl.col("effect") == "total").select(*key, total="log_ratio"), on=key)
    assert both.height == 2 * len(metrics)
    for row in both.iter_rows(named=True):
        assert row["log_ratio"] == pytest.approx(row["total"], abs=1e-9)
    assert own.filter(pl.col("effect") == "main")["verdict"].null_count() == 0
    means = frame.filter(pl.col("scope") == "geometric mean")
    assert means["workloads"].unique().to_list() == [2]
    assert means["workload"].null_count() == means.height


def test_evidence_of_mode_where_all_failed_is_not_attributable() -> None:
    plants = [Plant("crashed", name, "hot", {}) for name in ("attention", "encoder")]
    (evidence,) = gather(found(modes=["hot"], plants=plants), Question(metrics=("run_ms_p50",)))
    assert {effect.ratio for effect in evidence.effects} == {None}
    assert all(
        effect.reason and text_of(effect.reason).startswith("crashed in 2 of 2 blocks") for effect in evidence.effects
    )


def test_evidence_leaves_out_measured_trial_of_no_stage() -> None:
    records = make_records()
    measured = [number for number, one in enumerate(records) if one.role == "measured"]
    for number in measured[:3]:  # valid one by one, and measured by nobody
        config = records[number].config.model_copy(update={"stage": None, "stage_plan": None})
        records[number] = records[number].model_copy(update={"config": config})
    evidence = gather(tidied(records), Question())
    assert {effect.stage for one in evidence for effect in one.effects} == {"primary"}


def test_evidence_with_chosen_workload_keeps_verdicts() -> None:
    results = found(modes=["hot"], blocks=5)
    (everything,), (chosen,) = (
        gather(results, Question(metrics=("run_ms_p50",), workloads=names)) for names in ((), ("encoder",))
    )
    judged = dict(zip(everything.effects, everything.judgements, strict=True))
    assert {effect.workload for effect in chosen.effects} == {"encoder"}
    assert all(judged[effect] == one for effect, one in zip(chosen.effects, chosen.judgements, strict=True))
    assert (len(everything.controls), len(chosen.controls), chosen.means) == (2, 1, ())


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(metrics=("speed",)), "no metric 'speed' for effects; there are: compile_first_run_ms, run_ms_paired"),
        (
            Question(metrics=("compile_first_run_ms",)),
            "no trial reports 'compile_first_run_ms'; it is measured in cold",
        ),
        (Question(workloads=("vgg",)), "there is no workload 'vgg' in these results; there are: attention, encoder"),
        (Question(end={"vectors": "on"}), "knob 'vectors' does not vary in these results; these do: partition, reuse"),
        (Question(end={"fusion": "maybe"}), "knob 'fusion' was not run at level 'maybe'; it was at: off, on"),
        (Question(margin=0.0), "the margin must be larger than 0"),
    ],
)
def test_evidence_for_unknown_name_lists_known_names(question: Question, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        gather(found(modes=["hot"]), question)


def test_evidence_of_results_without_variation_has_no_effect() -> None:
    whole = found(modes=["hot"])
    with pytest.raises(AnalysisError, match="no knob varies in these results"):
        gather(Tidy(whole.trials.filter(pl.col("is_baseline")), {}, ()), Question())


def test_attribution_with_chosen_ends_uses_them() -> None:
    levels = {knob: levels[1] for knob, levels in PRIMARY.items() if knob != "fusion"}
    (evidence,) = gather(found(modes=["hot"]), Question(metrics=("run_ms_mean",), start=levels))
    totals = [effect for effect in evidence.effects if effect.kind == "total"]
    assert {effect.level for effect in totals} == {"partition=regions, reuse=release, memory_plan=on, fusion=on"}
    assert {effect.knob for effect in evidence.effects if effect.kind == "shapley"} == {"fusion"}
