"""How far an output may be from the oracle, from runs of the program with other roundings.

docs/decisions/0007-checks.md says why the rule is as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from ablatrix.workloads.rounding_errors import TINY, least_size, unit_roundoff

LEAST = 4  # times what a compiler may take as zero is always allowed
FLOOR = 2  # roundings of an element itself that are always allowed
JUMP = 30  # an error so many times as large as nearly all others of its class is a jump, not an accumulated rounding
FEW = 8  # elements of a class below which every run is counted for it
CHANCE = 1e-3  # that a further run of a class exceeds its limit, were its errors normally distributed
ILL = 0.1  # of the root mean square of an output: where rounding makes that much, float32 does not determine it
MOST_JUMPS = 0.5  # of the elements of an output, likewise


@dataclass(frozen=True, kw_only=True)
class Ties:
    """Values among which an output is the index: another index of an equal value is as right.

    Attributes:
        values: What was sorted or searched, as the oracle has it.
        axis: Along which.
        shape: Of the indices: that of the values but for the axis.
        equal_within: Largest difference of two values that rounding leaves undecided, of size 1 along the axis.
        roundoff: Unit roundoff of the values' type.
    """

    values: torch.Tensor
    axis: int
    shape: tuple[int, ...]
    equal_within: torch.Tensor
    roundoff: float

    def equal(self, given: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        """Return where two indices, flat, are of values that are equal but for rounding; none is there twice."""
        axis, size = self.axis, self.values.shape[self.axis]
        given, expected = given.reshape(self.shape).long(), expected.reshape(self.shape).long()
        inside = (given >= 0) & (given < size)
        held = [self.values.gather(axis, one) for one in (given.clamp(0, size - 1), expected)]
        near = error(*held) <= self.equal_within + FLOOR * self.roundoff * magnitude(held[1])
        order = given.sort(axis)
        again = torch.zeros_like(inside)
        repeated = order.values.diff(dim=axis) == 0
        again.scatter_(axis, order.indices.narrow(axis, 1, max(0, self.shape[axis] - 1)), repeated)
        return (inside & near & ~again).reshape(-1)


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What is allowed of one output in one input set, flat over its elements.

    Attributes:
        eager_rms: Root mean square error of eager against the oracle, over elements that are finite in both and no
            jumps; 0 for integers and booleans.
        unit_rms: The largest such error of eager and of its runs with other roundings, or the prediction limit of a
            further run where few elements make most of it.
        limits: Largest error of one element, by class; float64.
        classes: Class of each element, uint8; empty where there is one class only.
        roundoff: Unit roundoff of the output's type.
        undetermined: Indices of elements of which runs have unlike values (or values that are not finite).
        values: Their values: a row for each run, eager's first.
        spare: How many further elements may have another value, by no more than the largest difference in ``values``.
        eager_wrong: How many elements of eager itself are not the oracle's, within the limits.
        ill_conditioned: Whether rounding alone can make so large an error that nothing can be checked.
        ties: Where the output is an index of sorted or searched values.
        tiny: What every element may be off by: what a compiler may take as zero in the output's type, some times.
        quantum: Distance between two values next to each other that a quantised output may have; 0 for no such output.
    """

    eager_rms: float
    unit_rms: float
    limits: torch.Tensor
    classes: torch.Tensor
    roundoff: float
    undetermined: torch.Tensor
    values: torch.Tensor
    spare: int = 0
    eager_wrong: int = 0
    ill_conditioned: bool = False
    ties: Ties | None = None
    tiny: float = LEAST * TINY
    quantum: float = 0.0

    def limit(self, expected: torch.Tensor) -> torch.Tensor:
        """Return the largest error of each element, which is to be multiplied by the study's factor."""
        of_class = self.limits[self.classes.long()] if self.classes.numel() else self.limits
        return of_class + (FLOOR * self.roundoff * magnitude(expected) + self.tiny)


