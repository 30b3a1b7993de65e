"""What is named becomes two configurations of one workload, each with a study of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.errors import StudyError
from ablatrix.explain import pair_of_model, pair_of_results, pair_of_study
from ablatrix.study.design import make_design
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy

pytestmark = pytest.mark.compiler
STUDY = """\
name: two
workloads: [mlp, attention]
compilers: [tvm, inductor]
modes: [hot]
baseline: {fusion: off}
stages: [{name: primary, factorial: {fusion: [off, on]}}]
protocol: {hot: {burst_ms: 3}}
"""


@pytest.fixture
def study(tmp_path: Path) -> ResolvedStudy:
    (tmp_path / "study.yaml").write_text(STUDY)
    return load_study(tmp_path / "study.yaml")


def cell_of(study: ResolvedStudy, compiler: str, fusion: str, workload: str) -> str:
    (found,) = [
        one.cell_id
        for one in make_design(study).cells
        if (one.compiler, one.workload) == (compiler, workload) and one.knobs.get("fusion") == fusion
    ]
    return found


def test_pair_of_study_cells_by_the_beginning_of_their_ids(study: ResolvedStudy) -> None:
    a, b = (cell_of(study, "tvm", level, "mlp")[:9] for level in ("off", "on"))
    pair = pair_of_study(study, a, b)
    assert (pair.workload, pair.a.levels["fusion"], pair.b.levels["fusion"]) == ("mlp", "off", "on")
    assert pair.side(pair.b).cell.knobs["fusion"] == "on"


def test_pair_of_study_text_stands_on_the_baseline(study: ResolvedStudy) -> None:
    pair = pair_of_study(study, "tvm", "inductor:fusion=on", "attention")
    assert (pair.a.levels["fusion"], pair.b.compiler, pair.b.levels["fusion"]) == ("off", "inductor", "on")
    protocol = pair.side(pair.a).resolved.study.protocol.hot
    assert (protocol.burst_ms, protocol.rounds) == (3, 20)


def test_pair_of_results_takes_ids_of_trials(study: ResolvedStudy, tmp_path: Path) -> None:
    trials = {one.cell_id: one.trial_id for one in make_design(study).trials if one.role == "measured"}
    a, b = (trials[cell_of(study, "tvm", level, "mlp")] for level in ("off", "on"))
    pair = pair_of_results(study, tmp_path, a, b)
    assert (pair.a.levels["fusion"], pair.b.levels["fusion"]) == ("off", "on")


def test_pair_of_model_setting_goes_by_its_address() -> None:
    pair = pair_of_model("mlp", "tvm", "tvm:pass:FuseOps=off")
    assert pair.side(pair.b).cell.knobs["pass_FuseOps"] == "off"


@pytest.mark.parametrize(
    ("a", "b", "workload", "said"),
    [
        ("tvm", "inductor", None, "A and B must be of one workload, and there are: mlp, attention"),
        ("tvm", "inductor", "resnet", "has no workload 'resnet'; it has: mlp, attention"),
        ("ffff0000", "tvm", None, "no one cell has an id that begins with 'ffff0000'"),
        ("tvm", "tvm:fusion=off", "mlp", "A and B are the same configuration"),
        ("tvm", "tvm:pass:NoSuch=off", "mlp", "NoSuch"),
    ],
)
def test_pair_of_study_wrong_use_is_one_sentence(
    study: ResolvedStudy, a: str, b: str, workload: str | None, said: str
) -> None:
    from ablatrix.errors import AblatrixError

    with pytest.raises(AblatrixError, match=said):
        pair_of_study(study, a, b, workload)


def test_pair_of_study_cells_of_two_workloads_are_refused(study: ResolvedStudy) -> None:
    a, b = cell_of(study, "tvm", "off", "mlp"), cell_of(study, "tvm", "on", "attention")
    with pytest.raises(StudyError, match="A and B must be of one workload"):
        pair_of_study(study, a, b)


@pytest.mark.parametrize(
    ("a", "b", "switches"),
    [
        ("inductor:fusion=on,simd=1", "inductor:fusion=on", [{"simd": 1}]),
        ("tvm:pass:FuseOps=off", "tvm", [{"pass:FuseOps": "off"}]),
        ("tvm:fusion=off", "tvm:fusion=on", [{"fusion": "off"}]),
    ],
)
def test_switches_are_what_the_first_has_otherwise(a: str, b: str, switches: list[dict[str, object]]) -> None:
    from ablatrix.explain.candidates import _switches

    pair = pair_of_model("mlp", a, b)
    assert list(_switches(pair.side(pair.a), pair.side(pair.b))) == switches
