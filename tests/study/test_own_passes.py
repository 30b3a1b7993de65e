"""A pass of the author's in a study file: where it is and where it runs, checked when the study is read."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.design import make_design
from ablatrix.study.files import companions, refuse_changed_files
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_passes"
PLACES = {
    "tvm": (("after", "DecomposeOpsForInference"), ("before", "LegalizeOps"), ("after", "FuseTIR")),
    "inductor": (("after", "pre_grad"), ("after", "pre_grad"), ("after", "post_grad")),
}
STUDY = """\
name: own
workloads: [mlp]
compilers:
  - name: tvm
    knobs:
      mine: {pass: "mine.py:shrink", after: LegalizeOps}
modes: [cold, hot]
stages:
  - {name: primary, factorial: {mine: [off, on], fusion: [off, on]}}
"""


def written(
    directory: Path, text: str = STUDY, code: str = "def shrink(module, context):\n    return module\n"
) -> Path:
    (directory / "mine.py").write_text(code)
    file = directory / "study.yaml"
    file.write_text(text)
    return file


def ids(file: Path) -> dict[tuple[tuple[str, object], ...], str]:
    cells = make_design(load_study(file)).cells
    return {tuple(cell.knobs.items()): cell.cell_id for cell in cells if cell.compiler == "tvm"}


def test_pass_is_knob_of_study_with_levels_off_and_on(tmp_path: Path) -> None:
    _, catalogue = load_study(written(tmp_path))
    knob = catalogue.compiler("tvm").knob("mine")
    assert knob is not None
    assert ([level.name for level in knob.levels], knob.default, knob.affects) == (["off", "on"], "off", "code")
    assert catalogue.compiler("tvm").addresses == {"mine": ["pass:mine.py:shrink"]}


def test_changed_pass_changes_cells_that_have_it_and_no_others(tmp_path: Path) -> None:
    file = written(tmp_path)
    before = ids(file)
    written(tmp_path, code="def shrink(module, context):\n    return None\n")
    after = ids(file)
    assert {dict(knobs)["mine"] for knobs, cell in before.items() if after[knobs] != cell} == {"on"}


def test_pass_file_belongs_to_study_and_must_not_change_under_run(tmp_path: Path) -> None:
    resolved = load_study(written(tmp_path))
    assert companions(resolved) == {"mine.py": tmp_path / "mine.py"}
    assert list(make_design(resolved).plugins) == ["mine.py"]
    refuse_changed_files(resolved)
    (tmp_path / "mine.py").write_text("shrink = None\n")
    with pytest.raises(StudyError, match=r"mine.py has changed since the study was loaded"):
        refuse_changed_files(resolved)


def test_study_with_pass_written_and_read_again_is_same_study(tmp_path: Path) -> None:
    study, _ = load_study(written(tmp_path))
    again = Study.model_validate(study.model_dump(mode="json"))
    assert again.digest == study.digest
    assert again.compilers[0].knobs["mine"].own_pass == "mine.py:shrink"


def test_study_with_pipeline_and_order_read_again_is_same_study(tmp_path: Path) -> None:
    words = 'mine: {pipeline: "mine.py:shrink"}\n      turn: {order: [FuseOps, FuseTIR]}'
    file = written(tmp_path, STUDY.replace('mine: {pass: "mine.py:shrink", after: LegalizeOps}', words))
    study, catalogue = load_study(file)
    assert Study.model_validate(study.model_dump(mode="json")).digest == study.digest
    addresses = {"mine": ["pipeline:mine.py:shrink"], "turn": ["order:FuseOps,FuseTIR"]}
    assert catalogue.compiler("tvm").addresses == addresses
    assert companions(ResolvedStudy(study, catalogue)) == {"mine.py": tmp_path / "mine.py"}


def test_order_of_two_passes_in_study_belongs_to_cells_with_both(tmp_path: Path) -> None:
    one, other = (f'{name}: {{pass: "mine.py:{name}", after: LegalizeOps}}\n' for name in ("one", "other"))
    text = STUDY.replace("mine: [off, on], fusion: [off, on]", "one: [off, on], other: [off, on]")
    mine = 'mine: {pass: "mine.py:shrink", after: LegalizeOps}\n'
    texts = [text.replace(mine, f"{first}      {second}") for first, second in ((one, other), (other, one))]
    before, after = (ids(written(tmp_path, each, "def one(module): ...\ndef other(module): ...\n")) for each in texts)
    by_levels = {frozenset(knobs): cell for knobs, cell in after.items()}
    moved = [dict(knobs) for knobs, cell in before.items() if by_levels[frozenset(knobs)] != cell]
    assert [(knobs["one"], knobs["other"]) for knobs in moved] == [("on", "on")]


def test_load_of_pass_runs_no_line_of_it(tmp_path: Path) -> None:
    load_study(written(tmp_path, code="raise SystemExit(3)\ndef shrink(): ...\n"))
    assert "mine" not in sys.modules


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('pass: "mine.py:shrinc", after: LegalizeOps', r"mine.py has no 'shrinc'; nearest: shrink"),
        ('pass: "yours.py:shrink", after: LegalizeOps', r"yours.py cannot be read: No such file"),
        ('pass: "mine.py:shrink", after: LegalizeOp', r"no 'LegalizeOp' that a pass could run after.*nearest: Legali"),
        ('pass: "mine.py:shrink"', r"needs 'after' or 'before', and not both"),
        ('pass: "mine.py:shrink", after: FuseOps, before: FuseTIR', r"needs 'after' or 'before', and not both"),
        ('pass: "mine:shrink", after: FuseOps', r"a pass is written file.py:name"),
        ('pass: "mine.py:shrink", after: FuseOps, default: maybe', r"must be off or on"),
        ('pass: "mine.py:shrink", setting: "env:A", after: FuseOps', r"has a 'setting' and a 'pass'"),
        ('pass: "../mine.py:shrink", after: FuseOps', r"cannot be read"),
        ('pipeline: "mine.py:shrink", after: FuseOps', r"has 'after' or 'before', which go with a 'pass'"),
        ('pipeline: "mine.py:shrink", order: [FuseOps, FuseTIR]', r"has a 'pipeline' and a 'order'; give it one"),
        ('pipeline: "mine.py:shrinc"', r"mine.py has no 'shrinc'; nearest: shrink"),
        ("order: [FuseOps, FuseTI]", r"no pass 'FuseTI' that could change places.*nearest: FuseTIR"),
    ],
)
def test_wrong_pass_is_one_message_with_remedy(tmp_path: Path, words: str, message: str) -> None:
    file = written(tmp_path, STUDY.replace('pass: "mine.py:shrink", after: LegalizeOps', words))
    with pytest.raises(StudyError, match=message):
        load_study(file)


def test_pass_of_compiler_that_takes_none_is_refused(tmp_path: Path) -> None:
    text = STUDY.replace("name: tvm", "name: xla").replace(", fusion: [off, on]", "")
    with pytest.raises(StudyError, match="compiler 'xla' takes no pass of a study"):
        load_study(written(tmp_path, text))


def test_pass_that_is_no_python_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"mine.py is no Python: .*line 1"):
        load_study(written(tmp_path, code="def shrink(:\n"))


def test_example_is_study_of_15_lines_for_three_passes_each(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "own", dirs_exist_ok=True)
    text = (tmp_path / "own" / "study.yaml").read_text()
    first, second = text.index("  - name: tvm"), text.index("  - name: inductor")
    assert len(text.splitlines()) <= 15
    assert len(text[first:second].splitlines()) == 4
    catalogue = load_study(tmp_path / "own" / "study.yaml").catalogue
    for compiler, file in (("tvm", "tvm_passes.py"), ("inductor", "fx_passes.py")):
        assert [(one.name, one.where, one.anchor) for one in catalogue.compiler(compiler).own_passes] == [
            (f"{file}:{name}", where, anchor)
            for name, (where, anchor) in zip(("reciprocal", "tanh_gelu", "nothing"), PLACES[compiler], strict=True)
        ]
