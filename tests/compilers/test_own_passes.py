"""Passes of the author's in TVM and Inductor: they run where they should, and the check judges what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.settings import AddressList, add_settings
from ablatrix.compilers.settings.applied import NO_SETTINGS
from ablatrix.errors import CompilerError
from ablatrix.import_spec import import_place
from ablatrix.study.load import load_study
from ablatrix.testing.programs import SMALL_PROGRAMS
from ablatrix.testing.subject import Subject

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_passes"
FILES = {"tvm": "tvm_passes.py", "inductor": "fx_passes.py"}
AFTER = {"tvm": "DecomposeOpsForInference", "inductor": "pre_grad"}


def subject(compiler: str, directory: Path, study: Path = EXAMPLE, **knobs: dict[str, Any]) -> Subject:
    entry, faults = add_settings(SHIPPED[compiler], knobs, AddressList(()), study)
    assert not faults
    directory.mkdir(parents=True, exist_ok=True)
    return Subject(import_place(entry.adapter)(), entry, directory)


def output(made: Subject, levels: dict[str, str], program: str = "attention") -> torch.Tensor:
    case = made.case(levels, program)
    bound = case.executable.bind((case.draw.inputs[0].clone(),))
    bound.run()
    (found,) = bound.outputs()
    return found.clone()


def make_gelu() -> tuple[torch.nn.Module, torch.Tensor]:
    return torch.nn.GELU(), torch.linspace(-2, 2, 32).reshape(4, 8)


@pytest.mark.parametrize("compiler", list(FILES))
def test_pass_changes_result_where_it_runs_and_nothing_where_it_is_idle(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SMALL_PROGRAMS, "gelu", make_gelu)
    made = subject(
        compiler,
        tmp_path,
        gelu={"pass": f"{FILES[compiler]}:tanh_gelu", "after": AFTER[compiler]},
        idle={"pass": f"{FILES[compiler]}:nothing", "after": AFTER[compiler]},
    )
    plain: dict[str, str] = {}
    idle, moved = {"idle": "on"}, {"gelu": "on"}
    digests = [made.case(levels, "gelu").digest for levels in (plain, idle, moved)]
    assert digests[0] == digests[1] != digests[2]
    before, after = (output(made, levels, "gelu") for levels in (plain, moved))
    assert 1e-6 < (after - before).abs().max().item() < 1e-2  # tanh approximates GELU to 5e-4
    torch.testing.assert_close(output(made, idle, "gelu"), before, rtol=0, atol=0)


def test_tvm_sequence_has_every_anchor_of_catalogue() -> None:
    from ablatrix.compilers.tvm import pipeline

    names = [name for name, _ in pipeline._steps(pipeline.Options.from_knobs({}, NO_SETTINGS))]
    assert [anchor for anchor in SHIPPED["tvm"].anchors if anchor not in names] == []


def test_tvm_pass_at_each_anchor_sees_module_once(tmp_path: Path) -> None:
    code = """\
import pathlib, tvm
@tvm.transform.module_pass(opt_level=0)
def note(module, context):
    with open(pathlib.Path(__file__).parent / "seen", "a") as file:
        file.write("x")
    return module
"""
    (tmp_path / "noting.py").write_text(code)
    anchors = SHIPPED["tvm"].anchors
    knobs = {f"k{at}": {"pass": "noting.py:note", "after": anchor} for at, anchor in enumerate(anchors)}
    made = subject("tvm", tmp_path / "built", tmp_path, **knobs)
    made.case(dict.fromkeys(knobs, "on"))
    assert (tmp_path / "seen").read_text() == "x" * len(anchors)


def test_inductor_pass_at_each_point_runs(tmp_path: Path) -> None:
    points = [
        (where, anchor)
        for anchor in ("pre_grad", "joint_graph", "post_grad", "fusion")
        for where in ("before", "after")
    ]
    code = """\
import pathlib
def noting(word, returns):
    def note(subject):
        with open(pathlib.Path(__file__).parent / "seen", "a") as file:
            file.write(word + " ")
        return subject if returns else None
    return note
