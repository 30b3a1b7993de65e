"""Comparing outputs with the float64 oracle. A difference is reported whatever the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ablatrix.records.correctness import Correctness

if TYPE_CHECKING:
    import torch

    from ablatrix.workloads.allowance import Allowance
    from ablatrix.workloads.program import InputSet

SHOWN = 3  # elements that a message names


@dataclass(kw_only=True)
class Comparison:
    """The result so far of comparing the outputs of one executable, over all input sets.

    An output passes when

    - its shape and kind of type are the oracle's,
    - each element is the oracle's, within ``rms_factor`` (at least 1) x the largest error that eager and its runs with
      other roundings make in elements of like sensitivity; where those runs disagree by more, or are not finite, it may
      be any of theirs. Integers and booleans are those of one of these runs, or an index of an equal value,
    - its root mean square error is at most ``rms_factor`` x (the largest of these runs + ``rms_floor`` x the root mean
      square of the oracle).

    An output that its type does not determine is not judged, but counted. ``tolerance_by`` is the knob whose promise
    ``rms_factor`` is, None where it is the study's. ``float_distance`` is the program's.
    """

    rms_factor: float
    rms_floor: float
    input_sets: int
    tolerance_by: str | None = None
    float_distance: float | None = None
    checked: int = 0
    missing: int = 0
    ill_conditioned: int = 0
    undetermined: int = 0
    eager_wrong: int = 0
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    rms_ratio: float | None = None
    worst_ratio: float | None = None
    allowed_over_eager: float | None = None
    cosine: float | None = None
    nonfinite: int = 0
    passed: bool = True
    note: str | None = None
    remarks: list[str] = field(default_factory=list)
    generated_tokens: int | None = None
    generated_ties: int | None = None

    def compare(self, outputs: Sequence[torch.Tensor], input_set: InputSet, label: str) -> None:
        """Compare the outputs of one input set with the oracle's; ``label`` names the input set in the note."""
        for index, expected in enumerate(input_set.expected):
            where = f"{label}, output {index}"
            if index >= len(outputs):
                self.missing += 1
                self.note = f"{where}: the program returned {len(outputs)} outputs of {len(input_set.expected)}"
                continue
            allowance = input_set.allowances[index]
            if not self._has_shape(outputs[index], expected, where):
                self.checked += 1
                continue
            self._count(allowance, where, expected.numel())
            if not allowance.ill_conditioned:
                self._one(outputs[index].detach().reshape(-1), expected.reshape(-1), allowance, where, expected.shape)
        if len(outputs) > len(input_set.expected):
            self.fail(f"{label}: the program returned {len(outputs)} outputs, not {len(input_set.expected)}")

    def compare_again(self, outputs: Sequence[torch.Tensor], input_set: InputSet, label: str) -> None:
        """Compare an input set again, against drift from run to run; it is not counted as a further check."""
        kept = {name: getattr(self, name) for name in COUNTED}
        remarks = list(self.remarks)
        self.compare(outputs, input_set, label)
        for name, value in kept.items():
            setattr(self, name, value)
        self.remarks = remarks

    def facts(self, checked_digest: str, timed_digest: str | None = None) -> Correctness:
        """Return the record's part.

        Args:
            checked_digest: Digest of the executable that was compared.
            timed_digest: Digest of the executable that was timed, None as long as none was.
        """
        whole = self.missing == 0 and self.checked > 0
        parts = [self.note] if self.note is not None else []
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
            note="; ".join((*parts, *self.remarks)) or None,
            worst_ratio=self.worst_ratio,
            allowed_over_eager=self.allowed_over_eager,
            ill_conditioned=self.ill_conditioned,
            undetermined=self.undetermined,
            eager_wrong=self.eager_wrong,
            float_distance=self.float_distance,
            tolerance_by=self.tolerance_by,
            generated_tokens=self.generated_tokens,
            generated_ties=self.generated_ties,
        )

    def _has_shape(self, output: torch.Tensor, expected: torch.Tensor, where: str) -> bool:
        if tuple(output.shape) != tuple(expected.shape):
            self.fail(f"{where}: shape {tuple(output.shape)}, expected {tuple(expected.shape)}")
            return False
        kinds = [(one.dtype.is_floating_point, one.dtype.is_complex) for one in (output, expected)]
        if kinds[0] != kinds[1] or (kinds[1] == (False, False) and output.dtype != expected.dtype):
            self.fail(f"{where}: dtype {output.dtype}, expected {_kind(expected.dtype)}")
            return False
        return True

    def _count(self, allowance: Allowance, where: str, elements: int) -> None:
        """Count an output, and what its preparation found out about it."""
        if allowance.ill_conditioned:
            self.ill_conditioned += 1
            self.remarks.append(f"{where}: ill-conditioned, rounding alone changes its first digit; not judged")
            return
        self.checked += 1
        self.undetermined += len(allowance.undetermined)
        if allowance.eager_wrong:
            self.eager_wrong += 1
            self.remarks.append(
                f"{where}: eager itself differs from float64 in {allowance.eager_wrong} of {elements} elements"
            )

    def _one(
        self, output: torch.Tensor, expected: torch.Tensor, allowance: Allowance, where: str, shape: Sequence[int]
    ) -> None:
        if expected.numel() == 0:
            return
        if not (expected.is_floating_point() or expected.is_complex()):
            wrong = _unequal(output, expected, allowance)
            self._keep("max_abs_diff", float(bool((output != expected).any())), max)
            if len(wrong):
                self.fail(f"{where}: {_shown(wrong, output, expected, shape)}; eager's value or an equal one is right")
            elif allowance.quantum:
                self._judge_rms((output.double() - expected.double()).abs(), expected.double(), allowance, where)
            return
        given = output.to(expected.dtype)
        factor = max(1.0, self.rms_factor)
        limit = factor * allowance.limit(expected)
        found = _errors(given, expected, limit, allowance)
        finite = given.isfinite() & expected.isfinite()
        bad = int((~given.isfinite() & expected.isfinite() & (found > limit)).sum())
        self.nonfinite += bad
        ratio = float((found / limit).max()) * factor
        if math.isfinite(ratio):
            self._keep("worst_ratio", ratio, max)
        self._measure(given[finite], expected[finite])
        beyond = (found > limit).nonzero().flatten()
        if len(beyond) > allowance.spare or not bool((found[beyond] <= _largest_jump(allowance, expected)).all()):
            first = f"; {float(limit[beyond[0]]):.3g} is allowed there"
            kind = f"{bad} elements are not finite: " if bad else ""
            self.fail(f"{where}: {kind}{_shown(beyond, given, expected, shape)}{first}")
        regular = finite & (found <= limit) if allowance.spare else finite
        regular[allowance.undetermined] = False
        self._judge_rms(found[regular], expected[regular], allowance, where)

    def _measure(self, given: torch.Tensor, wanted: torch.Tensor) -> None:
        """Keep differences and cosine, which are reported and judge nothing."""
        if wanted.numel() == 0:
            return
        error = (given - wanted).abs()
        self._keep("max_abs_diff", float(error.max()), max)
        nonzero = wanted != 0
        if bool(nonzero.any()):
            self._keep("max_rel_diff", float((error[nonzero] / wanted[nonzero].abs()).max()), max)
        norms = float(given.norm() * wanted.norm())
        if 0 < norms < math.inf:
            self._keep(
                "cosine",
                min(1.0, float(given.vdot(wanted).real if given.is_complex() else given.dot(wanted)) / norms),
                min,
            )

    def _judge_rms(self, error: torch.Tensor, wanted: torch.Tensor, allowance: Allowance, where: str) -> None:
        from ablatrix.workloads.allowance import rms_of

        if error.numel() == 0:
            return
        unit = allowance.unit_rms + self.rms_floor * rms_of(wanted.abs())
        if allowance.eager_rms > 0:
            self._keep("allowed_over_eager", self.rms_factor * unit / allowance.eager_rms, max)
        rms = rms_of(error)
        ratio = rms / unit if unit > 0 else (0.0 if rms == 0 else math.inf)
        if self.rms_ratio is None or ratio > self.rms_ratio:
            self.rms_ratio = ratio if math.isfinite(ratio) else None
            if self.passed:
                self.note = f"worst: {where}"
        if ratio > self.rms_factor:
            self.fail(f"{where}: RMS error {rms:.3g} is {ratio:.3g} x the allowed unit {unit:.3g}")

    def _keep(self, name: str, value: float, pick: Callable[[float, float], float]) -> None:
        present = getattr(self, name)
        setattr(self, name, value if present is None else pick(present, value))

    def fail(self, note: str) -> None:
        """Let the check fail; the note of the first failure is kept."""
        if self.passed:
            self.note = note
        self.passed = False


