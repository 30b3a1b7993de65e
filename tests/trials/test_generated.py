"""Text that a decode step generates: what passes, what is a tie, and what is a fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from ablatrix.trials.worker.check import Comparison
from ablatrix.trials.worker.generated import check_generated
from ablatrix.workloads.generation import Generation
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program

SIZES = {"layers": 1, "hidden": 16, "inner": 16, "heads": 2, "groups": 1, "vocabulary": 24}
Outputs = tuple[torch.Tensor, ...]
Change = Callable[[int, Outputs], Outputs]


@dataclass
class Stepped:
    """An executable whose outputs are eager's, changed."""

    program: Program
    change: Change
    step: int = 0

    def bind(self, inputs: Sequence[torch.Tensor]) -> Stepped:
        self._inputs = tuple(inputs)
        return self

    def run(self) -> None:
        with torch.no_grad():
            outputs = tuple(self.program.exported.module(check_guards=False)(*self._inputs))
        self._outputs = self.change(self.step, outputs)
        self.step += 1

    def outputs(self) -> Outputs:
        return self._outputs


@pytest.fixture(scope="module")
def program() -> Program:
    return prepare("decoder", {**SIZES, "phase": "decode", "context": 8, "batch": 2}, input_sets=1)


def judged(program: Program, change: Change, generation: Generation | None = None) -> Comparison:
    comparison = Comparison(rms_factor=2.0, rms_floor=1e-6, input_sets=1)
    held = generation or program.generation
    assert held is not None
    check_generated(comparison, Stepped(program, change), held)  # type: ignore[arg-type]
    return comparison


def preferring(step: int, token: int) -> Change:
    """Give a token the highest score in one step, for the second sequence."""

    def change(at: int, outputs: Outputs) -> Outputs:
        scores = outputs[0].clone()
        if at == step:
            scores[1, 0, token] = 100.0
        return scores, *outputs[1:]

    return change


def test_generated_text_of_eager_is_the_oracles(program: Program) -> None:
    found = judged(program, lambda _, outputs: outputs)
    assert found.passed
    assert (found.generated_tokens, found.generated_ties) == (2 * 7, 0)
    facts = found.facts("digest")
    assert (facts.generated_tokens, facts.generated_ties) == (14, 0)


def test_other_token_fails_with_step_and_both_scores(program: Program) -> None:
    assert program.generation is not None
    other = int(program.generation.scores[3, 1].argmin())
    right = int(program.generation.expected[3, 1])
    found = judged(program, preferring(3, other))
    assert not found.passed
    assert found.note is not None
    assert found.note.startswith(f"generated token 4 of 7, sequence 1: {other} instead of {right}, whose score is ")
    assert found.generated_tokens == 2 * 4  # what follows is of another text


def test_other_token_of_equal_score_is_a_tie_and_text_goes_on(program: Program) -> None:
    made = program.generation
    assert made is not None
    runner_up = int(made.scores[3, 1].topk(2).indices[1])
    scores = made.scores.clone()
    scores[3, 1, runner_up] = scores[3, 1].max() - 1e-9
    found = judged(program, preferring(3, runner_up), replace(made, scores=scores))
    assert found.passed
    assert (found.generated_tokens, found.generated_ties) == (14, 1)


def test_step_that_returns_wrong_keys_is_found_by_its_text(program: Program) -> None:
    def change(_: int, outputs: Outputs) -> Outputs:
        return outputs[0], *(-20.0 * one for one in outputs[1:])

    assert not judged(program, change).passed
