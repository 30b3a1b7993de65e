"""The sizes of an ONNX model's outputs as arithmetic on those of its dynamic dimensions, found by running it.

Shape inference stops at operators that compute shapes, which models from PyTorch are full of. A run at some sizes shows
the output's. From runs at the ends of each dimension's bounds follows ``(p * size + r) // q``, or a product of sizes;
every later run is checked against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ablatrix.errors import WorkloadError

Shapes = tuple[tuple[int, ...], ...]
AT_ENDS = 4  # sizes at each end of the bounds that are tried
DENOMINATORS = range(1, 9)  # of the ratio of an output's size to the dimension's, where it grows fast


@dataclass
class _Probe:
    """Shapes of the outputs at sizes of the dynamic dimensions; each is run once."""

    run: Callable[[Mapping[str, int]], Shapes]
    timed: Mapping[str, int]
    known: dict[tuple[tuple[str, int], ...], Shapes] = field(default_factory=dict)

    def at(self, **sizes: int) -> Shapes:
        all_sizes = {**self.timed, **sizes}
        key = tuple(sorted(all_sizes.items()))
        if key not in self.known:
            self.known[key] = self.run(all_sizes)
        return self.known[key]


def find_output_sizes(
    run: Callable[[Mapping[str, int]], Shapes],
    bounds: Mapping[str, tuple[int, int]],
    timed: Mapping[str, int],
    names: Sequence[str],
) -> list[tuple[int | str, ...]]:
    """Return the shape of each output, sizes that follow from dynamic dimensions as arithmetic on their names.

    Args:
        run: Returns the shapes of the outputs at sizes of the dynamic dimensions.
        bounds: Smallest and largest size of each.
        timed: The size of each that is timed.
        names: Names of the outputs, for messages.

    Raises:
        WorkloadError: A size does not follow so.
    """
    probe = _Probe(run, timed)
    tried = {name: _sizes_tried(*limits, timed[name]) for name, limits in bounds.items()}
    samples = {name: {size: probe.at(**{name: size}) for size in sizes} for name, sizes in tried.items()}
    first = probe.at()
    made: list[tuple[int | str, ...]] = []
    for index, output in enumerate(names):
        ranks = {len(shapes[index]) for by_size in samples.values() for shapes in by_size.values()}
        if ranks - {len(first[index])}:
            raise WorkloadError(f"output '{output}' has another number of axes at other sizes, which cannot be planned")
        made.append(tuple(_size(probe, samples, bounds, (index, axis), output) for axis in range(len(first[index]))))
    return made


def _sizes_tried(low: int, high: int, timed: int) -> list[int]:
    ends = (*range(low, low + AT_ENDS), *range(high - AT_ENDS + 1, high + 1), timed)
    return sorted({size for size in ends if low <= size <= high})


def _size(
    probe: _Probe,
    samples: Mapping[str, Mapping[int, Shapes]],
    bounds: Mapping[str, tuple[int, int]],
    where: tuple[int, int],
    output: str,
) -> int | str:
    """Return the size of one axis of one output."""
    index, axis = where
    by_name = {name: {size: shapes[index][axis] for size, shapes in one.items()} for name, one in samples.items()}
    moving = [name for name, found in by_name.items() if len(set(found.values())) > 1]
    if not moving:
        return probe.at()[index][axis]
    if len(moving) == 1:
        found = _linear(probe, moving[0], by_name[moving[0]], bounds[moving[0]], where)
    else:
        found = _product(probe.timed, {name: by_name[name] for name in moving}, probe.at()[index][axis])
    if found is None:
        raise WorkloadError(
            f"axis {axis} of output '{output}' follows {moving} in no way that can be planned (a multiple, a quotient, "
            "an offset, a product): "
            f"{'; '.join(f'{name}: {found}' for name, found in by_name.items() if name in moving)}; give these "
            "dimensions one size each"
        )
    return found


def _product(timed: Mapping[str, int], found: Mapping[str, Mapping[int, int]], at_timed: int) -> str | None:
    """Return a multiple of the product of all dimensions that fits the sizes found."""
    factor = Fraction(at_timed, math.prod(timed[name] for name in found))
    fits = all(
        Fraction(made, size) == Fraction(at_timed, timed[name])
        for name, one in found.items()
        for size, made in one.items()
    )
    return " * ".join((str(factor), *found)) if fits and factor.denominator == 1 else None


def _linear(
    probe: _Probe, name: str, found: dict[int, int], limits: tuple[int, int], where: tuple[int, int]
) -> str | None:
    """Return ``(p * name + r) // q`` that fits the sizes found, after further runs where several q or r do."""
    index, axis = where

    def at(size: int) -> int:
        found[size] = probe.at(**{name: size})[index][axis]
        return found[size]

    slope = Fraction(found[max(found)] - found[min(found)], max(found) - min(found))
    ratios = [slope.limit_denominator(most) for most in DENOMINATORS]
    if 0 < slope * AT_ENDS < 1:
        ratios = [Fraction(1, _stride(at, found))]
    for ratio in ratios:
        p, q = ratio.numerator, ratio.denominator
        least, largest = _offsets(p, q, found)
        while least < largest:
            size = _telling(p, q, (least, largest), limits)
            if size is None:
                break
            at(size)
            least, largest = _offsets(p, q, found)
        if least <= largest:
            text = name if p == 1 else f"{p} * {name}"
            text = text if largest == 0 else f"{text} {'+' if largest > 0 else '-'} {abs(largest)}"
            return text if q == 1 else f"({text}) // {q}"
    return None


def _stride(at: Callable[[int], int], found: Mapping[int, int]) -> int:
    """Return how far apart the sizes are at which an output grows by one, from the first and the last of them."""
    low, high = min(found), max(found)
    steps = found[high] - found[low]
    first, last = (_first(at, low, high, found[low] + grown) for grown in (1, steps))
    return max(1, round((last - first) / (steps - 1))) if steps > 1 else high


def _first(at: Callable[[int], int], low: int, high: int, wanted: int) -> int:
    """Return the least size at which an output has at least a size, where it grows with it."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle) >= wanted else (middle + 1, high)
    return low


def _offsets(p: int, q: int, found: Mapping[int, int]) -> tuple[int, int]:
    """Return the least and the largest r with ``(p * size + r) // q`` as found."""
    least = max(made * q - p * size for size, made in found.items())
    return least, min((made + 1) * q - p * size - 1 for size, made in found.items())


def _telling(p: int, q: int, offsets: tuple[int, int], limits: tuple[int, int]) -> int | None:
    """Return a size at which offsets give different results, as near the middle of them as there is one."""
    least, largest = offsets
    middle = (least + largest) / 2
    steps = {largest - (p * size + largest) % q: size for size in range(limits[0], limits[1] + 1)}
    between = [step for step in steps if least < step <= largest]
    return steps[min(between, key=lambda step: abs(step - middle))] if between else None