"""
    knobs = {}
    for where, anchor in points:
        name = f"{where}_{anchor}"
        code += f"{name} = noting({name!r}, {anchor == 'fusion'})\n"
        knobs[name] = {"pass": f"noting_points.py:{name}", where: anchor}
    (tmp_path / "noting_points.py").write_text(code)
    subject("inductor", tmp_path / "built", tmp_path, **knobs).case(dict.fromkeys(knobs, "on"))
    seen = list(dict.fromkeys((tmp_path / "seen").read_text().split()))
    assert seen == list(knobs)


@pytest.mark.parametrize(
    ("compiler", "code", "message"),
    [
        ("tvm", "broken_tvm = 3\n", "broken_tvm must be a tvm.transform.Pass|'int' object is not callable"),
        ("tvm", "import nowhere_at_all\nbroken_tvm = 3\n", "cannot be imported: ModuleNotFoundError"),
        ("inductor", "broken_inductor = 3\n", "must be a function"),
    ],
)
def test_object_that_is_no_pass_is_typed_error(compiler: str, code: str, message: str, tmp_path: Path) -> None:
    name = f"broken_{compiler}_{len(code)}"
    (tmp_path / f"{name}.py").write_text(code)
    words = {"pass": f"{name}.py:broken_{compiler}", "after": AFTER[compiler]}
    made = subject(compiler, tmp_path / "built", tmp_path, it=words)
    with pytest.raises(CompilerError, match=message):
        made.case({"it": "on"})


def test_edited_pass_misses_cache_and_other_level_hits(tmp_path: Path) -> None:
    code = "import tvm\n@tvm.transform.module_pass(opt_level=0)\ndef edited(module, context):\n    return module\n"
    (tmp_path / "editing.py").write_text(code)
    words = {"pass": "editing.py:edited", "after": "FuseTIR"}
    first = subject("tvm", tmp_path / "one", tmp_path, it=words).case({"it": "on"})
    (tmp_path / "editing.py").write_text(code + "# edited\n")
    again = subject("tvm", tmp_path / "two", tmp_path, it=words)
    assert again.compile({"it": "on"}, first.directory).counters.hits_disk == 0
    assert again.compile({"it": "on"}, first.directory).counters.hits_disk == 1


def test_pipeline_and_orders_of_example_act_as_they_should(tmp_path: Path) -> None:
    entry = load_study(EXAMPLE / "pipeline.yaml").catalogue.compiler("tvm")
    made = Subject(import_place(entry.adapter)(), entry, tmp_path)
    around = {"fusion": "on", "reciprocal": "on", "nothing": "on"}
    base, unfused, annotate, mine = (
        made.case({**around, **moved}, "attention")
        for moved in ({}, {"unfused": "on"}, {"annotate": "swapped"}, {"mine": "swapped"})
    )
    without_fusion = made.case({**around, "fusion": "off"}, "attention")
    assert unfused.digest == without_fusion.digest != base.digest
    assert base.digest != annotate.digest  # operators that are annotated before they are legalised are not fused
    assert mine.digest == base.digest  # the two passes have nothing to do with each other
    torch.testing.assert_close(output(made, {**around, "annotate": "swapped"}), output(made, around))
    assert made.compile({**around, "annotate": "swapped"}, base.directory, "attention").counters.hits_disk == 0
    assert made.compile({**around, "mine": "swapped"}, mine.directory, "attention").counters.hits_disk == 1


NOTING = """\
import pathlib, tvm
def noting(word):
    def note(given, *context):
        with open(pathlib.Path(__file__).parent / "seen", "a") as file:
            file.write(word)
        return given
    return note
a, b = noting("a"), noting("b")
"""


@pytest.mark.parametrize(("compiler", "end"), [("tvm", "a, b = tvm_pass(a), tvm_pass(b)\n"), ("inductor", "")])
def test_two_passes_at_one_point_change_places(compiler: str, end: str, tmp_path: Path) -> None:
    code = NOTING + "tvm_pass = tvm.transform.module_pass(opt_level=0)\n" + end
    (tmp_path / f"two_{compiler}.py").write_text(code)
    passes = {name: {"pass": f"two_{compiler}.py:{name}", "after": AFTER[compiler]} for name in "ab"}
    made = subject(compiler, tmp_path / "built", tmp_path, order={"order": ["b", "a"]}, **passes)
    made.case({"a": "on", "b": "on", "order": "swapped"})
    assert (tmp_path / "seen").read_text() == "ba"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def it(passes):\n    passes.pop()\n", r"pipeline .*:it must return a list of passes, and not a NoneType"),
        ("def it(passes):\n    return [*passes, 3]\n", r"must return a list of tvm.transform.Pass, not of int"),
        ("def it(passes):\n    return passes[:5]\n", r"pipeline of the study leaves out LowerAllocTensor"),
        ("def it(passes):\n    return passes.index('Fold')\n", r"tvm failed on task 0"),
        ("it = 3\n", r"from a list of passes to one, and not of type int"),
    ],
)
def test_pipeline_that_makes_no_sequence_is_typed_error(code: str, message: str, tmp_path: Path) -> None:
    name = f"no_sequence_{len(code)}.py"
    (tmp_path / name).write_text(code)
    made = subject("tvm", tmp_path / "built", tmp_path, own={"pipeline": f"{name}:it"})
    with pytest.raises(CompilerError, match=message):
        made.case({"own": "on"})
