"""The oracle: the outputs of a program in float64, and how far from them float32 itself may be.

Where a program has no float64 (an ONNX model with operators that have no such kernels), float32 without any
optimisation is the oracle, and its error is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError
from ablatrix.workloads.allowance import Allowance, allow, in_quanta, scale_of
from ablatrix.workloads.built import Reference
from ablatrix.workloads.capture.precision import in_float64, widen
from ablatrix.workloads.rounding import Rounding
from ablatrix.workloads.ties import TieWatch, find_ties

UNIT_ROUNDOFF = 2.0**-24  # of float32
PAIRS = 2  # of runs with other roundings, to either side

Run = Callable[..., Any]


@dataclass(frozen=True)
class Answer:
    """Outputs for one input set, flat and in order.

    Attributes:
        expected: float64 or complex128; integers and booleans keep their dtype.
        allowances: How far from it each output may be.
    """

    expected: tuple[torch.Tensor, ...]
    allowances: tuple[Allowance, ...]


class Oracle:
    """The expected outputs of one program. The float64 copy of its weights lives as long as the oracle does.

    Args:
        exported: The program.
        chain: Number of operations in which rounding may accumulate, where the program has no float64; else None.
        reference: What is run in place of the program to show eager's error (see ``Built``).
    """

    def __init__(self, exported: ExportedProgram, chain: int | None = None, reference: Reference | None = None) -> None:
        self._chain = chain
        self._wide = in_float64(exported)
        self._eager: Run = exported.module(check_guards=False)
        self._reference = reference

    def answer(self, inputs: Sequence[torch.Tensor]) -> Answer:
        """Run the program in float64, in eager, and in eager with other roundings.

        Raises:
            WorkloadError: An output is not a tensor.
        """
        return ask(self._wide, self._eager, inputs, self._chain, self._reference)


def ask(
    wide: Run,
    eager: Run,
    inputs: Sequence[torch.Tensor],
    chain: int | None = None,
    reference: Reference | None = None,
) -> Answer:
    """Return what a program should answer to its inputs.

    Args:
        wide: The program in float64; it takes inputs whose floats are float64.
        eager: The program as it is.
        inputs: Of the program as it is.
        chain: See `Oracle`.
        reference: See `Oracle`.

    Raises:
        WorkloadError: An output is not a tensor.
    """
    modes: list[AbstractContextManager[Any]] = [
        nullcontext(),
        *(Rounding(pair, sign) for pair in range(PAIRS) for sign in (1.0, -1.0)),
    ]
    watches, runs = [TieWatch() for _ in range(1 + len(modes))], []
    with torch.no_grad():
        with watches[0]:
            expected = _flat(wide(*widen(inputs)))
        for mode, watch in zip(modes, watches[1:], strict=True):
            with mode, watch:
                runs.append(_flat(eager(*inputs)))
        if reference is not None:
            runs[0] = _flat(reference(inputs))
    allowances = []
    for index, one in enumerate(expected):
        ties = find_ties(one, watches)
        found = allow(one.reshape(-1), [run[index].reshape(-1) for run in runs], ties)
        allowances.append(found if chain is None else _at_least(found, _expected_rounding(one, chain)))
    return Answer(expected, tuple(allowances))


def _flat(outputs: Any) -> tuple[torch.Tensor, ...]:
    leaves = pytree.tree_leaves(outputs)
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        raise WorkloadError(f"a workload returns tensors only; got {[type(leaf).__name__ for leaf in leaves]}")
    return tuple(leaf.detach().contiguous() for leaf in leaves)


def pool(answers: Sequence[Answer], rounding: float) -> list[Answer]:
    """Return the answers of an opaque program with eager's error as all input sets together show it.

    Whatever runs as one operation shows few of its roundings, and the error of one small output on one input set is a
    draw: it may be a tenth of the next one. So it is at least the root mean square over the input sets, by value or
    relative to the output, whichever is less (an output that cancels must not widen the others), and what rounding must
    be expected to leave.

    Args:
        answers: Of all input sets of one program.
        rounding: See ``Built``.
    """
    pooled: list[list[Allowance]] = [[] for _ in answers]
    for index in range(len(answers[0].expected)):
        values = [answer.expected[index] for answer in answers]
        found = [answer.allowances[index] for answer in answers]
        if not values[0].is_floating_point():
            for kept, one in zip(pooled, found, strict=True):
                kept.append(one)
            continue
        scales, errors = list(map(scale_of, values)), [one.eager_rms for one in found]
        shares = [error / scale for error, scale in zip(errors, scales, strict=True) if scale > 0]
        together, share = (math.hypot(*some) / math.sqrt(max(len(some), 1)) for some in (errors, shares))
        for kept, one, scale in zip(pooled, found, scales, strict=True):
            kept.append(_at_least(one, max(min(together, share * scale), rounding * scale)))
    return [replace(answer, allowances=tuple(kept)) for answer, kept in zip(answers, pooled, strict=True)]


def judged_in_quanta(answer: Answer, quanta: Sequence[float]) -> Answer:
    """Return an answer whose quantised outputs may be one quantum off; ``quanta`` has 0 for the others."""
    pairs = zip(answer.allowances, quanta, strict=True)
    return replace(answer, allowances=tuple(in_quanta(one, quantum) if quantum else one for one, quantum in pairs))


def _expected_rounding(values: torch.Tensor, chain: int) -> float:
    """Return the error that rounding in a chain of so many operations is expected to leave.

    Errors of independent roundings add up like a random walk: relative to the values, with the square root of their
    number times the unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 2.8).
    """
    return math.sqrt(max(chain, 1)) * UNIT_ROUNDOFF * scale_of(values) if values.is_floating_point() else 0.0


def _at_least(found: Allowance, rms: float) -> Allowance:
    """Return an allowance of at least an error, with 5 times as much for a single element (one in 10^6 of a normal)."""
    return replace(
        found,
        eager_rms=max(found.eager_rms, rms),
        unit_rms=max(found.unit_rms, rms),
        limits=found.limits.clamp_min(5 * rms) if rms > 0 else found.limits,
    )