COUNTED = ("checked", "missing", "ill_conditioned", "undetermined", "eager_wrong")


def _errors(given: torch.Tensor, expected: torch.Tensor, limit: torch.Tensor, allowance: Allowance) -> torch.Tensor:
    """Return how far each element is from the oracle, or from the nearest of the values that it may have."""
    from ablatrix.workloads.allowance import error

    found = error(given, expected)
    at = allowance.undetermined
    for values in allowance.values if len(at) else ():
        found[at] = found[at].minimum(error(given[at], values))
    return found


def _largest_jump(allowance: Allowance, expected: torch.Tensor) -> float:
    from ablatrix.workloads.allowance import error

    if not allowance.spare:
        return 0.0
    jumps = error(allowance.values, expected[allowance.undetermined])
    return float(jumps[jumps.isfinite()].max()) if bool(jumps.isfinite().any()) else 0.0


def _unequal(output: torch.Tensor, expected: torch.Tensor, allowance: Allowance) -> torch.Tensor:
    """Return the indices of elements that are neither the oracle's, nor eager's, nor an index of an equal value.

    Whole numbers of a quantised output may be the next ones, too.
    """
    wrong = output != expected
    at = allowance.undetermined
    if len(at):
        wrong[at] &= (allowance.values != output[at]).all(0)
    if allowance.ties is not None and bool(wrong.any()):
        wrong &= ~allowance.ties.equal(output, expected)
    if allowance.quantum:
        wrong &= (output.long() - expected.long()).abs() > allowance.quantum
    found = wrong.nonzero().flatten()
    if 0 < len(found) <= allowance.spare:
        most = (allowance.values.long() - expected[at].long()).abs().max()
        if bool(((output[found].long() - expected[found].long()).abs() <= most).all()):
            return found[:0]
    return found


def _shown(wrong: torch.Tensor, given: torch.Tensor, expected: torch.Tensor, shape: Sequence[int]) -> str:
    """Return how many elements are wrong, and where the first of them are with what they are and should be."""
    import torch

    first = []
    for one in wrong[:SHOWN]:
        index = [int(axis) for axis in torch.unravel_index(one, tuple(shape))]
        first.append(f"{index} is {_number(given[one])} instead of {_number(expected[one])}")
    return f"{len(wrong)} of {expected.numel()} elements are wrong: {', '.join(first)}"


def _number(value: torch.Tensor) -> str:
    plain = value.item()
    return f"{plain:.6g}" if isinstance(plain, (float, complex)) else str(plain)


def _kind(dtype: torch.dtype) -> str:
    """Return which types an output may have: the oracle's own width is none that a program has to have."""
    if dtype.is_complex:
        return "a complex type"
    return "a floating-point type" if dtype.is_floating_point else str(dtype)
