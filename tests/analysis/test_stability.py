"""Repeats agree when their intervals are narrow enough, there are enough of them, and whole runs tell the same."""

import math
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.reasons.wording import text_of
from ablatrix.analysis.runs.stability import Margins, Stability, find_stability
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.records.model import Record, Stopping
from tests.analysis.made import table
from tests.synthetic import Plant, make_records, write_records


def one_of(found: list[Stability], mode: str) -> Stability:
    return next(one for one in found if one.mode == mode)


def with_targets(records: list[Record], effect: float, cell: float, least: int) -> list[Record]:
    """The same records as a runner leaves them: with what it was asked for."""
    stopping = Stopping(
        blocks=5,
        least_blocks=least,
        most_blocks=20,
        effect_target=effect,
        cell_target=cell,
        effect_half_width=None,
        cell_half_width=None,
        short_of=None,
        decision="precise",
    )
    return [
        one.model_copy(update={"runtime": one.runtime.model_copy(update={"stopping": stopping})})
        if one.runtime and one.mode == "hot"
        else one
        for one in records
    ]


@pytest.fixture(scope="module")
def quiet() -> list[Record]:
    return make_records(workloads=["encoder"], blocks=5, noise=0.002)


def test_stability_with_narrow_intervals_and_enough_blocks_holds(quiet: list[Record]) -> None:
    for one in find_stability(table(quiet)):
        assert one.holds, one.complaints()
        assert (one.blocks, one.runs, len(one.effects), len(one.cells)) == (5, 1, 4, 15)
    hot = one_of(find_stability(table(quiet)), "hot")
    assert hot.blocks_needed == 5
    assert hot.control is not None
    assert hot.control.failed is False
    fusion = next(one for one in hot.effects if one.name == "fusion: off -> on")
    assert fusion.ratio is not None
    assert fusion.least is not None
    assert fusion.greatest is not None
    assert fusion.ratio.value == pytest.approx(0.6, rel=0.01)
    assert fusion.least < fusion.ratio.value < fusion.greatest


def test_stability_without_one_block_gives_means_of_the_others() -> None:
    """Fusion takes 0.5 of the time in two blocks and 0.25 in the third: geometric means of pairs are 0.5 and 0.354."""
    trials = table(make_records(workloads=["encoder"], modes=["cold"], blocks=3, noise=0.0))
    factor = pl.when(pl.col("knob_fusion") != "on").then(1.0).when(pl.col("block") == 2).then(0.25).otherwise(0.5)
    (cold,) = find_stability(trials.with_columns(compile_first_run_ms=factor * 100.0))
    fusion = next(one for one in cold.effects if one.name == "fusion: off -> on")
    assert fusion.least == pytest.approx(math.sqrt(0.5 * 0.25))
    assert fusion.greatest == pytest.approx(0.5)
    assert not cold.holds


def test_stability_with_wide_interval_fails_with_name_and_width() -> None:
    noisy = table(make_records(workloads=["encoder"], modes=["hot"], blocks=5, noise=0.15))
    (hot,) = find_stability(noisy)
    assert not hot.holds
    assert any(
        text.startswith("encoder on tvm, hot: cell fusion=on: known to +-") for text in map(text_of, hot.complaints())
    )
    widest = hot.widest("cell")
    assert widest is not None
    assert widest.half_width == max(one.half_width or 0 for one in hot.cells)


def test_stability_margin_is_given_one_or_that_of_records(quiet: list[Record]) -> None:
    asked = table(with_targets(quiet, effect=1e-5, cell=0.03, least=8))
    hot = one_of(find_stability(asked), "hot")
    assert {one.margin for one in hot.effects} == {1e-5}
    assert {one.margin for one in hot.cells} == {0.03}
    assert text_of(hot.complaints()[0]) == "encoder on tvm, hot: 5 of at least 8 blocks"
    given = one_of(find_stability(asked, Margins(hot=0.04)), "hot")
    assert {one.margin for one in (*given.effects, *given.cells)} == {0.04}


def test_stability_reports_cold_cells_without_judging_them() -> None:
    (cold,) = find_stability(table(make_records(workloads=["encoder"], modes=["cold"], blocks=3, noise=0.04)))
    widest = cold.widest("cell")
    assert widest is not None
    assert widest.half_width is not None
    assert widest.half_width > 0.1
    assert {one.margin for one in cold.cells} == {None}
    assert {one.margin for one in cold.effects} == {0.10}
    assert cold.holds, cold.complaints()


def test_stability_with_one_block_has_no_interval_and_fails() -> None:
    (hot,) = find_stability(table(make_records(workloads=["encoder"], modes=["hot"], blocks=1)))
    complaints = map(text_of, hot.complaints())
    assert "encoder on tvm, hot: effect fusion: off -> on: a single block has no interval" in complaints


def test_stability_names_failed_cells_and_omits_unsupported_ones() -> None:
    crash = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "on"}
    lacks = crash | {"memory_plan": "on"}
    plants = [Plant("crashed", "encoder", "hot", crash), Plant("unsupported", "encoder", "hot", lacks)]
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=5, noise=0.002, plants=plants)
    (hot,) = find_stability(table(records))
    assert list(map(text_of, hot.complaints())) == ["encoder on tvm, hot: cell fusion=on: crashed in 5 of 5 blocks"]
    assert len(hot.cells) == 14


def test_stability_keeps_cell_both_unsupported_and_wrong() -> None:
    cell = {"partition": "whole", "reuse": "keep", "memory_plan": "on", "fusion": "on"}
    plants = [Plant("unsupported", "encoder", "hot", cell, block=0)]
    plants += [Plant("wrong_output", "encoder", "hot", cell, block=block) for block in range(1, 5)]
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=5, noise=0.002, plants=plants)
    (hot,) = find_stability(table(records))
    (fault,) = hot.complaints()
    assert text_of(fault) == (
        "encoder on tvm, hot: cell memory_plan=on, fusion=on: "
        "unsupported in 1 of 5 blocks, wrong_output in 4 of 5 blocks"
    )
    assert len(hot.cells) == 15


@pytest.mark.parametrize("differ", [False, True])
def test_stability_finds_whole_runs_that_differ(tmp_path: Path, differ: bool) -> None:
    files = [
        write_records(tmp_path / f"{i}.jsonl", make_records(workloads=["encoder"], blocks=5, noise=0.002, seed=i))
        for i in (1, 2)
    ]
    trials = tidy(files).trials
    if differ:
        slower = (pl.col("run") == 1) & (pl.col("knob_fusion") == "on")
        trials = trials.with_columns(run_ms_paired=pl.col("run_ms_paired") * pl.when(slower).then(1.2).otherwise(1.0))
    hot = one_of(find_stability(trials, Margins(hot=0.5)), "hot")
    assert (hot.runs, hot.blocks) == (2, 10)
    states = {one.name: one.runs[0].agreement.state for one in hot.effects}
    wanted = "within"
    assert states["reuse: keep -> release"] == wanted
    hot = one_of(find_stability(trials, Margins(hot=0.1)), "hot")
    state = next(one for one in hot.effects if one.name == "fusion: off -> on").runs[0].agreement.state
    assert state == ("apart" if differ else "within")
    assert any("run 2 is 1.2" in text_of(one) for one in hot.complaints()) == differ
