"""The front of configurations whose times and bytes are known."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ablatrix.analysis.diagnosis.configurations import described
from ablatrix.analysis.diagnosis.dominance import Measured, exact_sides
from ablatrix.analysis.diagnosis.pareto import Front, _top_cycle, find_fronts
from ablatrix.analysis.reasons.wording import text_of
from ablatrix.analysis.table.trials_table import tidy
from tests.synthetic import Plant, make_records, write_records

Made = Callable[..., pl.DataFrame]
PEAK = "peak_rss_delta_bytes"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(**arguments: object) -> pl.DataFrame:
        arguments = {"workloads": ["encoder"], "blocks": 4, **arguments}
        return tidy([write_records(tmp_path / "results.jsonl", make_records(**arguments))]).trials  # type: ignore[arg-type]

    return make


def on_front(front: Front) -> set[str]:
    return {described(point.settings) for point in front.points if point.on_front}


def test_pareto_front_of_known_points_matches_hand_derivation(made: Made) -> None:
    """Factors (cold, hot) of the four knobs: 0.40/1.05, 1.01/0.99, 1.02/0.90, 0.85/0.60; fusion costs no memory, so
    each cell without it is dominated by the same with it. Of the 8 fused cells (cold, hot, planned bytes):

        whole   keep    off  0.850 0.600 7404096    regions keep    off  0.340 0.630 1453571
        whole   release off  0.859 0.594 7404096    regions release off  0.343 0.624  759821
        whole   keep    on   0.867 0.540  744096    regions keep    on   0.347 0.567  977857
        whole   release on   0.876 0.535  744096    regions release on   0.350 0.561  284107

    whole/off is dominated by regions/on; of the other six, none is smallest nowhere.
    """
    (front,) = find_fronts(made(noise=0.0).with_columns(pl.lit(None, pl.Int64).alias(PEAK)))
    assert front.objectives == ("compile_first_run_ms", "run_ms_paired", "planned_bytes")
    fused = "memory_plan={}, fusion=on"
    assert on_front(front) == {
        *(
            f"partition=regions, reuse={reuse}, {fused.format(plan)}"
            for reuse in ("keep", "release")
            for plan in ("off", "on")
        ),
        *(f"partition=whole, reuse={reuse}, {fused.format('on')}" for reuse in ("keep", "release")),
    }
    dominated = {described(point.settings): point for point in front.points if not point.on_front}
    by = {described(one) for one in dominated["partition=whole, reuse=keep, memory_plan=off, fusion=on"].dominated_by}
    assert by == {
        "partition=regions, reuse=keep, memory_plan=on, fusion=on",
        "partition=regions, reuse=release, memory_plan=on, fusion=on",
    }
    assert all(point.dominated_by for point in dominated.values())


def test_pareto_front_keeps_points_with_overlapping_intervals(made: Made) -> None:
    """fusion does nothing but scatter: its cells take 2 % more in one block and 2 % less in the next.

    So no cell dominates the one that differs in fusion alone, on either side, while real differences still count.
    """
    trials = made(noise=0.0, built_as=lambda knobs: {**knobs, "fusion": "off"})
    up = pl.when(pl.col("block_id").rank("dense") % 2 == 0).then(1.02).otherwise(0.98)
    scatter = pl.when(pl.col("knob_fusion") == "on").then(up).otherwise(1.0)
    times = [(pl.col(name) * scatter).alias(name) for name in ("run_ms_paired", "compile_first_run_ms")]
    (front,) = find_fronts(trials.with_columns(*times, pl.lit(10**6).alias(PEAK)))
    for point in front.points:
        others = {held for held in point.settings if held.knob != "fusion"}
        assert not any(others <= set(one) for one in point.dominated_by), described(point.settings)
    assert 0 < len(on_front(front)) < 16


def test_pareto_front_omits_failed_configuration_with_reason(made: Made) -> None:
    plants = [
        Plant("wrong_output", "encoder", "cold", {"fusion": "on"}, block=1),
        Plant("not_run_budget", "encoder", "hot", {"reuse": "release", "fusion": "off"}),
    ]
    (front,) = find_fronts(made(plants=plants))
    reasons = {described(settings): text_of(why) for settings, why in front.left_out.items()}
    assert len(front.points) == 4
    assert len(reasons) == 12
    assert "wrong_output" in reasons["partition=whole, reuse=keep, memory_plan=off, fusion=on"]
    assert "run_ms_paired" in reasons["partition=whole, reuse=release, memory_plan=off, fusion=off"]


def test_pareto_front_without_a_sound_configuration_is_empty(made: Made) -> None:
    (front,) = find_fronts(
        made(plants=[Plant("crashed", "encoder", "cold", {}), Plant("crashed", "encoder", "hot", {})])
    )
    assert (front.points, len(front.left_out)) == ((), 16)


def test_pareto_front_with_domination_cycle_keeps_all_of_it(made: Made) -> None:
    """A is shown to compile faster than B, B to run faster than C, C to need less than A; the rest scatters."""
    trials = made(modes=["cold", "hot"], blocks=6, noise=0.0).with_columns(pl.lit(1).alias("planned_bytes"))
    chosen = {"off off": 0, "off on": 1, "on off": 2}
    cell = pl.concat_str("knob_memory_plan", "knob_fusion", separator=" ")
    trials = trials.filter(
        (pl.col("knob_partition") == "whole") & (pl.col("knob_reuse") == "keep") & cell.is_in(list(chosen))
    )
    trials = trials.filter(pl.col("role") == "measured")
    number = cell.replace_strict(chosen, return_dtype=pl.Int64)
    scatter = pl.when(pl.col("block_id").rank("dense") % 2 == 0).then(70.0).otherwise(140.0)

    def figure(small: int, large: int) -> pl.Expr:
        return pl.when(number == small).then(100.0).when(number == large).then(110.0).otherwise(scatter)

    circle = trials.with_columns(
        figure(0, 1).alias("compile_first_run_ms"),
        figure(1, 2).alias("run_ms_paired"),
        (figure(2, 0) * 2**20).alias(PEAK),
    )
    (front,) = find_fronts(circle)
    assert len(on_front(front)) == len(front.points) == 3
    broken = circle.with_columns(pl.lit(100.0 * 2**20).alias(PEAK))
    assert len(on_front(find_fronts(broken)[0])) == 1


def test_pareto_front_of_split_block_compares_parts_through_baselines(made: Made) -> None:
    """The fused cells stand in another part, which is three times as slow throughout; their order stays."""
    trials = made(noise=0.0).with_columns(pl.lit(None, pl.Int64).alias(PEAK)).filter(pl.col("role") == "measured")
    fused = pl.col("knob_fusion") == "on"
    slow = [(pl.col(name) * 3).alias(name) for name in ("run_ms_paired", "compile_first_run_ms")]
    other = (pl.col("block_id").cast(pl.String) + "-2").cast(pl.Categorical()).alias("block_id")
    second = trials.filter(fused | pl.col("is_baseline")).with_columns(*slow, other)
    (split,) = find_fronts(pl.concat([trials.filter(~fused), second]))
    (whole,) = find_fronts(trials)
    assert on_front(split) == on_front(whole)


@st.composite
def objectives(draw: st.DrawFn) -> Measured:
    """Values of a few configurations: noise wide or narrow, values repeated, gaps, blocks that few share."""
    blocks, count = draw(st.integers(1, 9)), draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    levels = rng.choice([0.0, 0.001, 0.01, 0.3], count)
    noise = draw(st.sampled_from([0.0, 1e-6, 0.001, 0.01, 0.1]))
    logs = levels + rng.normal(0.0, 0.2, (blocks, 1)) + rng.normal(0.0, noise or 1.0, (blocks, count)) * (noise > 0.0)
    if draw(st.booleans()):
        logs[:, 1] = logs[:, 0]
    values = np.exp(logs) * 2.0**20
    gaps = rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3, 0.6, 0.9]))
    gaps[rng.integers(0, blocks), gaps.all(axis=0)] = False
    values[gaps] = math.nan
    values = values[~np.isnan(values).all(axis=1)]
    column = draw(st.sampled_from(["run_ms_paired", "peak_rss_delta_bytes"]))
    return Measured(column, values, values / values[:, [0]], draw(st.sampled_from([0.0, 0.004])))


@settings(max_examples=150, deadline=None)
@given(objectives())
def test_sides_of_all_pairs_are_those_of_one_pair_at_a_time(objective: Measured) -> None:
    count = objective.values.shape[1]
    expected = [[objective.side(one, other) if one != other else 0 for other in range(count)] for one in range(count)]
    assert objective.sides().tolist() == expected


def test_sides_of_exact_figures_are_their_order() -> None:
    assert exact_sides([2.0, 1.0, 2.0]).tolist() == [[0, 1, 0], [-1, 0, -1], [0, 1, 0]]


def reached(start: int, above: NDArray[np.bool_]) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        new = set(np.flatnonzero(above[waiting.pop()]).tolist()) - found
        found |= new
        waiting += new
    return found


@given(st.integers(1, 9), st.floats(0.0, 0.6), st.integers(0, 10**6))
def test_top_cycle_is_what_is_only_dominated_by_what_it_dominates(count: int, share: float, seed: int) -> None:
    above = np.random.default_rng(seed).random((count, count)) < share
    np.fill_diagonal(above, False)
    reach = {start: reached(start, above) for start in range(count)}
    expected = [all(start in reach[other] for other in reach[start]) for start in range(count)]
    assert _top_cycle(above).tolist() == expected
