"""Two results of one study side by side: what reproduces, what does not, and what changed around it."""

from collections.abc import Sequence

import polars as pl
import pytest

from ablatrix.analysis.runs.side_by_side import ComparedEffect, SideBySide, compare
from ablatrix.analysis.table.trials_table import Tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Record
from tests.synthetic import PRIMARY, Plant, make_records, tidied


def results(records: Sequence[Record]) -> Tidy:
    return tidied(records)


def elsewhere(seed: int = 8, blocks: int = 5, plants: Sequence[Plant] = ()) -> list[Record]:
    return make_records(blocks=blocks, noise=0.003, seed=seed, host="bench-2", commit="d0d0" * 10, plants=plants)


@pytest.fixture(scope="module")
def a() -> Tidy:
    return results(make_records(blocks=5, noise=0.003))


@pytest.fixture(scope="module")
def same(a: Tidy) -> SideBySide:
    return compare(a, results(elsewhere()))


def effect(found: SideBySide, knob: str, metric: str = "run_ms_paired", workload: str = "encoder") -> ComparedEffect:
    return next(one for one in found.effects if (one.workload, one.metric, one.knob) == (workload, metric, knob))


def times(found: Tidy, factor: pl.Expr) -> Tidy:
    """The same results with other hot times."""
    names = ("run_ms_paired", "run_ms_p50")
    return Tidy(found.trials.with_columns(*(pl.col(name) * factor for name in names)), {}, ())


def test_compare_with_second_run_confirms_every_key_effect(same: SideBySide) -> None:
    assert same.reproduced
    fusion = effect(same, "fusion")
    assert (fusion.key, fusion.verdict_a, fusion.verdict_b, fusion.reproduced) == (True, "faster", "faster", True)
    assert fusion.size is not None
    assert fusion.size.state == "within"
    assert effect(same, "memory_plan", "planned_bytes").reproduced is True
    assert (same.only_a, same.only_b, same.shared) == ((), (), 34)


def test_compare_cells_have_time_ratios_and_ratios_to_own_baselines(a: Tidy) -> None:
    found = compare(a, times(results(elsewhere()), pl.lit(2.0)))
    hot = [one for one in found.cells if one.mode == "hot" and one.workload == "encoder"]
    assert len(hot) == 17
    for cell in hot:
        assert cell.time is not None
        assert cell.time.ratio.value == pytest.approx(2.0, rel=0.03)
        assert (cell.blocks_a, cell.blocks_b) == (5, 5)
        if cell.name in ("baseline", "reference"):
            assert cell.to_baseline is None
        else:
            assert cell.to_baseline is not None
            assert cell.to_baseline.state == "within"
    assert found.reproduced


def test_compare_with_reversed_effect_is_opposite_and_not_reproduced(a: Tidy) -> None:
    turned = pl.when((pl.col("workload") == "encoder") & (pl.col("knob_fusion") == "on")).then(2.0).otherwise(1.0)
    found = compare(a, times(results(elsewhere()), turned))
    fusion = effect(found, "fusion")
    assert fusion.size is not None
    assert (fusion.size.state, fusion.reproduced, fusion.verdict_b) == ("opposite", False, "slower")
    assert effect(found, "fusion", workload="attention").reproduced is True
    assert not found.reproduced


def test_compare_with_vanished_effect_is_not_reproduced(a: Tidy) -> None:
    gone = pl.when(pl.col("knob_fusion") == "on").then(1 / 0.6).otherwise(1.0)
    fusion = effect(compare(a, times(results(elsewhere()), gone)), "fusion")
    assert fusion.size is not None
    assert (fusion.size.state, fusion.reproduced) == ("apart", False)


def test_compare_with_effect_of_other_size_reproduces_and_is_apart(a: Tidy) -> None:
    less = pl.when(pl.col("knob_fusion") == "on").then(1.3).otherwise(1.0)
    fusion = effect(compare(a, times(results(elsewhere()), less)), "fusion")
    assert fusion.size is not None
    assert (fusion.size.state, fusion.reproduced) == ("apart", True)


def test_compare_with_crash_in_second_run_is_not_reproduced(a: Tidy) -> None:
    found = compare(a, results(elsewhere(plants=[Plant("crashed", "encoder", "hot", {"fusion": "on"})])))
    fusion = effect(found, "fusion")
    assert (fusion.ratio_b, fusion.size, fusion.reproduced) == (None, None, False)
    assert {(one.mode, *one.b) for one in found.outcomes} == {("hot", "crashed")}
    cell = next(
        one for one in found.cells if one.mode == "hot" and one.workload == "encoder" and one.name == "fusion=on"
    )
    assert (cell.time, cell.blocks_a, cell.blocks_b) == (None, 5, 0)


def test_compare_with_faults_that_went_is_not_reproduced() -> None:
    """The first version is wrong wherever fusion is on, the second nowhere: no effect of a knob says so."""
    plants = [Plant("wrong_output", "encoder", mode, {"fusion": "on"}) for mode in ("cold", "hot")]
    wrong = results(make_records(workloads=["encoder"], blocks=2, noise=0.003, plants=plants))
    right = results(make_records(workloads=["encoder"], blocks=2, noise=0.003, seed=8))
    for one, other, statuses in ((wrong, right, ({"wrong_output": 2}, {"ok": 2})), (right, wrong, None)):
        found = compare(one, other)
        assert not found.reproduced
        assert len(found.outcomes) == 16
        assert {outcome.mode for outcome in found.outcomes} == {"cold", "hot"}
        assert all("fusion=on" in outcome.name for outcome in found.outcomes)
        assert statuses is None or (found.outcomes[0].a, found.outcomes[0].b) == statuses
    assert compare(wrong, wrong).outcomes == ()


