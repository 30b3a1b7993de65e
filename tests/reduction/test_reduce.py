"""Reductions from the question to the results, and wrong uses, each with one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ablatrix.errors import AblatrixError
from ablatrix.reduction import ReductionQuestion, reduce, reduction_data
from ablatrix.reduction.reduce import _expected, _first_looks
from ablatrix.study.load import load_study
from ablatrix.troubles import Configuration, Sight, Trouble
from tests.cli.conftest import answer_here

MODEL = """\
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.leave = torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)

    def forward(self, x):
        y = torch.tanh(self.enter(x)) + x
        return self.leave(y.exp()).relu()


def make():
    return Net(), torch.randn(4, 8)
"""
PASS = """\
import torch


def spoil(graph):
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.tanh.default):
        node.target = torch.ops.aten.sigmoid.default
"""
STUDY = """\
name: planted
workloads: [{name: net, source: "model.py:make"}]
compilers:
  - name: inductor
    knobs: {spoil: {pass: "fx.py:spoil", after: post_grad}}
modes: [cold]
stages: [{name: primary, factorial: {spoil: [off, on]}}]
checks: {input_sets: 2}
protocol: {cold: {replicates: 1, timeout_s: 120}}
"""
WRONG = Trouble(kind="wrong_output", message="values", told="input set 0, output 0: 1 of 4 elements are wrong")


@pytest.fixture
def planted(tmp_path: Path) -> Configuration:
    """A pass that computes sigmoid for tanh, switched on."""
    for name, text in (("model.py", MODEL), ("fx.py", PASS), ("study.yaml", STUDY)):
        (tmp_path / name).write_text(text)
    resolved = load_study(tmp_path / "study.yaml")
    return Configuration(resolved=resolved, workload="net", compiler="inductor", levels={"spoil": "on"})


class Sights:
    """Looks that show one sight after the other."""

    def __init__(self, *shown: Trouble | None) -> None:
        self._shown = iter(shown)

    def see(self, *_: Any, **__: Any) -> Sight:
        one = next(self._shown)
        return Sight(results="x", trials=1, statuses=("ok" if one is None else one.kind,), trouble=one)


@pytest.mark.compiler
@pytest.mark.slow
@pytest.mark.long
def test_reduce_planted_pass_leaves_its_operator_as_a_script(planted: Configuration, tmp_path: Path) -> None:
    said: list[str] = []
    found = reduce(planted, ReductionQuestion(kind="wrong_output"), tmp_path / "out", tell=said.append)
    assert found.operators == ("aten.tanh.default",)
    assert (found.ending, found.again, found.repro) == ("reduced", "yes", "yes")
    assert found.controlled
    assert found.elements_left <= 2
    script = (tmp_path / "out" / "repro.py").read_text()
    assert 'load_pass("fx.py", "spoil")' in script
    assert "ablatrix" not in script
    issue = (tmp_path / "out" / "issue.md").read_text()
    assert "`spoil=on`" in issue
    assert script.strip() in issue
    assert json.loads(json.dumps(reduction_data(found)))["share_left"] == found.share
    assert said[-1].startswith("running study.yaml")


def test_first_looks_trial_that_is_fine_is_refused(planted: Configuration) -> None:
    with pytest.raises(AblatrixError, match=r"does not show the trouble \(wrong output\): its trial ended as ok"):
        _expected(planted, Sights(None).see(), "wrong_output")


def test_first_looks_other_trouble_is_refused_and_named(planted: Configuration) -> None:
    crashed = Trouble(kind="crashed", error="SIGSEGV", phase="compile")
    with pytest.raises(AblatrixError, match=r"another trouble than wrong output: crashed .* --trouble crashed"):
        _expected(planted, Sights(crashed).see(), "wrong_output")


def test_first_looks_flaky_trouble_is_refused(planted: Configuration) -> None:
    looks: Any = Sights(WRONG, None)
    with pytest.raises(AblatrixError, match="the trouble does not come each time: first wrong output"):
        _first_looks(planted, planted.at({"spoil": "off"}), "wrong_output", "cold", looks, lambda text: None)


def test_first_looks_slower_than_itself_is_refused(planted: Configuration) -> None:
    looks: Any = Sights()
    with pytest.raises(AblatrixError, match="its own reference, and so not slower than it"):
        _first_looks(planted, planted, "slower", "hot", looks, lambda text: None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["8974259a"], "so it is a trial: give its --results and --study, too"),
        (["study.yaml"], "a study does not say what is wrong; say --trouble"),
        (["study.yaml", "--trouble", "sad"], "there is no trouble 'sad'"),
        (["study.yaml", "--trouble", "crashed", "--knob", "spoil=maybe"], "has no level 'maybe'"),
    ],
)
def test_reduce_command_wrong_use_is_one_sentence(
    planted: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = answer_here("reduce", *words, "--out", "out")
    assert done.returncode == 2
    assert message in " ".join(done.stderr.decode().split())
    assert not (tmp_path / "out" / "looks").exists()
