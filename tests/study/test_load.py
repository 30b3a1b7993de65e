"""Reading studies: every fault at once, each with its line and a remedy."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ablatrix.errors import StudyError
from ablatrix.study.load import load_study, study_schema_text

ROOT = Path(__file__).parents[2]
GOOD = """\
name: small
workloads: [mlp]
compilers: [tvm]
modes: [cold]
stages:
  - name: primary
    factorial:
      fusion: [off, on]
"""


def faults_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return [fault.removeprefix(f"{path}:") for fault in caught.value.faults]


def test_load_of_good_study_fills_in_defaults(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD)
    study = load_study(path).study
    assert [choice.name for choice in study.workloads] == ["mlp"]
    assert study.stages[0].factorial == {"fusion": ["off", "on"]}
    assert study.protocol.hot.blocks == 5


@pytest.mark.parametrize(
    ("line", "wrong", "expected"),
    [
        ("workloads: [mlp]", "workloads: [mpl]", "2: there is no workload 'mpl'; there are: mlp"),
        (
            "compilers: [tvm]",
            "compilers: [tvn]",
            "3: there is no compiler 'tvn'; there are: inductor, onnxruntime, openvino, tvm, xla; did you mean 'tvm'?",
        ),
        ("fusion: [off, on]", "fusion: [off, maybe]", "8: knob 'fusion' of compiler 'tvm' has no level 'maybe'"),
        ("fusion: [off, on]", "fusoin: [off, on]", "8: compiler 'tvm' has no knob 'fusoin'; it has: partition"),
        ("modes: [cold]", "moeds: [cold]", "4: unknown key 'moeds'; did you mean 'modes'?"),
        ("fusion: [off, on]", "fusion: [off, on", "not valid YAML"),
        ("fusion: [off, on]", "fusion: [off, true]", "8: stages[0].factorial.fusion[1]: a level is a word or a number"),
        ("modes: [cold]", "modes: [cold, cold]", "4: a mode is listed twice"),
        ("modes: [cold]", "modes: [warm]", "4: modes[0]: input should be 'cold' or 'hot', got 'warm'"),
        ("workloads: [mlp]", "workloads: [mlp, mlp]", "2: workload 'mlp' is listed twice"),
        (
            "workloads: [mlp]",
            "workloads: [{name: mlp, parameters: {hiden: 3}}]",
            "2: workload 'mlp' has no parameter 'hiden'; it has: layers, hidden",
        ),
        ("fusion: [off, on]", "schedule: [default]", "8: knob 'schedule' is not a primary knob"),
        ("name: small", "name: small\nname: big", "not valid YAML: found duplicate key"),
        ("factorial:", "around: {fusion: on}\n    factorial:", "'vary' and 'around' go together"),
        ("compilers: [tvm]", "compilers: [eager]", "3: compiler 'eager' is the reference"),
    ],
)
def test_load_of_wrong_study_is_refused_with_location_rule_and_remedy(
    tmp_path: Path, line: str, wrong: str, expected: str
) -> None:
    assert line in GOOD
    found = faults_of(tmp_path, GOOD.replace(line, wrong))
    assert any(expected in fault for fault in found), found


def test_load_with_several_faults_reports_all_in_line_order(tmp_path: Path) -> None:
    wrong = GOOD.replace("[mlp]", "[nothing]").replace("[tvm]", "[never]").replace("modes: [cold]", "modes: [hot, hot]")
    found = faults_of(tmp_path, wrong)
    assert [fault.split(":")[0] for fault in found] == ["2", "3", "4"]


def test_load_with_unknown_keys_and_wrong_types_reports_both(tmp_path: Path) -> None:
    found = faults_of(tmp_path, GOOD + "seed: -1\nprotocol:\n  cold: {replicats: 2}\n")
    assert any("seed: input should be greater than or equal to 0, got -1" in fault for fault in found)
    assert any("unknown key 'replicats' in 'protocol.cold'; did you mean 'replicates'?" in fault for fault in found)


def test_load_of_missing_or_empty_file_gives_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_study(tmp_path / "nowhere.yaml")
    assert faults_of(tmp_path, "") == ["1: the document must be a mapping of keys to values, got NoneType"]


SHIPPED = [path for path in sorted((ROOT / "studies").glob("*.yaml")) if not path.name.endswith(".claims.yaml")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_load_and_fit_their_json_schema(path: Path) -> None:
    load_study(path)
    schema = json.loads(study_schema_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(YAML(typ="safe", pure=True).load(path))


def test_json_schema_refuses_what_loader_refuses() -> None:
    validator = Draft202012Validator(json.loads(study_schema_text()))
    assert not validator.is_valid({"name": "x", "workloads": [], "compilers": ["tvm"], "modes": ["cold"], "stages": []})
    assert not validator.is_valid(YAML(typ="safe", pure=True).load(GOOD.replace("modes:", "moeds:")))


def test_study_digest_does_not_depend_on_notation(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(GOOD)
    other.write_text("# a comment\n" + GOOD.replace("workloads: [mlp]", "workloads:\n  - name: mlp\n"))
    assert load_study(one).study.digest == load_study(other).study.digest
