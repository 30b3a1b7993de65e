"""What is asked is kept, bounded and controlled: a judge over a predicate that reads the program it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ablatrix.errors import TrialError
from ablatrix.reduction.journal import ReductionJournal
from ablatrix.reduction.judge import Judge, SpentError, kind_of_wrong
from ablatrix.reduction.steps import reduce_graph
from ablatrix.troubles import Configuration, Observation, Trouble
from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref

aten = torch.ops.aten
WRONG = Trouble(kind="wrong_output", message="values", told="input set 0, output 0: 1 of 4 elements are wrong")
OTHER = Trouble(kind="crashed", error="SIGSEGV", phase="compile")


@dataclass
class Reader:
    """A predicate that answers by the operators of the saved program, and whether the setting is on."""

    answer: Callable[[set[str], bool], Trouble | None]
    looks: Any
    trouble: Trouble = WRONG
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def ask(self, configuration: Configuration, place: str) -> Observation:
        assert configuration.program is not None
        nodes = torch.export.load(configuration.program).graph.nodes
        names = tuple(str(node.target) for node in nodes if node.op == "call_function")
        self.asked.append(names)
        shown = self.answer(set(names), configuration.levels.get("setting") == "on")
        if shown is None:
            return Observation(answer="no", trials=1)
        return Observation(answer="yes" if shown.is_same_as(WRONG) else "other", trouble=shown, trials=1)


def chain() -> FlatGraph:
    """Return relu, sin, tanh, neg, exp, one after the other."""
    names = ("relu", "sin", "tanh", "neg", "exp")
    operations = [
        Operation(name=name, target=getattr(aten, name).default, args=(Ref(before),))
        for before, name in zip(("x", *names), names, strict=False)
    ]
    leaf = Leaf(name="x", kind="input", value=torch.linspace(-1.0, 2.0, 6).reshape(2, 3))
    return FlatGraph(leaves=(leaf,), operations=tuple(operations), outputs=("exp",))


def judge(
    directory: Path,
    answer: Callable[[set[str], bool], Trouble | None],
    most_steps: int = 100,
    *,
    controlled: bool = True,
) -> Judge:
    """Return a judge over `Reader`."""
    reader: Any = Reader(answer, SimpleNamespace(directory=directory / "looks"))
    resolved: Any = None
    return Judge(
        predicate=reader,
        configuration=Configuration(resolved=resolved, workload="w", compiler="c", levels={"setting": "on"}),
        control={"setting": "off"},
        journal=ReductionJournal(directory, "question"),
        out=directory,
        most_steps=most_steps,
        most_seconds=1e6,
        tell=lambda text: None,
    )


def at_tanh(names: set[str], is_on: bool) -> Trouble | None:
    return WRONG if "aten.tanh.default" in names and is_on else None


@pytest.mark.slow
def test_reduce_graph_one_guilty_operator_is_all_that_is_left(tmp_path: Path) -> None:
    found = reduce_graph(chain(), judge(tmp_path, at_tanh))
    assert [one.name for one in found.operations] == ["tanh"]
    assert [list(one.value.shape) for one in found.inputs] == [[1, 1]]
    assert found.inputs[0].rule


@pytest.mark.slow
def test_reduce_graph_never_slips_to_a_fault_that_is_there_without_the_setting(tmp_path: Path) -> None:
    def answer(names: set[str], is_on: bool) -> Trouble | None:
        if "aten.relu.default" in names and "aten.tanh.default" not in names:
            return WRONG  # whatever the setting is
        return at_tanh(names, is_on)

    made = judge(tmp_path, answer)
    found = reduce_graph(chain(), made)
    assert [one.name for one in found.operations] == ["tanh"]
    assert made.counts()["slipped"] >= 1
    assert "without the setting, too" in made.others()[0].text


@pytest.mark.slow
def test_reduce_graph_other_troubles_are_counted_and_kept(tmp_path: Path) -> None:
    def answer(names: set[str], is_on: bool) -> Trouble | None:
        return at_tanh(names, is_on) or (OTHER if "aten.relu.default" in names else None)

    made = judge(tmp_path, answer)
    reduce_graph(chain(), made)
    (other,) = made.others()
    assert other.text == "crashed (SIGSEGV) while compiling"
    assert other.example.exists()


def test_has_it_same_program_is_asked_once_and_after_a_restart_not_again(tmp_path: Path) -> None:
    made = judge(tmp_path, at_tanh)
    assert made.has_it(chain())
    assert made.has_it(chain())
    assert len(made.predicate.asked) == 1  # type: ignore[attr-defined]
    made.journal.close()
    again = judge(tmp_path, at_tanh)
    assert again.has_it(chain())
    assert again.predicate.asked == []  # type: ignore[attr-defined]
    assert not again.has_it(None)


def test_has_it_beyond_the_bound_ends(tmp_path: Path) -> None:
    made = judge(tmp_path, at_tanh, most_steps=0)
    with pytest.raises(SpentError, match="most_steps"):
        made.has_it(chain())


def test_has_it_wrong_with_further_inputs_alone_is_no(tmp_path: Path) -> None:
    late = Trouble(kind="wrong_output", message="values", told="input set 1, output 0: 1 of 4 elements are wrong")
    assert not judge(tmp_path, lambda names, is_on: late).has_it(chain())


def test_journal_of_another_question_is_refused(tmp_path: Path) -> None:
    ReductionJournal(tmp_path, "one").close()
    with pytest.raises(TrialError, match="another reduction"):
        ReductionJournal(tmp_path, "two")


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("input set 0, output 0: shape (1, 2), expected (2, 1)", "shape"),
        ("input set 0, output 0: dtype torch.int32, expected torch.int64", "type"),
        ("input set 0: the program returned 3 outputs, not 2", "number"),
        ("input set 0, output 0: 1 of 4 elements are wrong: [0] is 1 instead of 2", "values"),
        ("input set 0, output 0: RMS error 0.1 is 9 x the allowed unit 0.01", "values"),
    ],
)
def test_kind_of_wrong_is_what_the_check_notes(note: str, kind: str) -> None:
    assert kind_of_wrong(note) == kind


def test_has_it_wrong_shape_in_place_of_wrong_values_is_another_trouble(tmp_path: Path) -> None:
    shape = Trouble(kind="wrong_output", message="values", told="input set 0, output 0: shape (1,), expected (2,)")
    made = judge(tmp_path, lambda names, is_on: shape)
    assert not made.has_it(chain())
    assert made.counts() == {"other": 1}
