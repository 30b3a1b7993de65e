"""The figure of numeric knobs: it can be read whatever the levels, and shows what was estimated."""

import csv
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.effects import Trend
from ablatrix.analysis.effects.trends import Point
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.paper.figures.response import compose_response
from ablatrix.paper.figures.write import figure_lack, write_figure
from ablatrix.paper.template.load import load_template
from ablatrix.plotting.figure import Width, house_style
from ablatrix.plotting.labels import ENGLISH
from ablatrix.statistics.ratio import Ratio
from tests.legibility import faults
from tests.synthetic import make_records, tidied

LEVELS = [1.0, 2.0, 4.0, 16.0, 128.0]


def trend(workload: str, compiler: str, knob: str, per_level: float, levels: list[float]) -> Trend:
    points = [
        Point(level, Ratio(per_level**at, 0.98 * per_level**at if at else None, 1.02 * per_level**at, 7), at == 0)
        for at, level in enumerate(levels)
    ]
    return Trend(
        origin=(),
        workload=workload,
        digest="d",
        compiler=compiler,
        mode="hot",
        metric="run_ms_paired",
        stage="primary",
        centre=KnobLevels(),
        knob=knob,
        base_level=f"{levels[0]:g}",
        points=tuple(points),
        scale="doubling" if levels[-1] / levels[0] >= 4 else "unit",
        ratio=Ratio(per_level, 0.98 * per_level, 1.02 * per_level, 7),
        fit=0.9,
        missing=(),
    )


@pytest.mark.parametrize(
    ("workloads", "compilers", "knobs", "levels", "width"),
    [
        (1, 1, 1, LEVELS, "column"),
        (4, 1, 4, [1.0, 1.5, 2.0], "page"),
        (10, 2, 6, LEVELS, "page"),
        (3, 1, 2, [float(2**at) for at in range(12)], "column"),
    ],
)
@pytest.mark.parametrize("per_level", [0.999, 0.6, 1.8])
def test_response_of_any_shape_is_legible(
    workloads: int, compilers: int, knobs: int, levels: list[float], width: Width, per_level: float
) -> None:
    trends = [
        trend(f"a_workload_with_a_name_{one:02d}", f"compiler_{of}", f"a_knob_of_some_length_{knob}", per_level, levels)
        for one in range(workloads)
        for of in range(compilers)
        for knob in range(knobs)
    ]
    with house_style():
        for page in compose_response(trends, "run_ms_paired", width, ENGLISH):
            assert faults(page) == []


def numeric() -> Findings:
    """A study in which the first knob has three numeric levels: of `partition`, with a third one that was copied."""
    found = tidied(make_records(workloads=["encoder"], blocks=3, noise=0.0))
    names = {"whole": "1", "regions": "4"}
    levels = [pl.col(name).cast(pl.String).replace(names) for name in ("knob_partition", "baseline_partition")]
    return Findings(found.__class__(found.trials.with_columns(levels), found.excluded, found.notes))


def test_study_without_numeric_knob_has_no_response_figure(tmp_path: Path) -> None:
    spec = next(one for one in load_template().figures if one.kind == "response")
    for findings in (Findings(tidied(make_records(workloads=["encoder"], blocks=2))), numeric()):  # two levels: none
        assert write_figure(findings, spec, tmp_path) == []
        assert figure_lack(findings, spec) == "figure/no_numbers"


def test_response_figure_has_levels_in_numeric_order_with_trend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = next(one for one in load_template().figures if one.kind == "response")
    findings = Findings(tidied(make_records(workloads=["encoder"], blocks=2)))
    monkeypatch.setattr(Findings, "trends", lambda *_: [trend("encoder", "tvm", "threads", 0.9, LEVELS)])
    written = {file.name for file in write_figure(findings, spec, tmp_path)}
    assert {"fig10.csv", "fig10.pdf", "fig10.png", "fig10.svg", "fig10.tex"} <= written
    with (tmp_path / "fig10.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["level"]) for row in rows] == LEVELS
    assert {row["per"] for row in rows} == {"doubling"}
