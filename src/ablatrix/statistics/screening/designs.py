"""Designs for many factors in few runs: folded Plackett-Burman, regular fractions, definitive, one at a time."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.screening.design import ScreeningDesign, make_design
from ablatrix.statistics.screening.matrices import conference_matrix, hadamard_matrix

SPARE = 2
"""Columns that no factor has: what shows there is no main effect, and tells that a design's assumption is broken."""
SMALLEST, LARGEST = 6, 1000
"""Factors: with fewer, runs of a folded design repeat, and all combinations are as few; more are no screening."""


def plackett_burman_folded(factors: int) -> ScreeningDesign:
    """Return a Plackett-Burman design with its mirror image: about twice as many runs as factors, of resolution 4.

    The runs of a Hadamard matrix (Plackett & Burman 1946, "The design of optimum multifactorial experiments"), and
    the same with every factor the other way round (Box & Hunter 1961, "The 2^(k-p) fractional factorial designs").
    Main effects are clear of all interactions of two factors; these are aliased with each other, mostly in part. The
    order of the matrix is the smallest that leaves ``SPARE`` columns and is no power of two, of which the design would
    be a regular fraction, whose interactions are aliased wholly. All off is the first run, all on is another.

    Args:
        factors: From ``SMALLEST`` to ``LARGEST``.

    Raises:
        ValueError: A number outside of this.
    """
    _check_factors(factors, SMALLEST)
    order = max(12, -(-(factors + SPARE) // 4) * 4)
    while order & (order - 1) == 0 or (matrix := hadamard_matrix(order)) is None:
        order += 4
    half = matrix[:, :factors]
    return make_design((np.concatenate([-half, half]) + 1) // 2, "folded_plackett_burman", 4)


def definitive_screening(factors: int) -> ScreeningDesign:
    """Return a definitive screening design: each factor low, in the middle and high, in about 2k + 5 runs.

    The rows of a conference matrix, their mirror images, and the centre (Jones & Nachtsheim 2011, "A class of
    three-level designs for definitive screening in the presence of second-order effects"; by conference matrices, Xiao,
    Lin & Bai 2012; with spare columns, Jones & Nachtsheim 2017). Main effects are clear of interactions of two factors
    and of curves; curves are clear of main effects, and aliased in part with interactions. The centre is the last run.

    Args:
        factors: From 2 to ``LARGEST``.

    Raises:
        ValueError: A number outside of this.
    """
    _check_factors(factors, 2)
    order = max(4, factors + SPARE + factors % 2)
    while (matrix := conference_matrix(order)) is None:
        order += 2
    half = matrix[:, :factors]
    centre: NDArray[np.int_] = np.zeros((1, factors), dtype=np.int_)
    return make_design(np.concatenate([half, -half, centre]), "definitive", None)


def one_at_a_time(factors: int, around: Literal["baseline", "all_on"]) -> ScreeningDesign:
    """Return the centre, and each factor changed alone: what each does there, and nothing about interactions.

    Args:
        factors: From 1 to ``LARGEST``.
        around: Whether the centre has every factor at 0, or at 1 (then each factor is left out in turn).

    Raises:
        ValueError: A number outside of this.
    """
    _check_factors(factors)
    changed = np.concatenate([np.zeros((1, factors), dtype=np.int_), np.eye(factors, dtype=np.int_)])
    return make_design(changed if around == "baseline" else 1 - changed, "one_at_a_time", None)


def fractional_factorial(factors: int, resolution: int, max_runs: int) -> ScreeningDesign | None:
    """Return the smallest regular fraction of at least this resolution that a greedy search finds, None beyond a limit.

    Runs are the words of a linear code: the level of factor i in run u is the parity of u & c[i]. Effects of p and q
    factors are aliased where their columns c sum up to the same; so any ``resolution - 1`` columns have to be
    independent (Box & Hunter 1961; as codes, Bose 1947). Columns are taken in numeric order wherever they may be
    (a lexicode, Conway & Sloane 1986), which gives the most factors at resolutions 3 and 4 (2^m - 1 and 2^(m - 1) in
    2^m runs) and nearly so at 5. All off is the first run.

    Args:
        factors: From 1 to ``LARGEST``.
        resolution: At least 3.
        max_runs: The limit.

    Returns:
        The design; all combinations where no fraction is smaller.

    Raises:
        ValueError: A number outside of this.
    """
    _check_factors(factors)
    if resolution < 3:
        raise ValueError(f"resolution >= 3 must hold, but got resolution={resolution}")
    dimension = 1
    while 1 << dimension <= max_runs:
        columns = _independent_columns(dimension, resolution, factors)
        if len(columns) == factors:
            messages = np.arange(1 << dimension)[:, np.newaxis]
            runs = _parity(messages & np.array(columns))
            if dimension == factors:
                return make_design(runs, "full_factorial", None)
            return make_design(runs, "regular_fraction", _shortest_word(dimension, columns))
        dimension += 1
    return None


def _independent_columns(dimension: int, resolution: int, most: int) -> list[int]:
    """Return columns in numeric order of which any ``resolution - 1`` are independent."""
    numbers = np.arange(1 << dimension)
    # sums[n]: which vectors are sums of at most n of the columns.
    sums = np.zeros((resolution - 1, 1 << dimension), dtype=np.bool_)
    sums[:, 0] = True
    columns: list[int] = []
    while len(columns) < most:
        free = np.flatnonzero(~sums[-1])
        if not free.size:
            break
        column = int(free[0])
        columns.append(column)
        sums[1:] |= sums[:-1, numbers ^ column]
    return columns


def _shortest_word(dimension: int, columns: list[int]) -> int:
    """Return the size of the smallest set of columns that sums up to 0."""
    numbers = np.arange(1 << dimension)
    most = dimension + 1  # so many columns are never independent
    sums = np.zeros((most + 1, 1 << dimension), dtype=np.bool_)
    sums[0, 0] = True
    for column in columns:
        sums[1:] |= sums[:-1, numbers ^ column]
    return 1 + int(np.argmax(sums[1:, 0]))


def _parity(numbers: NDArray[np.int_]) -> NDArray[np.int_]:
    found = numbers.copy()
    for shift in (32, 16, 8, 4, 2, 1):
        found ^= found >> shift
    return found & 1


def _check_factors(factors: int, least: int = 1) -> None:
    if not least <= factors <= LARGEST:
        raise ValueError(f"{least} <= factors <= {LARGEST} must hold, but got factors={factors}")
