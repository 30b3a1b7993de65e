"""Screenings in the paper, on the page and in every other reader: what was found, what is idle, what is confirmed."""

from pathlib import Path
from typing import Any

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.paper.figures.screening import compose_screening
from ablatrix.plotting.figure import Width, house_style
from ablatrix.plotting.labels import ENGLISH
from tests.any_study import check_made
from tests.legibility import faults
from tests.screened_study import STAGES, write_screened

FACTORS = {"k0": 0.8, "k3": 1.1, "k5": 0.95, "k7": 1.03}
GROUPS = [{"name": "screen", "screen": "all", "design": "groups"}, STAGES[1]]
SHAPLEY = [{"name": "screen", "screen": "all", "design": "shapley"}, STAGES[1]]
ALL_CORNERS = [{"name": "screen", "screen": "all"}, STAGES[1]]


@pytest.mark.slow
@pytest.mark.usefixtures("no_images")
@pytest.mark.parametrize(
    ("count", "acting", "stages", "figures"),
    [
        (9, 8, STAGES, True),
        (13, 13, STAGES, False),
        (4, 3, ALL_CORNERS, False),
        (20, 16, GROUPS, False),
        (8, 7, SHAPLEY, False),
    ],
)
def test_every_reader_takes_screened_study(
    tmp_path: Path, count: int, acting: int, stages: list[dict[str, Any]], figures: bool
) -> None:
    made = write_screened(tmp_path, FACTORS, count, acting, stages=stages)
    assert check_made(made, tmp_path, figures=figures) == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("count", "acting", "stages"), [(9, 8, STAGES), (20, 16, GROUPS), (8, 7, SHAPLEY)])
def test_every_reader_draws_screened_study(
    tmp_path: Path, count: int, acting: int, stages: list[dict[str, Any]]
) -> None:
    made = write_screened(tmp_path, FACTORS, count, acting, stages=stages)
    assert check_made(made, tmp_path, figures=True) == []


@pytest.mark.parametrize("width", ["column", "page"])
def test_figure_of_screening_is_legible(tmp_path: Path, width: Width) -> None:
    made = write_screened(tmp_path, FACTORS, 24, 20, stages=STAGES[:1])
    screens = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    with house_style():
        for page in compose_screening(screens, "run_ms_paired", width, ENGLISH):
            assert faults(page) == []


def test_half_normal_sizes_rise_and_sums_reach_whole(tmp_path: Path) -> None:
    made = write_screened(tmp_path, FACTORS, 24, 20, stages=STAGES[:1])
    (screen,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    quantiles, sizes = zip(*((quantile, size) for _, quantile, size in screen.half_normal), strict=True)
    assert list(quantiles) == sorted(quantiles)
    assert list(sizes) == sorted(sizes)
    assert screen.explained[-1] == pytest.approx(1.0)
    assert screen.explained[0] > 0.5
