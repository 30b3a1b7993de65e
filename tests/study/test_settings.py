"""Settings in the study file: checked when it is read, and knobs like any other from there on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ablatrix.canonical import canonical_json
from ablatrix.compilers.catalogue import SHIPPED, Setting
from ablatrix.compilers.settings import Address, AddressList
from ablatrix.errors import CompilerError, StudyError
from ablatrix.study import resolve as resolving
from ablatrix.study.design import make_cells, make_design
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.planned_stage import stage_plan
from ablatrix.study.without_file import make_study, study_text

KNOWN = AddressList(
    (
        Address(kind="optimizer", name="SkipLayerNormFusion", type="switch", value=True),
        Address(kind="session", name="session.spin", type="switch", value="0", affects="run_time", off="0", on="1"),
        Address(kind="option", name="inter_op_num_threads", type="whole number", value=1, affects="run_time"),
        Address(kind="option", name="rate", type="number", value=1.0),
    )
)
STUDY = """\
name: own
workloads: [mlp]
compilers:
  - name: onnxruntime
    knobs:
      skip: {setting: "optimizer:SkipLayerNormFusion"}
      inter: {setting: "option:inter_op_num_threads", levels: [1, 2, 4, 16, 128]}
      rate: {setting: "option:rate", levels: [0.25, 0.5, 1.0]}
