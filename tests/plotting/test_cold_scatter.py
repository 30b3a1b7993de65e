"""The cold figure shows every trial it should, and can be read."""

from pathlib import Path

import polars as pl
import pytest
from matplotlib.text import Text

from ablatrix.analysis.table.trials_table import tidy
from ablatrix.plotting.cold_scatter import cold_points, compose_cold_scatter
from ablatrix.plotting.figure import COLUMN_WIDTH_IN, house_style
from tests.legibility import faults, text_faults
from tests.synthetic import Plant, make_records, write_records

NAMES = ["attention", "bound_propagation", "convolution", "decoder", "encoder", "mlp", "resnet"]


def points(tmp_path: Path, plants: tuple[Plant, ...] = ()) -> pl.DataFrame:
    records = make_records(workloads=["attention", "encoder", "resnet"], blocks=1, plants=plants)
    return cold_points(tidy([write_records(tmp_path / "results.jsonl", records)]).trials)


def test_cold_scatter_points_are_ok_and_failed_but_not_unsupported_trials(tmp_path: Path) -> None:
    plants = (
        Plant("unsupported", "encoder", "cold", {"fusion": "on"}),
        Plant("timeout", "resnet", "cold", {"fusion": "on"}),
    )
    found = points(tmp_path, plants)
    assert found.height == 3 * 16 - 8
    assert found.filter(pl.col("status") == "timeout").height == 8


@pytest.mark.parametrize("factor", [1.0, 60.0])
@pytest.mark.parametrize("fails", [False, True])
def test_cold_scatter_of_seven_workloads_in_one_column_has_no_overlap(
    tmp_path: Path, factor: float, fails: bool
) -> None:
    plants = (Plant("crashed", "encoder", "cold", {"fusion": "on"}),) if fails else ()
    one = points(tmp_path, plants).filter(pl.col("workload") == "encoder")
    times = pl.col("compile_first_run_ms")
    many = pl.concat(
        one.with_columns(pl.lit(name).alias("workload"), times * factor ** (i / 6)) for i, name in enumerate(NAMES)
    )
    with house_style():
        (figure,) = compose_cold_scatter(many)
        assert figure.get_figwidth() == COLUMN_WIDTH_IN
        assert faults(figure) == []
        shown = {text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}
        told = "n = 8, 8 failed" if fails else "n = 16"
        assert {*(f"{name}: {told}" for name in NAMES), "partition: whole", "partition: regions"} <= shown
        assert ("56 failed (56 at edge)" in shown) == fails


def test_overlap_check_with_crossing_texts_finds_them(tmp_path: Path) -> None:
    with house_style():
        (figure,) = compose_cold_scatter(points(tmp_path))
        figure.text(0.5, 0.5, "one")
        figure.text(0.51, 0.5, "other")
        figure.text(0.99, 0.9, "far out")
        assert text_faults(figure) == [
            "'one' crosses 'other'",
            "'far out' leaves the page",
            "'one' lies on a panel",
            "'other' lies on a panel",
        ]
