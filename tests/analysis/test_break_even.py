"""Break-even of configurations whose times are known."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.diagnosis.break_even import BreakEven, find_break_even
from ablatrix.analysis.diagnosis.configurations import Setting, described
from ablatrix.analysis.reasons.wording import optional_text
from ablatrix.analysis.table.trials_table import tidy
from tests.synthetic import BASELINE, Plant, make_records, write_records

Made = Callable[..., pl.DataFrame]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(**arguments: object) -> pl.DataFrame:
        arguments = {"workloads": ["encoder"], "blocks": 4, **arguments}
        return tidy([write_records(tmp_path / "results.jsonl", make_records(**arguments))]).trials  # type: ignore[arg-type]

    return make


def by_moved(trials: pl.DataFrame) -> dict[str, BreakEven]:
    return {described(found.moved): found for found in find_break_even(trials)}


def test_break_even_of_known_times_matches_hand_calculation(made: Made) -> None:
    """Baseline: 5200 ms cold, 31 ms hot.

    memory_plan=on: 1.02 and 0.90 times as long: 104 ms more, 3.1 ms less a run: repaid after 33.5 runs.
    reuse=release: 1.01 and 0.99: 52 ms more, 0.31 ms less: 167.7 runs.
    partition=regions: 0.40 and 1.05: 3120 ms less, 1.55 ms more: it costs more from 2012.9 runs on.
    fusion=on: 0.85 and 0.60: less of both.
    """
    found = by_moved(made(noise=0.0))
    assert len(found) == 15
    for moved, verdict, runs in (
        ("memory_plan=on", "repaid", 104 / 3.1),
        ("reuse=release", "repaid", 52 / 0.31),
        ("partition=regions", "pays at first", 3120 / 1.55),
    ):
        one = found[moved]
        assert (one.verdict, one.reason) == (verdict, None)
        assert (one.runs, one.low, one.high) == pytest.approx((runs, runs, runs))
    fusion = found["fusion=on"]
    assert (fusion.verdict, fusion.runs, fusion.low, fusion.high) == ("pays at once", None, None, None)
    assert fusion.moved == (Setting("fusion", "on"),)


def test_break_even_with_noise_has_interval_around_runs(made: Made) -> None:
    one = by_moved(made(noise=0.002, blocks=8))["memory_plan=on"]
    assert one.verdict == "repaid"
    assert one.low is not None
    assert one.runs is not None
    assert one.high is not None
    assert one.low < 104 / 3.1 < one.high
    assert one.low < one.runs < one.high


def test_break_even_of_costlier_compile_of_slower_code_is_never(made: Made) -> None:
    trials = made(noise=0.0)
    slow = pl.when(pl.col("knob_memory_plan") == "on").then(2.0).otherwise(1.0)
    one = by_moved(trials.with_columns(pl.col("run_ms_paired") * slow))["memory_plan=on"]
    assert (one.verdict, one.runs) == ("never pays", None)


def scattered(trials: pl.DataFrame, column: str, share: float) -> pl.DataFrame:
    """The trials with a time of memory_plan=on that is larger in every other block, and smaller in the rest."""
    factor = pl.when(pl.col("block") % 2 == 0).then(1.0 + share).otherwise(1.0 - share)
    on = pl.col("knob_memory_plan") == "on"
    return trials.with_columns(pl.when(on).then(pl.col(column) * factor).otherwise(pl.col(column)).alias(column))


T_OF_3 = 3.182446305284263  # Student's t at 97.5 %


def test_break_even_of_unclear_compile_time_is_at_most_so_many_runs(made: Made) -> None:
    one = by_moved(scattered(made(noise=0.0), "compile_first_run_ms", 0.1))["memory_plan=on"]
    error = 5200 * 1.02 * 0.1 * (4 / 3) ** 0.5 / 2
    assert (one.verdict, one.at_least) == ("undecided", None)
    assert one.at_most == pytest.approx((104 + T_OF_3 * error) / 3.1)


def test_break_even_of_unclear_run_time_is_at_least_so_many_runs(made: Made) -> None:
    one = by_moved(scattered(made(noise=0.0), "run_ms_paired", 0.2))["memory_plan=on"]
    error = 31 * 0.9 * 0.2 * (4 / 3) ** 0.5 / 2
    assert (one.verdict, one.at_most) == ("undecided", None)
    assert one.at_least == pytest.approx(104 / (3.1 + T_OF_3 * error))


def test_break_even_of_two_unclear_times_has_no_bound(made: Made) -> None:
    both = scattered(scattered(made(noise=0.0), "run_ms_paired", 0.2), "compile_first_run_ms", 0.1)
    one = by_moved(both)["memory_plan=on"]
    assert (one.verdict, one.at_most, one.at_least) == ("undecided", None, None)


def test_break_even_with_wide_interval_is_undecided(made: Made) -> None:
    found = by_moved(made(noise=0.05, blocks=3))
    assert found["reuse=release"].verdict == "undecided"
    assert found["reuse=release"].runs is None
    assert "too wide to tell" in str(optional_text(found["reuse=release"].reason))
    assert {one.verdict for one in by_moved(made(noise=0.0, blocks=1)).values()} == {"undecided"}
    same = by_moved(made(noise=0.0, built_as=lambda _: dict(BASELINE)))
    assert {(one.verdict, optional_text(one.reason)) for one in same.values()} == {
        ("undecided", "neither time differs from the baseline's")
    }


def test_break_even_of_failed_trial_is_not_attributable(made: Made) -> None:
    found = by_moved(made(noise=0.0, plants=[Plant("crashed", "encoder", "hot", {"fusion": "on"})]))
    assert (found["fusion=on"].verdict, found["fusion=on"].runs) == ("not attributable", None)
    assert "no hot block" in str(optional_text(found["fusion=on"].reason))
    assert found["memory_plan=on"].verdict == "repaid"
    cold = by_moved(made(noise=0.0, modes=["cold"]))
    assert {one.verdict for one in cold.values()} == {"not attributable"}
