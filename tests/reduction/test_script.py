"""The text of ``repro.py`` for each compiler and each trouble, and its part that compares, run for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.settings import AddressList, add_settings
from ablatrix.reduction.plain_calls import PlainCall, plain_call
from ablatrix.reduction.results import run_script
from ablatrix.reduction.script import Script, fragment_of, script_text
from ablatrix.troubles import Trouble
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref

WRONG = Trouble(kind="wrong_output", message="values", told="input set 0, output 0: 1 of 4 elements are wrong")
KINDS = ("wrong_output", "crashed", "timeout", "compile_error", "run_error", "slower")


def graph() -> FlatGraph:
    """Return tanh of two numbers."""
    return FlatGraph(
        leaves=(Leaf(name="x", kind="input", value=torch.tensor([0.5, -1.0])),),
        operations=(Operation(name="y", target=torch.ops.aten.tanh.default, args=(Ref("x"),)),),
        outputs=("y",),
    )


def written(directory: Path, body: str, trouble: Trouble = WRONG, of: FlatGraph | None = None) -> Path:
    """Write a script whose compiler is a few lines, and return it."""
    code = f"def compile_model(model, inputs):\n{body}\n"
    call = PlainCall(environment={}, code=code, package="torch", own=(), left_out=())
    file = directory / "repro.py"
    script = Script(
        graph=of or graph(), trouble=trouble, title="A title.", facts=("A fact.",), call=call, timeout_s=2.0
    )
    file.write_text(script_text(script))
    return file


@pytest.mark.parametrize("compiler", ["inductor", "onnxruntime", "openvino", "tvm", "xla"])
@pytest.mark.parametrize("kind", KINDS)
def test_script_text_is_python_without_ablatrix(compiler: str, kind: str) -> None:
    entry = SHIPPED[compiler]
    call = plain_call(entry, entry.defaults(), 1)
    assert call is not None
    script = Script(graph=graph(), trouble=Trouble(kind=kind), title="A title.", facts=(), call=call, reference=call)
    text = script_text(script)
    compile(text, "repro.py", "exec")
    assert "ablatrix" not in text
    assert ("def compile_reference" in text) == (kind == "slower")


@pytest.mark.slow
def test_run_script_wrong_values_shows_them(tmp_path: Path) -> None:
    shown, told = run_script(written(tmp_path, "    return lambda: [model(*inputs)[0] + 0.25]"))
    assert shown == "yes"
    assert "output 0: 2 of 2 elements are wrong" in told
    assert "at [0]: expected 0.462117157, actual 0.712117" in told


@pytest.mark.slow
def test_run_script_compiler_that_leaves_tiny_numbers_flushed_is_compared_without(tmp_path: Path) -> None:
    product = Operation(name="y", target=torch.ops.aten.mul.Tensor, args=(Ref("x"), 1e-20))
    x = Leaf(name="x", kind="input", value=torch.tensor([2e-20]))
    tiny = FlatGraph(leaves=(x,), operations=(product,), outputs=("y",))
    body = "    torch.set_flush_denormal(True)\n    return lambda: list(model(*inputs))"
    shown, told = run_script(written(tmp_path, body, of=tiny))
    assert shown == "yes"
    assert "at [0]: expected 1.99999994e-40, actual 0" in told


@pytest.mark.slow
def test_run_script_that_needs_ablatrix_shows_nothing(tmp_path: Path) -> None:
    shown, told = run_script(written(tmp_path, "    import ablatrix\n    return lambda: []"))
    assert shown == "no"
    assert "import of ablatrix halted" in told


@pytest.mark.slow
def test_run_script_crash_is_told_by_its_signal(tmp_path: Path) -> None:
    body = "    os.kill(os.getpid(), signal.SIGSEGV)"
    shown, told = run_script(written(tmp_path, body, Trouble(kind="crashed", error="SIGSEGV")))
    assert shown == "yes"
    assert "ended by SIGSEGV" in told


@pytest.mark.slow
def test_run_script_error_is_told_by_its_message(tmp_path: Path) -> None:
    told = "inductor failed on task 0 (ab12): RuntimeError: the pass has no rule for tangents"
    trouble = Trouble(kind="compile_error", error="CompilerError", told=told)
    same = written(tmp_path, "    raise RuntimeError('the pass has no rule for tangents')", trouble)
    assert run_script(same)[0] == "yes"


@pytest.mark.parametrize(
    ("message", "fragment"),
    [
        ("tvm failed on task 0 (ab12): the pass has no rule for tangents", "the pass has no rule for tangents"),
        ("xla failed on task 3 (cd34): shape [2, 3] does not fit into 'out' of rank 7", "does not fit into"),
        ("", ""),
    ],
)
def test_fragment_of_is_what_no_size_or_name_changes(message: str, fragment: str) -> None:
    assert fragment_of(message) == fragment


def test_plain_call_has_what_the_study_sets() -> None:
    knobs: dict[str, dict[str, Any]] = {
        "skip": {"setting": "optimizer:SkipLayerNormFusion"},
        "spin": {"setting": "session:session.intra_op.allow_spinning", "levels": ["0", "1"]},
    }
    known = AddressList(())
    entry, _ = add_settings(SHIPPED["onnxruntime"], knobs, known, Path())
    call = plain_call(entry, {**entry.defaults(), "skip": "off", "graph_level": "extended"}, 2)
    assert call is not None
    assert "disabled_optimizers=['SkipLayerNormFusion']" in call.code or "SkipLayerNormFusion" in call.code
    assert "GraphOptimizationLevel.ORT_ENABLE_EXTENDED" in call.code
    assert "options.intra_op_num_threads = 2" in call.code
    assert call.left_out == ()


def test_plain_call_pass_of_ones_own_runs_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def spoil(graph): pass\n")
    entry, faults = add_settings(
        SHIPPED["tvm"], {"mine": {"pass": "mine.py:spoil", "after": "LegalizeOps"}}, AddressList(()), tmp_path
    )
    assert not faults
    call = plain_call(entry, {**entry.defaults(), "mine": "on", "fusion": "off"}, 1)
    assert call is not None
    assert 'T.LegalizeOps(),\n        as_pass(load_pass("mine.py", "spoil"))' in call.code
    assert "FuseOps" not in call.code


def test_plain_call_of_a_plug_in_is_none() -> None:
    from dataclasses import replace

    assert plain_call(replace(SHIPPED["tvm"], name="mine"), SHIPPED["tvm"].defaults(), 1) is None


def test_script_text_sets_variables_before_it_imports_and_not_for_others() -> None:
    call = PlainCall(environment={"PLANTED": "7"}, code="", package="torch", own=(), left_out=())
    text = script_text(Script(graph=graph(), trouble=WRONG, title="A title.", facts=(), call=call))
    before, _, _ = text.partition("import torch")
    assert """if __name__ == "__main__":\n    os.environ['PLANTED'] = '7'""" in before


def test_plain_call_work_of_ours_is_named_as_left_out() -> None:
    entry = SHIPPED["tvm"]
    call = plain_call(entry, {**entry.defaults(), "schedule": "vectorised", "library": "off"}, 1)
    assert call is not None
    assert call.left_out == ("schedule=vectorised",)
