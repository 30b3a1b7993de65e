"""At which level knobs stand that a study does not name, and which settings become knobs because it names them."""

from __future__ import annotations

from typing import Any

import pytest

from ablatrix.compilers.catalogue import INDUCTOR, ONNXRUNTIME, SHIPPED, TVM, CompilerEntry
from ablatrix.errors import StudyError
from ablatrix.study.design import Cell, make_cells, make_design
from ablatrix.study.model import CompilerChoice, Study
from ablatrix.study.named import named_knobs, take_offers
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_study

PRIMARY = ("partition", "reuse", "memory_plan", "fusion")


FIRST = {"name": "one", "factorial": {"partition": ["whole"]}}


def further(compilers: list[str] | None = None, **factorial: list[Any]) -> list[dict[str, Any]]:
    """Return the stages of a study whose second one varies some knobs."""
    return [FIRST, {"name": "two", "factorial": factorial, **({"compilers": compilers} if compilers else {})}]


def study(compiler: str = "onnxruntime", **keys: Any) -> Study:
    stages = [FIRST]
    given = {"name": "named", "workloads": ["mlp"], "compilers": [compiler], "modes": ["cold"], "stages": stages}
    return Study.model_validate({**given, **keys})


def cells(resolved: ResolvedStudy) -> list[Cell]:
    return make_cells(resolved, "mlp", resolved.study.compilers[0].name)


@pytest.mark.parametrize(
    ("entry", "levels"),
    [
        (TVM, ("whole", "release", "on", "on")),
        (INDUCTOR, ("whole", "release", "off", "on")),
        (ONNXRUNTIME, ("whole", "release", "on", "on")),
        (SHIPPED["xla"], ("whole", "keep", "on", "on")),
        (SHIPPED["openvino"], ("whole", "keep", "on", "on")),
    ],
    ids=lambda one: one.name if isinstance(one, CompilerEntry) else "",
)
def test_knobs_that_study_does_not_name_are_as_shipped(entry: CompilerEntry, levels: tuple[str, ...]) -> None:
    (cell,) = cells(resolve_study(study(entry.name)))
    assert tuple(cell.knobs[knob] for knob in PRIMARY) == levels
    assert cell.knobs == cell.baseline
    assert entry.departures(cell.baseline) == {}


def test_knob_of_command_line_leaves_others_as_shipped() -> None:
    """A level of one knob is compared with the whole compiler, and not with one whose fusions are off."""
    made = make_study(["mlp"], ["onnxruntime"], ["graph_level=disabled,all"], ["cold"])
    found = cells(resolve_study(made))
    assert [cell.knobs["graph_level"] for cell in found] == ["disabled", "all"]
    assert {cell.knobs["fusion"] for cell in found} == {"on"}
    assert ONNXRUNTIME.departures(found[0].baseline) == {"graph_level": "all"}


def test_knob_that_stage_varies_begins_without_it() -> None:
    for stage in ({"factorial": {"fusion": ["off", "on"]}}, {"around": {}, "vary": {"fusion": ["off", "on"]}}):
        found = cells(resolve_study(study(stages=[{"name": "one", **stage}])))
        assert [cell.knobs["fusion"] for cell in found] == ["off", "on"]
        assert {cell.baseline["fusion"] for cell in found} == {"off"}
        assert {cell.baseline["memory_plan"] for cell in found} == {"on"}


def test_stage_of_other_compiler_names_no_knob_of_this_one() -> None:
    compilers = ["onnxruntime", {"name": "tvm", "fixed": {"schedule": "vectorised"}}]
    made = resolve_study(study(compilers=compilers, stages=further(["tvm"], fusion=["off", "on"])))
    assert named_knobs(made.study, made.catalogue.compiler("tvm")) == {"partition", "fusion", "schedule"}
    assert {cell.baseline["fusion"] for cell in cells(made)} == {"on"}
    assert {cell.baseline["fusion"] for cell in make_cells(made, "mlp", "tvm")} == {"off"}


def test_setting_on_offer_is_knob_of_study_that_names_it() -> None:
    named = study(stages=further(spinning=["off", "on"]))
    found = cells(resolve_study(named))
    assert [cell.knobs["spinning"] for cell in found] == ["off", "on"]
    plain = cells(resolve_study(study()))
    assert plain[0].knobs.keys() == found[0].knobs.keys() - {"spinning"}
    entry = resolve_study(named).catalogue.compiler("onnxruntime")
    spinning = ["session:session.intra_op.allow_spinning", "session:session.inter_op.allow_spinning"]
    assert entry.addresses == {"spinning": spinning}


def test_baseline_names_setting_on_offer_of_each_compiler_that_has_it() -> None:
    compilers = [{"name": "tvm"}, {"name": "onnxruntime"}]
    resolved = resolve_study(study(compilers=compilers, baseline={"fast_math": "off", "inter_op_threads": 2}))
    (of_tvm,), (of_onnxruntime,) = cells(resolved), make_cells(resolved, "mlp", "onnxruntime")
    assert (of_tvm.knobs["fast_math"], "inter_op_threads" in of_tvm.knobs) == ("off", False)
    assert (of_onnxruntime.knobs["inter_op_threads"], "fast_math" in of_onnxruntime.knobs) == (2, False)


def test_setting_of_study_wins_over_offer_of_its_name() -> None:
    own = CompilerChoice.model_validate({"name": "tvm", "knobs": {"unroll": {"setting": "env:MINE", "levels": [1]}}})
    named = study("tvm", stages=further(unroll=[1], opt_level=[3]))
    assert [knob.name for knob in take_offers(named, own, TVM).knobs][:2] == ["opt_level", "partition"]


def test_wrong_name_is_compared_with_settings_on_offer() -> None:
    with pytest.raises(StudyError, match=r"no knob 'spining'; it has: partition, .*did you mean 'spinning'"):
        resolve_study(study(stages=further(spining=["on"])))


def test_design_has_cells_of_levels_on_offer_beyond_those_listed() -> None:
    design = make_design(resolve_study(study("tvm", stages=further(unroll=[0, 16, 64]))))
    assert [cell.knobs["unroll"] for cell in design.cells if cell.compiler == "tvm"] == [0, 16, 64]
    with pytest.raises(StudyError, match="no level 'much'; it has: 0, any whole number"):
        resolve_study(study("tvm", stages=further(unroll=["much"])))