def test_compare_counts_trial_that_fails_now_and_then() -> None:
    now_and_then = [Plant("timeout", "encoder", "cold", {"fusion": "on", "reuse": "keep"}, block=1)]
    steady, flaky = (
        results(make_records(workloads=["encoder"], blocks=3, noise=0.003, plants=plants))
        for plants in ((), now_and_then)
    )
    found = compare(steady, flaky)
    assert len(found.outcomes) == 4
    assert (found.outcomes[0].a, found.outcomes[0].b) == ({"ok": 3}, {"ok": 2, "timeout": 1})


def test_compare_ignores_trials_that_were_not_run(a: Tidy) -> None:
    gone = [Plant("not_run_budget", "encoder", "cold", {"fusion": "on"}, block=1)]
    assert compare(a, results(elsewhere(plants=gone))).outcomes == ()


def test_compare_with_one_block_decides_bytes_but_no_time(a: Tidy) -> None:
    found = compare(a, results(elsewhere(blocks=1)))
    fusion = effect(found, "fusion")
    assert fusion.size is not None
    assert (fusion.size.state, fusion.reproduced) == ("undecided", False)
    planned = effect(found, "memory_plan", "planned_bytes")
    assert planned.size is not None
    assert (planned.size.state, planned.reproduced) == ("within", True)


def test_compare_with_changed_environment_names_changes(same: SideBySide) -> None:
    changed = {one.what: (one.a, one.b) for one in same.changes}
    assert changed["host"] == (("bench-1",), ("bench-2",))
    assert {"study_commit", "ablatrix_commit", "study_digest"} <= changed.keys()
    assert not {"cpu", "version_torch", "threads_torch", "workload_digest"} & changed.keys()


def test_compare_lists_versions_and_variables_one_by_one(a: Tidy) -> None:
    records = [
        one.model_copy(
            update={
                "meta": one.meta.model_copy(
                    update={
                        "versions": one.meta.versions | {"torch": "2.14.0"},
                        "environment": {"OMP_NUM_THREADS": "4", "OMP_PROC_BIND": "true"},
                        "threads": {"torch": 4, "tvm": 2},
                    }
                )
            }
        )
        for one in make_records(blocks=5, noise=0.003)
    ]
    changed = {one.what: (one.a, one.b) for one in compare(a, results(records)).changes}
    assert changed == {
        "version_torch": (("2.13.0",), ("2.14.0",)),
        "threads_torch": (("2",), ("4",)),
        "environment OMP_NUM_THREADS": (("2",), ("4",)),
        "environment OMP_PROC_BIND": ((), ("true",)),
    }


def test_compare_names_one_sided_cells_and_omits_them_from_effects() -> None:
    a = results(make_records(workloads=["attention", "encoder"], blocks=5, noise=0.003))
    b = results(make_records(workloads=["encoder", "resnet"], blocks=5, noise=0.003))
    found = compare(a, b)
    assert (len(found.only_a), len(found.only_b), found.shared) == (17, 17, 17)
    assert "attention on tvm: fusion=on" in found.only_a
    assert "resnet on eager: reference" in found.only_b
    assert {one.workload for one in found.cells} == {one.workload for one in found.effects} == {"encoder"}
    assert found.notes == (
        "A and B are not the same study; 17 cells match, of 34 in A and 34 in B: effects are over these",
    )
    assert found.reproduced


def test_compare_of_one_study_with_missing_effect_is_not_reproduced(a: Tidy) -> None:
    found = compare(a, Tidy(a.trials.filter(pl.col("workload") == "encoder"), {}, ()))
    assert (len(found.only_a), found.shared, found.notes) == (17, 17, ())
    fusion = effect(found, "fusion", workload="attention")
    assert (fusion.verdict_a, fusion.verdict_b, fusion.reproduced) == ("faster", None, False)
    assert effect(found, "fusion").reproduced is True
    assert not found.reproduced


def test_compare_of_studies_without_common_cell_is_refused(a: Tidy) -> None:
    other = results(make_records(workloads=["resnet"], blocks=2))
    with pytest.raises(AnalysisError, match=r"share no cell .34 in A, 17 in B.: workloads are attention, encoder in A"):
        compare(a, other)
    trials = a.trials.with_columns(pl.col("cell_id") + "-wider")
    with pytest.raises(AnalysisError, match="workload parameters, compilers or levels do not match"):
        compare(a, Tidy(trials, {}, ()))
    with pytest.raises(AnalysisError, match=r"knobs are .* in A and .*layout"):
        compare(a, Tidy(trials.rename({f"{one}_schedule": f"{one}_layout" for one in ("knob", "baseline")}), {}, ()))


def test_compare_covers_every_primary_knob_on_every_metric(same: SideBySide) -> None:
    assert {one.knob for one in same.effects} == set(PRIMARY)
    assert {one.metric for one in same.effects} == {
        "run_ms_paired",
        "compile_first_run_ms",
        "planned_bytes",
        "peak_rss_delta_bytes",
    }