modes: [cold]
stages:
  - {name: primary, factorial: {skip: [on, off]}}
  - {name: levels, around: {}, vary: {inter: [128, 2, 16], rate: [0.5]}}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer with a short list of settings; return the names of the compilers that were asked."""
    names: list[str] = []

    def ask(entry: object) -> AddressList:
        names.append(entry.name)  # type: ignore[attr-defined]
        return KNOWN

    monkeypatch.setattr(resolving, "ask_addresses", ask)
    return names


def written(directory: Path, text: str = STUDY) -> Path:
    file = directory / "study.yaml"
    file.write_text(text)
    return file


def test_settings_are_knobs_of_study_alone(tmp_path: Path, asked: list[str]) -> None:
    before = dict(SHIPPED)
    study, catalogue = load_study(written(tmp_path))
    entry = catalogue.compiler("onnxruntime")
    assert asked == ["onnxruntime"]
    assert [knob.name for knob in entry.knobs][:4] == ["skip", "inter", "rate", "partition"]
    assert entry.knobs[0].acts == (Setting("optimizer", "SkipLayerNormFusion", (("off", False), ("on", True))),)
    assert dict(SHIPPED) == before
    assert SHIPPED["onnxruntime"].knob("skip") is None
    assert study.compilers[0].knobs["inter"].levels == [1, 2, 4, 16, 128]


def test_design_has_levels_of_settings_with_numbers_as_numbers(tmp_path: Path, asked: list[str]) -> None:
    resolved = load_study(written(tmp_path))
    cells = make_cells(resolved, "mlp", "onnxruntime")
    moved = [{name: cell.knobs[name] for name in ("skip", "inter", "rate")} for cell in cells]
    assert moved == [
        {"skip": "on", "inter": 1, "rate": 1},
        {"skip": "off", "inter": 1, "rate": 1},
        {"skip": "on", "inter": 128, "rate": 1},
        {"skip": "on", "inter": 2, "rate": 1},
        {"skip": "on", "inter": 16, "rate": 1},
        {"skip": "on", "inter": 1, "rate": 0.5},
    ]
    design = make_design(resolved)
    trial = next(one for one in design.trials if one.cell_id == cells[-1].cell_id)
    plan = stage_plan(resolved, design, trial, cells[-1])
    assert plan is not None
    assert plan.levels == [[128, 2, 16], [0.5]]
    assert len(design.cells) == 7


def test_cell_with_setting_differs_from_that_of_other_address(tmp_path: Path, asked: list[str]) -> None:
    other = STUDY.replace("optimizer:SkipLayerNormFusion", "session:session.spin").replace("[on, off]", "[off, on]")
    ids = [
        {cell.cell_id for cell in make_cells(load_study(written(tmp_path, text)), "mlp", "onnxruntime")}
        for text in (STUDY, other)
    ]
    assert not ids[0] & ids[1]


def test_digest_of_study_without_settings_stays(tmp_path: Path) -> None:
    plain = make_study(["mlp"], ["onnxruntime"], modes=["cold"])
    assert '"knobs"' not in canonical_json(plain.model_dump(mode="json")["compilers"])
    program = Study.model_validate(
        {
            "name": "own",
            "workloads": ["mlp"],
            "compilers": [{"name": "mine", "command": ["python3"], "knobs": {"level": ["a", "b"]}}],
            "modes": ["cold"],
            "stages": [{"name": "primary", "factorial": {"level": ["a", "b"]}}],
        }
    )
    dumped = program.model_dump(mode="json")["compilers"][0]["knobs"]["level"]
    assert list(dumped) == ["levels", "default", "kind", "affects", "summary"]


def test_text_of_study_with_settings_loads_to_same_digest(tmp_path: Path, asked: list[str]) -> None:
    study = load_study(written(tmp_path)).study
    assert load_study(written(tmp_path, study_text(study))).study.digest == study.digest


def test_number_without_fraction_is_whole(tmp_path: Path, asked: list[str]) -> None:
    one, other = (load_study(written(tmp_path, STUDY.replace("1.0]", last))).study for last in ("1.0]", "1]"))
    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "SkipLayerNormFusion",
            "SkipLayerNormFuson",
            "study.yaml:6: compiler 'onnxruntime', as installed, has no optimizer 'SkipLayerNormFuson' among its 1; "
            "nearest: SkipLayerNormFusion",
        ),
        (
            "[1, 2, 4, 16, 128]",
            "[1, 2.5]",
            "study.yaml:7: 'option:inter_op_num_threads' has no level '2.5': it must be a whole number",
        ),
        (
            'skip: {setting: "optimizer:SkipLayerNormFusion"}',
            "skip: {levels: [a, b]}",
            "study.yaml:4: compilers[0]: knob 'skip' has no 'setting'",
        ),
        (
            "[0.25, 0.5, 1.0]",
            "[.nan]",
            "study.yaml:8: compilers[0].knobs.rate.levels[0]: a level is a word or a finite",
        ),
        ("      rate: {setting", "      a-b: {setting", "study.yaml:4: compilers[0]: 'a-b' is no name of a knob"),
        (
            "skip: [on, off]",
            "skip: [on, of]",
            "study.yaml:11: knob 'skip' of compiler 'onnxruntime' has no level 'of'; it has: off, on",
        ),
    ],
)
def test_fault_of_setting_is_one_message_with_its_line(
    tmp_path: Path, asked: list[str], old: str, new: str, message: str
) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(written(tmp_path, STUDY.replace(old, new)))
    assert [line.removeprefix(f"{tmp_path}/")[: len(message)] for line in caught.value.args] == [message]


def test_compiler_that_cannot_be_asked_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(entry: object) -> AddressList:
        raise CompilerError("compiler 'onnxruntime' is not installed")

    monkeypatch.setattr(resolving, "ask_addresses", ask)
    with pytest.raises(StudyError) as caught:
        load_study(written(tmp_path))
    assert [line.partition(": ")[2] for line in caught.value.args] == ["compiler 'onnxruntime' is not installed"]


def test_program_that_describes_no_settings_has_those_of_environment_alone(tmp_path: Path) -> None:
    described = {"protocol": 1, "knobs": [{"name": "level", "levels": ["a"], "default": "a"}]}
    (tmp_path / "x.py").write_text(f"input()\nprint({json.dumps(described)!r})\n")
    text = STUDY.replace("  - name: onnxruntime", "  - name: mine\n    command: [python3, x.py]")
    with pytest.raises(StudyError, match="compiler 'mine' has no settings of kind 'optimizer'; it has: env"):
        load_study(written(tmp_path, text))


def test_load_of_settings_imports_no_framework(tmp_path: Path, asked: list[str]) -> None:
    frameworks = {"torch", "onnxruntime", "tvm", "jax", "openvino"}
    before = frameworks & set(sys.modules)
    load_study(written(tmp_path))
    assert frameworks & set(sys.modules) == before


def test_knob_of_command_line_may_have_fractions() -> None:
    study = make_study(["mlp"], ["onnxruntime"], knobs=["threads=1,2", "fusion=off,on"], modes=["cold"])
    assert study.stages[1].vary == {"threads": [1, 2]}
    study = make_study(["mlp"], ["onnxruntime"], knobs=["fusion=0.5,1.0,2,-1"], modes=["cold"])
    assert study.stages[0].factorial == {"fusion": [0.5, 1, 2, -1]}
