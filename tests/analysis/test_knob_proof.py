"""Knob proof on factorial_grids of 16 cells whose code is known: each knob has 8 pairs that differ in it alone."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.diagnosis.configurations import Setting, described
from ablatrix.analysis.diagnosis.knob_proof import KnobProof, claimed_fault, proof_text, prove_knobs
from ablatrix.analysis.reasons.wording import text_of
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.records.part import Level
from ablatrix.statistics.ratio import Ratio
from tests.synthetic import Plant, make_records, write_records

Knobs = dict[str, Level]
Made = Callable[..., pl.DataFrame]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(**arguments: object) -> pl.DataFrame:
        arguments = {"workloads": ["encoder"], **arguments}
        return tidy([write_records(tmp_path / "results.jsonl", make_records(**arguments))]).trials  # type: ignore[arg-type]

    return make


def proofs(trials: pl.DataFrame) -> dict[str, KnobProof]:
    return {proof.knob: proof for proof in prove_knobs(trials)}


def without_fusion(knobs: Knobs) -> Knobs:
    return {**knobs, "fusion": "off"}


def fused_in_regions_only(knobs: Knobs) -> Knobs:
    return without_fusion(knobs) if knobs["partition"] == "whole" else knobs


def test_proof_of_knob_that_changes_code_is_effective(made: Made) -> None:
    found = proofs(made())
    assert list(found) == ["partition", "reuse", "memory_plan", "fusion"]
    fusion = found["fusion"]
    assert (fusion.base_level, fusion.level, fusion.verdict) == ("off", "on", "effective")
    assert (fusion.pairs, fusion.differing, fusion.equal, fusion.pairs_missing) == (8, 8, 0, 0)
    assert fusion.evidence == ("artifact_digest",)


def test_proof_of_knob_that_changes_nothing_is_no_op(made: Made) -> None:
    """fusion is ignored everywhere: the same program in all 8 pairs."""
    fusion = proofs(made(built_as=without_fusion))["fusion"]
    assert (fusion.verdict, fusion.pairs, fusion.equal, fusion.differing) == ("no_op", 8, 8, 0)
    assert "all 8 pairs" in proof_text(fusion)


def test_proof_of_planner_knob_with_other_digest_only_is_no_op(made: Made) -> None:
    """The plan's digest holds the level that was asked for, so only code and figures prove anything."""
    trials = made(built_as=lambda knobs: {**knobs, "partition": "whole"})
    pair = trials.filter(pl.col("role") == "measured")["plan_digest"].n_unique()
    assert pair > 1
    assert proofs(trials)["partition"].verdict == "no_op"


def test_proof_of_overridden_knob_is_aliased_and_names_other_knob(made: Made) -> None:
    """fusion does nothing at partition=whole: 4 of its 8 pairs coincide, all with partition=whole and no other."""
    fusion = proofs(made(built_as=fused_in_regions_only))["fusion"]
    assert (fusion.verdict, fusion.pairs, fusion.equal, fusion.differing) == ("aliased", 8, 4, 4)
    assert [[described(one) for one in sets] for sets in fusion.overridden_by] == [["partition=whole"]]
    assert len(fusion.aliases) == 4
    assert all(
        set(pair.one) ^ set(pair.other) == {Setting("fusion", "off"), Setting("fusion", "on")}
        for pair in fusion.aliases
    )
    assert "overridden by partition=whole" in proof_text(fusion)


def test_proof_of_reuse_is_not_given_by_kill_instructions_alone(made: Made) -> None:
    """At partition=whole reuse changes the code and no figure; at regions the arena shrinks as well."""
    trials = made()
    both = proofs(trials)["reuse"]
    assert (both.verdict, both.pairs, both.differing, both.equal) == ("effective", 8, 4, 0)
    assert both.evidence == ("physical_buffers", "physical_bytes_est", "planned_bytes")
    steady = trials.with_columns(pl.lit(10**6).alias("peak_rss_delta_bytes"))
    whole = proofs(steady.filter(pl.col("knob_partition") == "whole"))["reuse"]
    assert (whole.verdict, whole.pairs, whole.differing, whole.equal) == ("unproven", 4, 0, 0)
    assert "no figure" in proof_text(whole)


def test_proof_of_reuse_is_given_by_measured_memory(made: Made) -> None:
    trials = made(blocks=3).filter(pl.col("knob_partition") == "whole")
    less = pl.when(pl.col("knob_reuse") == "release").then(0.7).otherwise(1.0)
    reuse = proofs(trials.with_columns((pl.col("peak_rss_delta_bytes") * less).cast(pl.Int64)))["reuse"]
    assert (reuse.verdict, reuse.evidence) == ("effective", ("peak_rss_delta_bytes",))
    assert proof_text(reuse) == "peak_rss_delta_bytes on average over 4 pairs"


