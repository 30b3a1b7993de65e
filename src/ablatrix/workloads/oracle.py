"""The oracle: the outputs of a program in float64, and how far eager float32 itself is from them.

Where a program has no float64 (an ONNX model with operators that have no such kernels), float32 without any
optimisation is the oracle, and its error is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Reference
from ablatrix.workloads.capture.precision import in_float64, widen

UNIT_ROUNDOFF = 2.0**-24  # of float32


@dataclass(frozen=True)
class Answer:
    """Outputs for one input set, flat and in order.

    Attributes:
        expected: float64; integers and booleans keep their dtype.
        eager_rms: Root mean square error of eager float32 against ``expected``, one for each output; estimated
            where float32 itself is the oracle.
    """

    expected: tuple[torch.Tensor, ...]
    eager_rms: tuple[float, ...]


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
        module: Callable[..., Any] = exported.module(check_guards=False)
        self._eager = module if reference is None else lambda *inputs: reference(inputs)

    def answer(self, inputs: Sequence[torch.Tensor]) -> Answer:
        """Run the program in float64 and in eager float32.

        Raises:
            WorkloadError: An output is not a tensor, or has a value that is not finite.
        """
        with torch.no_grad():
            expected = _flat(self._wide(*widen(inputs)))
            eager = _flat(self._eager(*inputs))
        for index, output in enumerate(expected):
            if not bool(torch.isfinite(output).all()):
                raise WorkloadError(f"output {index} of the oracle is not finite everywhere; no check could use it")
        errors = tuple(map(_rms_error, eager, expected))
        if self._chain is None:
            return Answer(expected, errors)
        least = (_expected_rounding(one, self._chain) for one in expected)
        return Answer(expected, tuple(map(max, errors, least)))


def pool(answers: Sequence[Answer], rounding: float | None) -> list[Answer]:
    """Return the answers with eager's error as all input sets together show it.

    The error of one small output on one input set is a draw: it may be a tenth of the next one. So it is at least the
    root mean square over the input sets, by value or relative to the output, whichever is less (an output that cancels
    must not widen the others), and what rounding must be expected to leave.

    Args:
        answers: Of all input sets of one program.
        rounding: See ``Built``; None where it is not known.
    """
    pooled: list[list[float]] = [[] for _ in answers]
    for index in range(len(answers[0].expected)):
        scales = [_rms(answer.expected[index]) for answer in answers]
        errors = [answer.eager_rms[index] for answer in answers]
        shares = [error / scale for error, scale in zip(errors, scales, strict=True) if scale > 0]
        together, share = (math.hypot(*some) / math.sqrt(max(len(some), 1)) for some in (errors, shares))
        floats = answers[0].expected[index].is_floating_point()
        for kept, error, scale in zip(pooled, errors, scales, strict=True):
            least = (rounding or 0.0) * scale if floats else 0.0
            kept.append(max(error, min(together, share * scale), least))
    return [replace(answer, eager_rms=tuple(kept)) for answer, kept in zip(answers, pooled, strict=True)]


def _flat(outputs: Any) -> tuple[torch.Tensor, ...]:
    leaves = pytree.tree_leaves(outputs)
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        raise WorkloadError(f"a workload returns tensors only; got {[type(leaf).__name__ for leaf in leaves]}")
    return tuple(leaf.detach().contiguous() for leaf in leaves)


def _rms_error(eager: torch.Tensor, expected: torch.Tensor) -> float:
    difference = eager.double() - expected.double()
    return float(difference.square().mean().sqrt())


def _expected_rounding(values: torch.Tensor, chain: int) -> float:
    """Return the error that rounding in a chain of so many operations is expected to leave.

    Errors of independent roundings add up like a random walk: relative to the values, with the square root of their
    number times the unit roundoff (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 2.8).
    """
    return math.sqrt(max(chain, 1)) * UNIT_ROUNDOFF * _rms(values)


def _rms(values: torch.Tensor) -> float:
    finite = values.double()
    finite = finite[finite.isfinite()]
    return float(finite.square().mean().sqrt()) if finite.numel() else 0.0
