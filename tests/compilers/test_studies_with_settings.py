"""Shipped studies that have settings, against the installed compilers: they are read, and what they say is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.errors import StudyError
from ablatrix.study.design import make_design
from ablatrix.study.load import load_study
from tests.cli.conftest import answer_here

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "studies" / "settings.yaml"
COMPLAINTS = sorted((ROOT / "examples" / "complaints").glob("*.yaml"))
PAGE = ROOT / "docs" / "cases" / "complaints.md"
# What is written instead, and what is said of it: names that are none, and levels of another type.
WRONG = {
    "config:tirx.disable_vectorize": ("config:tirx.disable_vectorise", "nearest: tirx.disable_vectorize"),
    "levels: [1, 256]": ("levels: [wide]", "'config:cpp.simdlen' has no level 'wide': it must be a whole number"),
    "optimizer:ConstantFolding": ("optimiser:ConstantFolding", "nearest: optimizer"),
    "session:session.intra_op.allow_spinning": ("session:intra_op.spinning", "nearest: .*intra_op.allow_spinning"),
    "flag:xla_llvm_disable_expensive_passes": ("flag:xla_llvm_expensive_passes", "nearest: xla_llvm_disable_expensive"),
    "levels: [PERFORMANCE, ACCURACY]": ("levels: [PERFORMANCE, EXACT]", "must be one of PERFORMANCE, ACCURACY"),
}


def test_settings_study_has_two_settings_of_each_of_five_compilers() -> None:
    resolved = load_study(STUDY)
    named = {choice.name: list(choice.knobs) for choice in resolved.study.compilers}
    assert {name: len(knobs) for name, knobs in named.items()} == dict.fromkeys(
        ("tvm", "inductor", "onnxruntime", "xla", "openvino"), 2
    )
    assert [(name, knob) for name, knobs in named.items() for knob in knobs if SHIPPED[name].knob(knob)] == []
    cells = make_design(resolved).cells
    assert {name: sum(cell.compiler == name for cell in cells) for name in named} == {
        "tvm": 6,
        "inductor": 6,
        "onnxruntime": 4,
        "xla": 6,
        "openvino": 4,
    }


def test_six_wrong_names_and_types_are_one_message_each(tmp_path: Path) -> None:
    text = STUDY.read_text(encoding="utf-8")
    lines: list[int] = []
    for right, (wrong, _) in WRONG.items():
        assert text.count(right) == 1
        lines.append(text[: text.index(right)].count("\n") + 1)
        text = text.replace(right, wrong)
    file = tmp_path / "wrong.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(file)
    said = {int(line.split(":")[1]): line for line in caught.value.faults}
    assert list(said) == lines
    for line, (_, message) in zip(lines, WRONG.values(), strict=True):
        assert re.search(message, said[line]), said[line]
        assert "\n" not in said[line]
    done = answer_here("design", file)
    assert done.returncode == 2
    assert all(line in done.stderr.decode() for line in caught.value.faults)


@pytest.mark.parametrize("file", COMPLAINTS, ids=lambda file: file.stem)
def test_replay_of_complaint_is_short_study_that_page_shows(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 25
    resolved = load_study(file)
    design = make_design(resolved)
    moved = {cell.compiler for cell in design.cells if cell.knobs != cell.baseline}
    assert moved - {"eager"} == {choice.name for choice in resolved.study.compilers}
    page = PAGE.read_text(encoding="utf-8")
    assert f"(../../examples/complaints/{file.name})" in page
    assert [url for url in re.findall(r"https://[\w./-]+\d", text) if url not in page] == []