@pytest.mark.parametrize(("read_back", "verdict"), [(True, "effective"), (False, "unproven")])
def test_proof_of_run_time_knob_is_its_value_read_back(made: Made, read_back: bool, verdict: str) -> None:
    """fusion stands in for a knob of the run time: the same code at both of its levels."""
    trials = made(built_as=without_fusion).rename(
        {"knob_fusion": "knob_threads", "baseline_fusion": "baseline_threads"}
    )
    if read_back:
        threads = pl.when(pl.col("knob_threads") == "on").then(1).otherwise(2)
        trials = trials.with_columns(threads.cast(pl.Int64).alias("threads_tvm"))
    proof = proofs(trials)["threads"]
    assert proof.verdict == verdict
    assert proof.evidence == (("threads_tvm",) if read_back else ())


def test_proof_of_run_time_knob_is_not_given_by_equal_code(made: Made) -> None:
    """An option of a run-time library (a memory pattern, an arena) leaves what is built as it is."""
    trials = made(built_as=without_fusion)
    assert proofs(trials)["fusion"].verdict == "no_op"
    fusion = proofs(trials.with_columns(pl.lit('["fusion"]').alias("run_time_knobs")))["fusion"]
    assert (fusion.verdict, fusion.equal) == ("unproven", 0)
    assert proof_text(fusion) == "the code is the same, and nothing else was read back"


@pytest.mark.parametrize(
    ("at_on", "verdict", "evidence"),
    [("True", "effective", ("in_force_option:pattern",)), ("False", "no_op", ()), (None, "unproven", ())],
)
def test_proof_of_setting_of_run_time_is_its_value_in_force(
    made: Made, at_on: str | None, verdict: str, evidence: tuple[str, ...]
) -> None:
    """At off it is False; at on it is True, or False as well, or nothing that was read back."""
    in_force = pl.when(pl.col("knob_fusion") == "on").then(pl.lit(at_on)).otherwise(pl.lit("False"))
    trials = made(built_as=without_fusion).with_columns(
        pl.lit('["fusion"]').alias("run_time_knobs"),
        pl.lit('{"fusion": "option:pattern"}').alias("settings"),
        in_force.alias("in_force_option:pattern"),
    )
    found = proofs(trials)["fusion"]
    assert (found.verdict, found.evidence) == (verdict, evidence)


@pytest.mark.parametrize(("digest_at_on", "verdict"), [("a" * 64, "no_op"), ("b" * 64, "unproven")])
def test_proof_of_build_with_equal_code_is_that_it_is_the_same_build(
    made: Made, digest_at_on: str, verdict: str
) -> None:
    """Two names of one build are one program; two builds that generate one code may have different libraries."""
    digest = pl.when(pl.col("knob_fusion") == "on").then(pl.lit(digest_at_on)).otherwise(pl.lit("a" * 64))
    trials = made(built_as=without_fusion).with_columns(
        digest.alias("build_digest"), pl.lit('["build"]').alias("run_time_knobs")
    )
    names = {"knob_fusion": "knob_build", "baseline_fusion": "baseline_build"}
    assert proofs(trials.rename(names))["build"].verdict == verdict


def test_proof_with_code_varying_between_trials_is_not_given(made: Made) -> None:
    trials = made().with_columns(pl.col("trial_id").alias("artifact_digest"))
    fusion = proofs(trials)["fusion"]
    assert (fusion.verdict, fusion.differing) == ("unproven", 0)
    assert "differs between its trials" in proof_text(fusion)


def test_proof_counts_pairs_that_were_not_built(made: Made) -> None:
    crashed = [Plant("crashed", "encoder", mode, {"fusion": "on"}) for mode in ("cold", "hot")]
    fusion = proofs(made(plants=crashed))["fusion"]
    assert (fusion.verdict, fusion.pairs, fusion.pairs_missing) == ("unproven", 0, 8)
    assert proof_text(fusion).endswith("8 more not built")
    # Wrong output is no reason to doubt what was built.
    wrong = [Plant("wrong_output", "encoder", mode, {"fusion": "on"}) for mode in ("cold", "hot")]
    assert proofs(made(plants=wrong))["fusion"].verdict == "effective"


def test_proof_of_no_op_with_claimed_effect_is_fault(made: Made) -> None:
    no_op = proofs(made(built_as=without_fusion))["fusion"]
    fault = claimed_fault(no_op, Ratio(0.97, 0.95, 0.99, 5), "run_ms_paired")
    assert fault is not None
    assert "'fusion' is a no-op" in text_of(fault)
    assert "0.9700 [0.9500, 0.9900]" in text_of(fault)
    assert claimed_fault(no_op, Ratio(1.03, 1.01, 1.05, 5), "run_ms_paired") is not None
    assert claimed_fault(no_op, Ratio(1.0, 0.99, 1.01, 5), "run_ms_paired") is None
    assert claimed_fault(no_op, Ratio(0.5, None, None, 1), "run_ms_paired") is None
    assert claimed_fault(proofs(made())["fusion"], Ratio(0.97, 0.95, 0.99, 5), "run_ms_paired") is None


def test_proof_is_made_for_each_workload(made: Made) -> None:
    found = prove_knobs(made(workloads=["attention", "encoder"], blocks=1))
    assert [(proof.workload, proof.knob) for proof in found][::4] == [
        ("attention", "partition"),
        ("encoder", "partition"),
    ]
