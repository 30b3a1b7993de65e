"""Choosing trials of a design by the variants of its workloads."""

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.design import Design, make_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.run.selection import parse_conditions, select

AXES = [{"name": "mlp", "axes": {"layers": [1, 2], "hidden": [8, 16]}}, {"workload": "mlp", "name": "net"}]


def design() -> Design:
    data = {
        "name": "s",
        "workloads": AXES,
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
    }
    return make_design(resolve_study(Study.model_validate(data)))


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["layers=2"], {"mlp[layers=2,hidden=8]", "mlp[layers=2,hidden=16]"}),
        (["layers=1,2", "hidden=16"], {"mlp[layers=1,hidden=16]", "mlp[layers=2,hidden=16]"}),
        (["workload=mlp", "layers=1"], {"mlp[layers=1,hidden=8]", "mlp[layers=1,hidden=16]"}),
        (["workload=net,mlp[layers=2,hidden=8]"], {"net", "mlp[layers=2,hidden=8]"}),
    ],
)
def test_only_with_axes_selects_variants(only: list[str], expected: set[str]) -> None:
    made = design()
    cells = {cell.cell_id: cell.workload for cell in made.cells}
    assert {cells[trial.cell_id] for trial in select(made, parse_conditions(only, made), {})} == expected


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("layers=3", "no trial of this study has layers=3; there are: 1, 2"),
        (
            "width=3",
            "there is no key 'width'; there are: workload, compiler, mode, stage, role, status, hidden",
        ),
        ("workload=mpl", "no trial of this study has workload=mpl; there are: mlp, "),
    ],
)
def test_only_with_unknown_axis_or_value_is_refused(only: str, expected: str) -> None:
    with pytest.raises(StudyError, match=expected):
        parse_conditions([only], design())
