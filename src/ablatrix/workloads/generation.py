"""Generating text greedily with a decode step: how its outputs become the next inputs, and what is expected.

A step has static shapes. Its cache has a slot for each token of the context; those that hold none yet are hidden by the
mask, so one compiled step serves while the text grows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram

from ablatrix.workloads.allowance import FLOOR
from ablatrix.workloads.capture.precision import in_float64, widen
from ablatrix.workloads.rounding_errors import unit_roundoff

IDS, POSITIONS, FIRST_MASK = 0, 1, 2
"""Inputs of a step: the token, its position, the masks; behind these are keys and values."""
HIDDEN = torch.finfo(torch.float32).min


@dataclass(frozen=True)
class CacheLayout:
    """How the inputs of a decode step lie.

    Attributes:
        mask_of: For each tensor of keys or values, in order, the mask of its slots.
        masks: How many masks there are.
    """

    mask_of: tuple[int, ...]
    masks: int

    @property
    def first_state(self) -> int:
        """Index of the first tensor of keys."""
        return FIRST_MASK + self.masks

    def empty_inputs(self, batch: int, past: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return inputs whose masks hide every slot of the cache; the token itself is always seen."""
        masks = []
        for index in range(self.masks):
            slots = past[self.mask_of.index(index)].shape[-2]
            mask = torch.full((batch, 1, 1, slots + 1), HIDDEN)
            mask[..., -1] = 0.0
            masks.append(mask)
        one = torch.zeros((batch, 1), dtype=torch.int64)
        return [one, one.clone(), *masks, *past]

    def open_slots(self, inputs: Sequence[torch.Tensor], tokens: torch.Tensor, filled: int) -> list[torch.Tensor]:
        """Return the inputs with a token behind so many others, whose slots are seen."""
        masks = [mask.clone() for mask in inputs[FIRST_MASK : self.first_state]]
        for mask in masks:
            mask[..., : min(filled, mask.shape[-1] - 1)] = 0.0
        return [tokens, torch.full_like(tokens, filled), *masks, *inputs[self.first_state :]]


@dataclass(frozen=True)
class Prompted:
    """A decode step's inputs behind a prompt.

    Attributes:
        inputs: Of the first step: the token is the one that follows the prompt.
        layout: How they lie.
    """

    inputs: tuple[torch.Tensor, ...]
    layout: CacheLayout


@dataclass(frozen=True)
class Generation:
    """Text that a decode step should generate.

    Attributes:
        prompted: Where it starts.
        expected: Token of each step, [steps, batch]: of the largest float64 score.
        scores: The float64 scores of each step, [steps, batch, vocabulary].
        errors: For each step the largest error of eager's scores so far.
    """

    prompted: Prompted
    expected: torch.Tensor
    scores: torch.Tensor
    errors: torch.Tensor

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.expected)


def put_tokens(
    layout: CacheLayout, inputs: Sequence[torch.Tensor], states: Sequence[torch.Tensor], filled: int
) -> list[torch.Tensor]:
    """Return inputs with the keys and values of tokens in their slots: token t in slot t, modulo the slots.

    Args:
        layout: How the inputs lie.
        inputs: Of a decode step.
        states: Keys and values of the last tokens, for each tensor of the cache.
        filled: How many tokens there are then, those before included.
    """
    kept = list(inputs)
    for index, state in enumerate(states, start=layout.first_state):
        slots = kept[index].shape[-2]
        count = min(slots, state.shape[-2])
        at = torch.arange(filled - count, filled) % slots
        kept[index] = kept[index].index_copy(-2, at, state[..., -count:, :].to(kept[index].dtype))
    return kept


def step_on(
    layout: CacheLayout, inputs: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor], tokens: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return the inputs of the next step: the cache with the step's own keys and values, and the next tokens."""
    filled = int(inputs[POSITIONS].flatten()[0]) + 1
    put = put_tokens(layout, inputs, outputs[1:], filled)
    return tuple(layout.open_slots(put, tokens, filled))


def expect_generation(exported: ExportedProgram, start: Callable[[], Prompted], steps: int) -> Generation:
    """Return what a decode step should generate: the program in float64 chooses, eager shows what rounding does.

    Args:
        exported: The decode step.
        start: Makes its first inputs.
        steps: How often it is run.
    """
    prompted = start()
    layout = prompted.layout
    wide, eager = in_float64(exported), exported.module(check_guards=False)
    inputs = prompted.inputs
    wide_inputs: Sequence[torch.Tensor] = tuple(widen(inputs))
    tokens, scores, errors = [], [], []
    with torch.no_grad():
        for _ in range(steps):
            wanted, given = tuple(wide(*wide_inputs)), tuple(eager(*inputs))
            score = wanted[0][:, -1]
            chosen = score.argmax(-1, keepdim=True)
            scores.append(score)
            tokens.append(chosen[:, 0])
            errors.append(_error(given[0][:, -1], score))
            inputs = step_on(layout, inputs, given, chosen)
            wide_inputs = step_on(layout, wide_inputs, wanted, chosen)
    largest = torch.tensor(errors, dtype=torch.float64).cummax(0).values
    return Generation(prompted, torch.stack(tokens), torch.stack(scores), largest)


def pack_generation(generation: Generation) -> dict[str, Any]:
    """Return it as plain values and tensors, for a file."""
    layout = generation.prompted.layout
    return {
        "inputs": list(generation.prompted.inputs),
        "mask_of": list(layout.mask_of),
        "masks": layout.masks,
        "expected": generation.expected,
        "scores": generation.scores,
        "errors": generation.errors,
    }


def unpack_generation(plain: dict[str, Any]) -> Generation:
    """Return what ``pack_generation`` made plain."""
    layout = CacheLayout(tuple(plain["mask_of"]), plain["masks"])
    prompted = Prompted(tuple(plain["inputs"]), layout)
    return Generation(prompted, plain["expected"], plain["scores"], plain["errors"])


def _error(given: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the largest error of scores, and at least the roundings that any score may have."""
    largest = float((given.to(expected.dtype) - expected).abs().max())
    return max(largest, FLOOR * unit_roundoff(given.dtype) * float(expected.abs().max()))
