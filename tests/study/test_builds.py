import json
from pathlib import Path
from typing import Any

import pytest

from ablatrix.builds import BuildSpec
from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.catalogue import BUILD, TVM, CompilerEntry
from ablatrix.errors import StudyError
from ablatrix.study.design import make_design
from ablatrix.study.files import companions
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.needs import declared_modules
from ablatrix.study.resolve import resolve_study

GIVEN: dict[str, Any] = {
    "name": "two",
    "workloads": ["mlp"],
    "builds": {"old": {"pip": ["onnxruntime==1.24.1"]}, "here": {}},
    "compilers": [{"name": "onnxruntime", "builds": ["old", "here"]}],
    "modes": ["cold", "hot"],
    "stages": [{"name": "main", "factorial": {"build": ["old", "here"], "fusion": ["off", "on"]}}],
    "protocol": {"cold": {"replicates": 1}, "hot": {"blocks": 2, "max_blocks": 2}},
}


def study(**changed: Any) -> Study:
    return Study.model_validate({**GIVEN, **changed})


def faults(**changed: Any) -> list[str]:
    with pytest.raises(StudyError) as told:
        resolve_study(study(**changed))
    return list(told.value.faults)


def test_builds_are_levels_of_a_primary_knob_with_the_first_as_baseline() -> None:
    entry = resolve_study(study()).catalogue.compiler("onnxruntime")
    knob = entry.knob(BUILD)
    assert knob is not None
    assert [(one.name, one.summary) for one in knob.levels] == [
        ("old", "Pip install onnxruntime==1.24.1."),
        ("here", "This environment."),
    ]
    assert (knob.kind, knob.default, knob.affects) == ("primary", "old", "both")
    cells = [cell for cell in make_design(resolve_study(study())).cells if cell.knobs]
    assert {cell.baseline[BUILD] for cell in cells} == {"old"}
    assert [(cell.knobs["build"], cell.knobs["fusion"]) for cell in cells] == [
        ("old", "off"),
        ("old", "on"),
        ("here", "off"),
        ("here", "on"),
    ]


def test_builds_of_a_compiler_all_of_whose_code_is_built_affect_code_alone() -> None:
    compilers = [{"name": "tvm", "builds": ["old", "here"]}]
    knob = resolve_study(study(compilers=compilers)).catalogue.compiler("tvm").knob(BUILD)
    assert knob is not None
    assert knob.affects == "code"


def test_hot_block_has_a_control_of_each_builds_baseline() -> None:
    design = make_design(resolve_study(study()))
    for block in design.blocks():
        if block[0].mode == "hot":
            found = [(one.role, design.cell(one.cell_id).knobs.get("build")) for one in block]
            twins = sorted(level for role, level in found if role == "twin" and level is not None)
            assert twins == ["here", "old"]
            assert {design.cell(one.cell_id).knobs["fusion"] for one in block if one.role == "twin"} == {"off"}


def test_split_hot_block_has_the_anchors_of_all_builds_in_each_part() -> None:
    stages = [
        {"name": "main", "factorial": {"build": ["old", "here"], "fusion": ["off", "on"], "reuse": ["keep", "release"]}}
    ]
    protocol = {"hot": {"blocks": 1, "max_blocks": 1, "max_live": 8}}
    design = make_design(resolve_study(study(stages=stages, protocol=protocol, modes=["hot"])))
    assert [len(block) for block in design.blocks()] == [8, 8]
    for block in design.blocks():
        assert sum(one.role == "twin" for one in block) == 2


def test_cells_of_a_study_without_builds_have_no_build_in_their_ids() -> None:
    plain = {key: value for key, value in GIVEN.items() if key != "builds"}
    without = Study.model_validate(
        {**plain, "compilers": ["onnxruntime"], "stages": [{"name": "main", "factorial": {"fusion": ["off", "on"]}}]}
    )
    assert "builds" not in without.model_dump(mode="json")
    ids = {cell.cell_id for cell in make_design(resolve_study(without)).cells if cell.knobs}
    own = {cell.cell_id for cell in make_design(resolve_study(study())).cells if cell.knobs}
    assert ids.isdisjoint(own)


def test_cell_of_a_build_changes_with_what_the_build_is_asked_to_be() -> None:
    def ids(spec: dict[str, Any]) -> dict[Any, str]:
        found = make_design(resolve_study(study(builds={"old": spec, "here": {}})))
        return {(cell.knobs["build"], cell.knobs["fusion"]): cell.cell_id for cell in found.cells if cell.knobs}

    one, other = ids({"pip": ["onnxruntime==1.24.1"]}), ids({"pip": ["onnxruntime==1.24.2"]})
    assert {key for key in one if one[key] != other[key]} == {("old", "off"), ("old", "on")}


