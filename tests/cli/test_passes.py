"""The command ``passes``: a model compiled in a process of its own, the table and JSON, and what is refused."""

from __future__ import annotations

import json

import pytest

from ablatrix.compilers.passes import PassRun, PassSummary
from ablatrix.trials.run import PassList
from tests.cli.conftest import Ablatrix

LIST = PassList(
    compiler="xla",
    versions={"jaxlib": "1.0"},
    workload="mlp",
    parameters={"layers": 1},
    knobs={"partition": "whole", "fusion": "on"},
    evidence="changed: by the text",
    passes=(
        PassSummary(name="outer", address="", runs=1, changed=None, milliseconds=None),
        PassSummary(name="dce", address="pass:dce", runs=12, changed=2, milliseconds=1.25),
        PassSummary(name="cse", address="pass:cse", runs=1, changed=0, milliseconds=0.5),
    ),
    not_run=("pass:fusion", "pass:sort"),
    runs=(PassRun(name="dce", within="outer", milliseconds=1.25, changed=True, before="a", after="b"),),
)
TABLE = """\
Passes of xla on mlp
  pass      runs  changed     ms
  --------  ----  -------  -----
  outer        1        ?
  pass:dce    12        2  1.250

configuration: partition=whole, fusion=on
A name with a kind before it is an address: a study can switch the pass off.
changed: by the text.
1 pass ran and changed nothing (0.500 ms); --all lists them
2 passes did not run; --all lists them
"""
WHOLE = """\
Passes of xla on mlp
  pass         runs  changed     ms
  -----------  ----  -------  -----
  outer           1        ?
  pass:dce       12        2  1.250
  pass:cse        1        0  0.500
  pass:fusion     0
  pass:sort       0

configuration: partition=whole, fusion=on
A name with a kind before it is an address: a study can switch the pass off.
changed: by the text.
"""


def test_passes_of_model_are_listed_in_configuration_that_is_asked_for(here: Ablatrix) -> None:
    done = here(
        *("passes", "onnxruntime", "--model", "mlp", "--json"),
        *("--knob", "fusion=on", "--knob", "optimizer:ConstantFolding=off"),
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert (found["compiler"], found["workload"]) == ("onnxruntime", "mlp")
    assert found["knobs"]["fusion"] == "on"
    assert found["knobs"]["optimizer_ConstantFolding"] == "off"
    changed = {one["address"] for one in found["passes"] if one["changed"]}
    assert "optimizer:MatMulAddFusion" in changed
    assert "optimizer:ConstantFolding" in found["not_run"]
    assert len(found["passes"]) + len(found["not_run"]) > 50


@pytest.mark.parametrize(("options", "text"), [([], TABLE), (["--all"], WHOLE)])
def test_passes_are_shown_in_80_columns(
    here: Ablatrix, monkeypatch: pytest.MonkeyPatch, options: list[str], text: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("ablatrix.trials.run.list_passes", lambda *_: LIST)
    done = here("passes", "xla", "--model", "mlp", *options)
    assert (done.returncode, done.stdout.decode()) == (0, text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("onnx --model mlp", "there is no compiler 'onnx'; there are: "),
        ("eager --model mlp", "compiler 'eager' compiles nothing, so it runs no passes"),
        ("tvm --model mlpp", "there is no workload 'mlpp'; there are: "),
        ("tvm --model mlp --knob fusoin=on", "compiler 'tvm' has no knob 'fusoin'; it has: "),
        ("tvm --model mlp --knob fusion=maybe", "knob 'fusion' of compiler 'tvm' has no level 'maybe'; it has: off"),
        ("tvm --model mlp --knob fusion", "--knob fusion: must be of the form knob=level, such as fusion=off"),
        ("tvm --model mlp --knob fusion=on --knob fusion=off", "'fusion' is given twice; give it once"),
        ("tvm --model mlp --knob upper_bound=8", "'mlp' has no dynamic dimension"),
        ("openvino --model mlp --knob property:SNIPPETS_MOD=x", "nearest: SNIPPETS_MODE"),
        ("openvino --model mlp --knob propery:SNIPPETS_MODE=x", "has no settings of kind 'propery'"),
    ],
)
def test_mistake_is_one_line_and_exits_with_2(here: Ablatrix, words: str, message: str) -> None:
    done = here("passes", *words.split())
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: ")
    assert message in line