def allow(expected: torch.Tensor, runs: Sequence[torch.Tensor], ties: Ties | None = None) -> Allowance:
    """Return what is allowed of one output.

    Args:
        expected: The oracle's, flat.
        runs: The same of eager, and of its runs with other roundings in pairs, at least one pair; flat.
        ties: Where the output is an index of sorted or searched values.
    """
    if not (expected.is_floating_point() or expected.is_complex()):
        return _allow_discrete(expected, runs, ties)
    roundoff = unit_roundoff(runs[0].dtype)
    wide = [run.to(expected.dtype) for run in runs]
    errors = torch.stack([error(run, expected) for run in wide])
    finite = errors.isfinite()
    tiny = LEAST * least_size(runs[0].dtype)
    floor = FLOOR * roundoff * magnitude(expected) + tiny
    half = 1 + (len(runs) - 1) // 2
    classes = _classify(errors[1:half].amax(0), floor)
    limits = _limits(errors, half, classes, floor)
    if not expected.is_complex():
        classes = _join_switches(torch.stack(wide), classes, limits, floor)
        limits = _limits(errors, half, classes, floor)
    made = Allowance(
        eager_rms=0.0,
        unit_rms=0.0,
        limits=limits,
        classes=classes if len(limits) > 1 else classes[:0],
        roundoff=roundoff,
        undetermined=torch.empty(0, dtype=torch.int64),
        values=torch.empty(0),
        tiny=tiny,
    )
    limit = made.limit(expected)
    beyond = errors > 2 * limit
    jumps = beyond.any(0)
    rms = [rms_of(one[~jumps & fine]) for one, fine in zip(errors, finite, strict=True)]
    largest = max(rms)
    scale = scale_of(expected)
    return Allowance(
        eager_rms=rms[0],
        unit_rms=max(largest, _predicted_rms(errors[:, ~jumps & finite.all(0)])),
        limits=limits,
        classes=made.classes,
        roundoff=roundoff,
        undetermined=jumps.nonzero().flatten(),
        values=torch.stack([run[jumps] for run in wide]),
        spare=_spare(int(jumps.sum())),
        eager_wrong=int(beyond[0].sum()),
        ill_conditioned=largest > ILL * scale or float(jumps.double().mean()) > MOST_JUMPS,
        tiny=tiny,
    )


def in_quanta(found: Allowance, quantum: float) -> Allowance:
    """Return the allowance of an output of a program that rounds to multiples of a quantum, or is such a multiple.

    Two right programs round a value next to the middle of two multiples to either, so an element may be one quantum
    off: half of one is its limit, which the study's factor doubles. The root mean square error may be that of the
    quantisation itself, a uniform error of one quantum (Widrow and Kollar 2008, chapter 5), times the factor: an output
    that is one quantum off everywhere is wrong.

    Args:
        found: What roundings allow.
        quantum: The output's scale; 1 where the output is the whole number itself.
    """
    unit = quantum / math.sqrt(12)
    return replace(
        found,
        unit_rms=max(found.unit_rms, unit),
        limits=found.limits.clamp_min(quantum / 2),
        quantum=quantum,
    )


def pack(allowance: Allowance) -> dict[str, Any]:
    """Return an allowance as plain values and tensors, for a file."""
    return asdict(allowance)


def unpack(plain: Mapping[str, Any]) -> Allowance:
    """Return the allowance that ``pack`` made plain."""
    ties = plain["ties"]
    return Allowance(**{**plain, "ties": None if ties is None else Ties(**{**ties, "shape": tuple(ties["shape"])})})


