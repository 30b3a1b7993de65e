"""Many comparisons at once: p-values that keep the chance of any false one, or the share of them, at a level."""

from collections.abc import Sequence

ALPHA = 0.05
"""The level of the tests of effects."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values in the order given: one at or below 5 % is significant among all of them.

    The smallest of n is multiplied by n, the next by n - 1, and so on; none may become smaller than the one before
    it. This holds whatever the dependence between the comparisons, as knobs of one grid share their cells
    (Holm 1979, "A simple sequentially rejective multiple test procedure").

    Args:
        p_values: Of one family. A comparison without a p-value is not part of a family: omit it.

    Raises:
        ValueError: A value that is not between 0 and 1.
    """
    _check_probabilities(p_values)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values (q-values) in the order given: of those at or below 5 %, at most 5 % are false.

    That is the expected share of false ones among what is called significant, not the chance of any. The p-value of
    rank r among n is multiplied by n / r, and none may be larger than the one after it. It holds for independent tests,
    as those of orthogonal contrasts nearly are, and for positively dependent ones (Benjamini & Hochberg 1995,
    "Controlling the false discovery rate"; Benjamini & Yekutieli 2001).

    Args:
        p_values: Of one family. A comparison without a p-value is not part of a family: omit it.

    Raises:
        ValueError: A value that is not between 0 and 1.
    """
    _check_probabilities(p_values)
    count, smallest = len(p_values), 1.0
    adjusted = [0.0] * count
    for rank, index in enumerate(sorted(range(count), key=lambda index: -p_values[index])):
        smallest = min(smallest, p_values[index] * count / (count - rank))
        adjusted[index] = smallest
    return adjusted


def _check_probabilities(p_values: Sequence[float]) -> None:
    if wrong := [value for value in p_values if not 0.0 <= value <= 1.0]:
        raise ValueError(f"every p-value must lie between 0 and 1, but got {wrong}")