def test_stage_runs_each_compiler_in_those_of_its_builds_that_it_lists() -> None:
    builds = {"a": {"env": {"A": "1"}}, "b": {}, "c": {"env": {"A": "2"}}}
    compilers = [{"name": "onnxruntime", "builds": ["a", "b"]}, {"name": "openvino", "builds": ["b", "c"]}, "tvm"]
    stages = [{"name": "main", "factorial": {"build": ["a", "b", "c"], "fusion": ["off"]}}]
    design = make_design(resolve_study(study(builds=builds, compilers=compilers, stages=stages)))
    found = {(cell.compiler, cell.knobs.get("build")) for cell in design.cells if cell.knobs}
    assert found == {("onnxruntime", "a"), ("onnxruntime", "b"), ("openvino", "b"), ("openvino", "c"), ("tvm", None)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"compilers": [{"name": "onnxruntime", "builds": ["old", "hre"]}]},
            "there is no build 'hre' in this study; there are: old, here; did you mean 'here'?",
        ),
        (
            {"compilers": [{"name": "onnxruntime", "builds": ["old"]}], "builds": {"old": {}}},
            "compiler 'onnxruntime' has one build, 'old', and nothing to compare it with; list another one, such as "
            "one of this environment: here: {}",
        ),
        (
            {"compilers": [{"name": "onnxruntime", "builds": ["old", "here", "old"]}]},
            "build 'old' is listed twice; list each once",
        ),
        (
            {"stages": [{"name": "main", "factorial": {"fusion": ["off", "on"]}}]},
            "no stage varies 'build' for compiler 'onnxruntime'; add it to the first: build: [old, here]",
        ),
        (
            {"stages": [{"name": "main", "factorial": {"build": ["old", "here", "new"]}}]},
            "there is no build of these compilers 'new'; there are: old, here",
        ),
        (
            {"builds": {**GIVEN["builds"], "third": {}}},
            "no compiler lists the build 'third' under its 'builds'; list it, or remove it",
        ),
        (
            {"builds": {"old": {"command": ["cc"]}, "here": {}}},
            "build 'old' has a 'command', and compiler 'onnxruntime' is no program; give the build another way, or the "
            "compiler a command",
        ),
        (
            {"protocol": {"hot": {"max_live": 4}}},
            "a hot block of compiler 'onnxruntime' with 2 builds has at least 5 trials, and max_live is 4; raise it, "
            "or list fewer builds",
        ),
    ],
)
def test_study_whose_builds_have_a_fault_says_which(changed: dict[str, Any], message: str) -> None:
    assert faults(**changed) == [message]


def test_name_that_could_be_a_number_is_refused_where_it_stands(tmp_path: Path) -> None:
    given = json.loads(json.dumps(GIVEN))
    given["builds"] = {"1.24": {}, "here": {}}
    given["compilers"][0]["builds"] = ["1.24", "here"]
    file = tmp_path / "study.yaml"
    file.write_text(json.dumps(given, indent=1))
    with pytest.raises(StudyError) as refused:
        load_study(file)
    rule = "must begin with a letter, so that no name is read as a number, and have letters"
    places = [message.split(": ", 2)[1:] for message in refused.value.faults]
    assert {(place, text.startswith(rule)) for place, text in places} == {
        ("compilers[0].builds[0]", True),
        ("builds.1.24", True),
    }


def test_compiler_with_builds_needs_its_modules_there_alone() -> None:
    entry = CompilerEntry(
        name="own", summary="", modules=("nowhere",), extra="", adapter="nowhere:Own", knobs=(TVM.knobs[0],)
    )
    catalogue = installed_catalogue().including(entry, "test")
    stages = [{"name": "main", "factorial": {"build": ["old", "here"]}}]
    compilers = [{"name": "own", "builds": ["old", "here"]}]
    assert declared_modules(resolve_study(study(compilers=compilers, stages=stages), catalogue)) == {}


def test_files_that_builds_are_made_of_go_with_the_study(tmp_path: Path) -> None:
    (tmp_path / "plug" / "build").mkdir(parents=True)
    for name in ("plug/setup.py", "plug/build/left_out.py", "own.whl"):
        (tmp_path / name).write_text("1")
    builds = {"old": {"pip": ["./plug", "./own.whl"]}, "here": {}}
    found = companions(resolve_study(study(builds=builds).at(tmp_path)))
    assert sorted(found) == ["own.whl", "plug/setup.py"]


def test_study_of_a_bundle_with_builds_is_run_for_who_trusts_it_alone(tmp_path: Path) -> None:
    given = json.loads(json.dumps(GIVEN))
    source = {"repository": "https://example.org/x", "commit": "main", "build": ["make"]}
    given["builds"]["old"] = {"git": source}
    (tmp_path / "study.yaml").write_text(json.dumps(given))
    (tmp_path / "MANIFEST.json").write_text('{"files": []}')
    with pytest.raises(StudyError) as told:
        load_study(tmp_path / "study.yaml")
    assert "commit main of https://example.org/x (the build 'old', which is made and started)" in str(told.value)
    assert "make (a command that makes the build 'old')" in str(told.value)
    assert "here" not in str(told.value)
    assert load_study(tmp_path / "study.yaml", trust=True).study.builds["old"] == BuildSpec.model_validate(
        {"git": source}
    )
