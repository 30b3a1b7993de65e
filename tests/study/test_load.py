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


MIXED = """\
name: small
moeds: [cold]
workloads: [mlp, nothing, {name: encoder, parameters: {layrs: 2}}]
compilers: [tvm, tvn]
modes: [cold, warm]
seed: -1
baseline: {fusion: perhaps}
stages:
  - name: primary
    factorial: {fusion: [off, maybe, true], fusoin: [off]}
    workloads: [mpl]
  - name: both
    factorial: {reuse: [keep]}
    vary: {schedule: [unheard, true]}
    wokloads: [mlp]
protocol: {hot: {blocks: 9, max_blocks: 3}}
"""


def test_load_with_schema_and_name_faults_reports_all_in_one_go(tmp_path: Path) -> None:
    found = faults_of(tmp_path, MIXED)
    expected = [
        "2: unknown key 'moeds'",
        "3: there is no workload 'nothing'",
        "3: workload 'encoder' has no parameter 'layrs'",
        "4: there is no compiler 'tvn'",
        "5: modes[1]: input should be 'cold' or 'hot', got 'warm'",
        "6: seed: input should be greater than or equal to 0, got -1",
        "7: knob 'fusion' of compiler 'tvm' has no level 'perhaps'",
        "10: compiler 'tvm' has no knob 'fusoin'",
        "10: knob 'fusion' of compiler 'tvm' has no level 'maybe'",
        "10: stages[0].factorial.fusion[2]: a level is a word or a number",
        "11: there is no workload of this study 'mpl'",
        "12: stages[1]: a stage has either 'factorial', 'vary', 'screen' or 'factorial_of', and only one of them",
        "14: knob 'schedule' of compiler 'tvm' has no level 'unheard'",
        "14: stages[1].vary.schedule[1]: a level is a word or a number",
        "15: unknown key 'wokloads' in 'stages[1]'",
        "16: protocol.hot: blocks <= max_blocks must hold",
    ]
    assert len(found) == len(expected), found
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(start), (fault, start)


@pytest.mark.parametrize(
    ("line", "wrong", "expected"),
    [
        # An entry that had to go takes nothing with it that is right, and shifts no line.
        (
            "workloads: [mlp]",
            "workloads: [3, mlp, nothing]",
            ["2: there is no workload 'nothing'", "2: workloads[0]: "],
        ),
        ("compilers: [tvm]", "compilers: [{fixed: {}}]\nbaseline: {fusion: off}", ["3: key 'name' is missing"]),
        ("compilers: [tvm]", "compilers: tvm", ["3: compilers: input should be a valid list"]),
        ("modes: [cold]", "", ["1: key 'modes' is missing; add it"]),
        ("  - name: primary\n", "  - title: primary\n", ["6: key 'name' is missing", "6: unknown key 'title'"]),
        ("stages:", "plugins: [none.py]\nstages:", ["5: "]),
        ("workloads: [mlp]", "workloads: [plugged]\nplugins: [none.py]", ["3: "]),
    ],
)
def test_load_reports_no_fault_that_follows_from_another(
    tmp_path: Path, line: str, wrong: str, expected: list[str]
) -> None:
    found = faults_of(tmp_path, GOOD.replace(line, wrong))
    assert len(found) == len(expected), found
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_load_with_knob_of_misspelt_compiler_reports_only_its_name(tmp_path: Path) -> None:
    text = GOOD.replace("[tvm]", "[tvn, inductor]").replace("stages:", "baseline: {schedule: default}\nstages:")
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith("3: there is no compiler 'tvn'")


def test_load_with_faulty_plugin_reports_other_faults_too(tmp_path: Path) -> None:
    text = GOOD.replace("[mlp]", "[plugged]").replace("[off, on]", "[off, maybe]") + "plugins: [none.py]\n"
    plugin, level = sorted(faults_of(tmp_path, text), reverse=True)
    assert "none.py" in plugin
    assert level.startswith("8: knob 'fusion' of compiler 'tvm' has no level 'maybe'")


def test_load_of_missing_or_empty_file_gives_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_study(tmp_path / "nowhere.yaml")
    assert faults_of(tmp_path, "") == ["1: the document must be a mapping of keys to values, got NoneType"]


ASKS = ("settings",)  # the compilers are asked for their settings when it is read
SHIPPED = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.compiler] if path.stem in ASKS else [])
    for path in sorted((ROOT / "studies").glob("*.yaml"))
    if not path.name.endswith(".claims.yaml")
]


@pytest.mark.parametrize("path", SHIPPED)
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


def test_study_with_a_thousand_parameters_is_refused_in_one_line(tmp_path: Path) -> None:
    given = ", ".join(f"p{number}: {number}" for number in range(1000))
    file = tmp_path / "study.yaml"
    file.write_text(
        f"name: s\nworkloads:\n  - name: mlp\n    parameters: {{{given}}}\ncompilers: [tvm]\nmodes: [cold]\n"
        "stages: [{name: all, factorial: {fusion: [off, on]}}]\n"
    )
    with pytest.raises(StudyError) as refused:
        load_study(file)
    (line,) = str(refused.value).splitlines()
    assert "parameters" in line and "at most 200 items" in line
    assert len(line) < 500
