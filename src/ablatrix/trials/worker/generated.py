"""Text that a compiled decode step generates, held against what the oracle chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Executable
from ablatrix.trials.worker.check import Comparison

if TYPE_CHECKING:
    import torch

    from ablatrix.workloads.generation import Generation


def check_generated(comparison: Comparison, executable: Executable, generation: Generation) -> None:
    """Run the step again and again, each time with its own keys and values and the token that it chose.

    A token other than the oracle's is right where its float64 score is as large but for rounding: within twice what
    eager's scores may be off, as both scores may be. Then the oracle's token is taken, so that what follows is still
    of the same text.
    """
    from ablatrix.workloads.generation import step_on

    prompted = generation.prompted
    inputs = prompted.inputs
    comparison.generated_tokens, comparison.generated_ties = 0, 0
    for step in range(generation.steps):
        bound = executable.bind(inputs)
        bound.run()
        outputs = bound.outputs()
        expected = generation.expected[step]
        chosen = outputs[0].detach()[:, -1].argmax(-1)
        comparison.generated_tokens += len(expected)
        for row in (chosen != expected).nonzero().flatten().tolist():
            _judge(comparison, generation, step, row, int(chosen[row]))
        if not comparison.passed:
            return
        inputs = step_on(prompted.layout, inputs, outputs, expected[:, None])


def _judge(comparison: Comparison, generation: Generation, step: int, row: int, chosen: int) -> None:
    """Count another token than the oracle's as a tie, or fail."""
    scores: torch.Tensor = generation.scores[step, row]
    expected = int(generation.expected[step, row])
    gap = float(scores[expected] - scores[chosen])
    allowed = 2 * max(1.0, comparison.rms_factor) * float(generation.errors[step])
    if gap <= allowed:
        comparison.generated_ties = (comparison.generated_ties or 0) + 1
        return
    comparison.fail(
        f"generated token {step + 1} of {generation.steps}, sequence {row}: {chosen} instead of {expected}, whose "
        f"score is {gap:.3g} larger; {allowed:.3g} is allowed"
    )