def error(given: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return the absolute difference of each element: 0 where both are the same infinity or NaN, infinite at others."""
    both = given.isfinite() & expected.isfinite()
    difference = (torch.where(both, given, 0) - torch.where(both, expected, 0)).abs()
    same = both | same_special(given, expected)
    return torch.where(same, difference, math.inf)


def same_special(given: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return where two values are equal, infinities included, or both are no number."""
    return (given == expected) | (given.isnan() & expected.isnan())


def magnitude(values: torch.Tensor) -> torch.Tensor:
    """Return absolute values, 0 for those that are not finite."""
    return torch.where(values.isfinite(), values.abs(), 0.0)


def rms_of(values: torch.Tensor) -> float:
    """Return the root mean square of values, 0 where there are none."""
    return float(values.square().mean().sqrt()) if values.numel() else 0.0


def scale_of(expected: torch.Tensor) -> float:
    """Return the root mean square of the finite elements of an output, in its own precision."""
    return rms_of(expected[expected.isfinite()].abs())


def _classify(sizes: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """Return classes of like sensitivity: elements whose errors in a pair of runs have the same power of ten."""
    power = torch.maximum(sizes, floor).log10().floor().nan_to_num(posinf=400.0)
    _, classes = power.unique(sorted=True, return_inverse=True)
    return classes.to(torch.uint8)


def _join_switches(
    values: torch.Tensor, classes: torch.Tensor, limits: torch.Tensor, floor: torch.Tensor
) -> torch.Tensor:
    """Return classes where elements that switch between two values are in the next lower class that is large.

    There their switch is a jump, of which each value is allowed and none between. Elements that take more than two
    values over the runs are only more sensitive than others, and stay.
    """
    counts = torch.bincount(classes.long(), minlength=len(limits))
    joined = classes.clone()
    lower: int | None = None
    for one in range(len(limits)):
        if counts[one] >= FEW:
            lower = one
        elif lower is not None and counts[one]:
            members = (classes == one).nonzero().flatten()
            apart = 2 * (limits[lower] + floor[members])
            steps = values[:, members].sort(0).values.diff(dim=0) > apart
            joined[members[steps.sum(0) == 1]] = lower
    return joined


def _limits(errors: torch.Tensor, half: int, classes: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """Return the largest error of each class in runs that did not choose its elements, so that chance cancels out."""
    limits: list[float] = []
    count = int(classes.max()) + 1 if classes.numel() else 1
    others = torch.cat((errors[:1], errors[half:]))
    for one in range(count):
        members = classes == one
        few = int(members.sum()) < FEW
        drawn = (errors if few else others)[:, members]
        runs = 1 + (drawn.shape[0] - 1) / 2  # two runs of a pair have nearly the same errors
        found = _limit(
            drawn[drawn.isfinite()].numpy(),
            float(floor[members].max()) if members.any() else 0.0,
            runs / drawn.shape[0],
        )
        limits.append(max(found, limits[-1] if limits else 0.0))
    return torch.tensor(limits, dtype=torch.float64)


def _limit(drawn: np.ndarray, floor: float, independent: float) -> float:
    """Return a limit on a further draw: the largest so far, and a prediction limit of a normal distribution."""
    from scipy.special import stdtrit

    if drawn.size == 0:
        return 0.0
    at = min(drawn.size - 1, math.ceil(0.9 * (drawn.size - 1)))
    most = float(np.partition(drawn, at)[at])
    core = drawn[drawn <= JUMP * max(most, floor)]
    spread = float(np.sqrt(np.mean(np.square(core)))) if core.size else 0.0
    degrees = max(1.0, core.size * independent)
    return max(float(core.max(initial=0.0)), float(stdtrit(degrees, 1 - CHANCE / 2)) * spread)


def _predicted_rms(errors: torch.Tensor) -> float:
    """Return a limit on the root mean square error of a further run, were errors normally distributed.

    The ratio of two mean squares has an F distribution, with as many degrees of freedom as elements count: few where a
    few errors are much larger than all others (Satterthwaite 1946).
    """
    from scipy.special import fdtri

    squares = errors.square().mean(0)
    total = float(squares.sum())
    if total == 0:
        return 0.0
    shares = squares / total  # the squares themselves may be too small to be squared once more
    degrees = 1 / float(shares.square().sum())
    independent = 1 + (errors.shape[0] - 1) / 2
    return math.sqrt(total / squares.numel() * float(fdtri(degrees, independent * degrees, 1 - CHANCE)))


def _allow_discrete(expected: torch.Tensor, runs: Sequence[torch.Tensor], ties: Ties | None) -> Allowance:
    unlike = torch.stack([run != expected for run in runs])
    jumps = unlike.any(0)
    return Allowance(
        eager_rms=0.0,
        unit_rms=0.0,
        limits=torch.zeros(1, dtype=torch.float64),
        classes=torch.empty(0, dtype=torch.uint8),
        roundoff=0.0,
        undetermined=jumps.nonzero().flatten(),
        values=torch.stack([run[jumps] for run in runs]),
        spare=_spare(int(jumps.sum())) if ties is None else 0,
        eager_wrong=int(unlike[0].sum()),
        ill_conditioned=ties is None and bool(jumps.numel()) and float(jumps.double().mean()) > MOST_JUMPS,
        ties=ties,
    )


def _spare(jumps: int) -> int:
    """Return how many further jumps are expected where runs have shown so many: one in ten, none where they are few."""
    return jumps // 10
