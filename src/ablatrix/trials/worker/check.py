"""Comparing outputs with the float64 oracle. A difference is reported whatever the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablatrix.records.model import Correctness

if TYPE_CHECKING:
    import torch

    from ablatrix.workloads.program import InputSet


@dataclass(kw_only=True)
class Comparison:
    """The result so far of comparing the outputs of one executable, over all input sets.

    An output passes when its RMS error is at most ``rms_factor`` x (eager float32's own RMS error on that input set
    + ``rms_floor`` x the RMS of the oracle), its shape and dtype are the oracle's, and it is finite wherever the
    oracle is. Integers and booleans must be equal.
    """

    rms_factor: float
    rms_floor: float
    input_sets: int
    checked: int = 0
    missing: int = 0
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    rms_ratio: float | None = None
    cosine: float | None = None
    nonfinite: int = 0
    passed: bool = True
    note: str | None = None

    def compare(self, outputs: Sequence[torch.Tensor], input_set: InputSet, label: str) -> None:
        """Compare the outputs of one input set with the oracle's; ``label`` names the input set in the note."""
        for index, expected in enumerate(input_set.expected):
            where = f"{label}, output {index}"
            if index >= len(outputs):
                self.missing += 1
                self.note = f"{where}: the program returned {len(outputs)} outputs of {len(input_set.expected)}"
                continue
            self.checked += 1
            self._one(outputs[index], expected, input_set.eager_rms[index], where)
        if len(outputs) > len(input_set.expected):
            self._fail(f"{label}: the program returned {len(outputs)} outputs, not {len(input_set.expected)}")

    def compare_again(self, outputs: Sequence[torch.Tensor], input_set: InputSet, label: str) -> None:
        """Compare an input set again, against drift from run to run; it is not counted as a further check."""
        counted = self.checked, self.missing
        self.compare(outputs, input_set, label)
        self.checked, self.missing = counted

    def facts(self, checked_digest: str, timed_digest: str | None = None) -> Correctness:
        """Return the record's part.

        Args:
            checked_digest: Digest of the executable that was compared.
            timed_digest: Digest of the executable that was timed, None as long as none was.
        """
        whole = self.missing == 0 and self.checked > 0
        return Correctness(
            checked=self.checked,
            missing=self.missing,
            draws=self.input_sets,
            max_abs_diff=self.max_abs_diff,
            max_rel_diff=self.max_rel_diff,
            rms_ratio=self.rms_ratio,
            cosine=self.cosine,
            nonfinite=self.nonfinite,
            rms_factor=self.rms_factor,
            rms_floor=self.rms_floor,
            ok=(self.passed if whole else (False if not self.passed else None)),
            checked_digest=checked_digest,
            timed_digest=timed_digest,
            note=self.note,
        )

    def _one(self, output: torch.Tensor, expected: torch.Tensor, eager_rms: float, where: str) -> None:
        import torch

        if tuple(output.shape) != tuple(expected.shape):
            self._fail(f"{where}: shape {tuple(output.shape)}, expected {tuple(expected.shape)}")
            return
        if expected.dtype.is_floating_point != output.dtype.is_floating_point or (
            not expected.dtype.is_floating_point and output.dtype != expected.dtype
        ):
            self._fail(f"{where}: dtype {output.dtype}, expected {expected.dtype}")
            return
        if not expected.dtype.is_floating_point:
            unequal = int((output != expected).sum())
            self._keep("max_abs_diff", float(unequal > 0), max)
            if unequal:
                self._fail(f"{where}: {unequal} of {expected.numel()} elements differ")
            return
        if expected.numel() == 0:
            return
        given = output.detach().to(torch.float64)
        comparable = torch.isfinite(expected)
        bad = int((~torch.isfinite(given) & comparable).sum())
        self.nonfinite += bad
        same_infinite = bool(((given == expected) | (given.isnan() & expected.isnan()) | comparable).all())
        if bad or not same_infinite:
            self._fail(f"{where}: {bad} elements are not finite" if bad else f"{where}: infinities differ")
            return
        given, wanted = given[comparable], expected[comparable]
        if wanted.numel() == 0:
            return
        error = (given - wanted).abs()
        self._keep("max_abs_diff", float(error.max()), max)
        nonzero = wanted != 0
        if bool(nonzero.any()):
            self._keep("max_rel_diff", float((error[nonzero] / wanted[nonzero].abs()).max()), max)
        norms = float(given.norm() * wanted.norm())
        if norms > 0:
            self._keep("cosine", min(1.0, float(given.dot(wanted)) / norms), min)
        allowed = eager_rms + self.rms_floor * _rms(wanted)
        rms = _rms(error)
        ratio = rms / allowed if allowed > 0 else (0.0 if rms == 0 else math.inf)
        if self.rms_ratio is None or ratio > self.rms_ratio:
            self.rms_ratio = ratio if math.isfinite(ratio) else None
            if self.passed:
                self.note = f"worst: {where}"
        if ratio > self.rms_factor:
            self._fail(f"{where}: RMS error {rms:.3g} is {ratio:.3g} x the allowed unit {allowed:.3g}")

    def _keep(self, name: str, value: float, pick: Callable[[float, float], float]) -> None:
        present = getattr(self, name)
        setattr(self, name, value if present is None else pick(present, value))

    def _fail(self, note: str) -> None:
        if self.passed:
            self.note = note
        self.passed = False


def _rms(values: torch.Tensor) -> float:
    return float(values.square().mean().sqrt())
