"""Which configurations are measured in which block, where a block cannot hold all of them."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

TRIED = 400
"""Exchanges that are tried for each place in a block."""
UNMET = 1000.0
"""How much worse two treatments are that should meet and do not, against two that meet once more than others."""


def incomplete_blocks(
    treatments: int, block_size: int, blocks: int, rng: np.random.Generator, meet: Iterable[tuple[int, int]] = ()
) -> tuple[tuple[int, ...], ...]:
    """Return the treatments of each block: the baseline in each, all others equally often or once more.

    Who meets whom is balanced as well as exchanges can make it: the sum of the squares of how often two meet is small,
    as in an (M,S)-optimal design (Eccleston & Hedayat 1974, "On the theory of connected designs"), and those that
    should meet do so first. The baseline connects all blocks, so that every difference can be estimated.

    Args:
        treatments: With the baseline, which is treatment 0.
        block_size: Places of a block, with the baseline.
        blocks: How many blocks there are.
        rng: Where chance comes from.
        meet: Pairs of treatments that should be in a block together at least once, such as those that differ in one
            knob. Where there are too few places, some do not; see `unmet_pairs`.

    Raises:
        ValueError: Blocks without a place beside the baseline, or too few places for all treatments.
    """
    places = min(block_size, treatments) - 1
    if treatments < 2 or places < 1 or blocks * places < treatments - 1:
        raise ValueError(
            f"{blocks} blocks of {block_size} with the baseline in each must hold {treatments} treatments, but do not"
        )
    wanted = np.zeros((treatments, treatments), dtype=np.bool_)
    for one, other in meet:
        if 0 not in {one, other} and one != other:
            wanted[one, other] = wanted[other, one] = True
    held = np.zeros((blocks, treatments), dtype=np.bool_)
    met = np.zeros((treatments, treatments), dtype=np.int_)
    for block in held:
        _fill(block, places, held[:, 1:].sum(axis=0), met, wanted, rng)
        _count(met, block, 1)
    if places < treatments - 1:
        _exchange(held, met, wanted, rng)
    return tuple((0, *np.flatnonzero(block).tolist()) for block in held)


def unmet_pairs(blocks: Iterable[Iterable[int]], meet: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the pairs that are in no block together."""
    met = {pair for block in blocks for pair in combinations(sorted(block), 2)}
    return tuple((one, other) for one, other in meet if (min(one, other), max(one, other)) not in met)


def _fill(
    block: NDArray[np.bool_],
    places: int,
    counts: NDArray[np.int_],
    met: NDArray[np.int_],
    wanted: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Take treatments one by one: the rarest first, of these the one that costs least beside those already taken."""
    cost = _costs(met, wanted, 1) - _costs(met, wanted, 0)
    for _ in range(places):
        beside = cost[:, block].sum(axis=1)[1:] + rng.random(len(counts))
        free = np.flatnonzero(~block[1:])
        chosen = free[np.lexsort((beside[free], counts[free]))[0]]
        block[chosen + 1] = True


def _costs(met: NDArray[np.int_], wanted: NDArray[np.bool_], more: int) -> NDArray[np.float64]:
    """Return what each pair costs if it met so many times more."""
    times = met + more
    found: NDArray[np.float64] = times.astype(np.float64) ** 2 + UNMET * (wanted & (times == 0))
    return found


def _count(met: NDArray[np.int_], block: NDArray[np.bool_], times: int) -> None:
    inside = np.flatnonzero(block)
    met[np.ix_(inside, inside)] += times
    met[inside, inside] = 0


def _exchange(
    held: NDArray[np.bool_], met: NDArray[np.int_], wanted: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Exchange treatments between two blocks wherever that costs less."""
    blocks = len(held)
    for _ in range(TRIED * int(held[0].sum()) if blocks > 1 else 0):
        first, second = rng.choice(blocks, 2, replace=False)
        only_first = np.flatnonzero(held[first] & ~held[second])
        only_second = np.flatnonzero(held[second] & ~held[first])
        if not only_first.size:
            continue
        one, other = int(rng.choice(only_first)), int(rng.choice(only_second))
        beside_one = np.flatnonzero(held[first])
        beside_other = np.flatnonzero(held[second])
        beside_one, beside_other = beside_one[beside_one != one], beside_other[beside_other != other]
        change = (
            _change(met, wanted, one, beside_one, -1)
            + _change(met, wanted, one, beside_other, 1)
            + _change(met, wanted, other, beside_other, -1)
            + _change(met, wanted, other, beside_one, 1)
        )
        # What is beside both leaves and comes at once: only others change how often they meet.
        shared = np.intersect1d(beside_one, beside_other)
        for moved in (one, other):
            change -= _change(met, wanted, moved, shared, -1) + _change(met, wanted, moved, shared, 1)
        if change < 0.0:
            for block, leaves, comes in ((first, one, other), (second, other, one)):
                _count(met, held[block], -1)
                held[block, [leaves, comes]] = False, True
                _count(met, held[block], 1)


def _change(met: NDArray[np.int_], wanted: NDArray[np.bool_], one: int, beside: NDArray[np.int_], more: int) -> float:
    times = met[one, beside]
    then = times + more
    missing = wanted[one, beside]
    squares = then.astype(np.float64) ** 2 - times.astype(np.float64) ** 2
    return float((squares + UNMET * (missing & (then == 0)) - UNMET * (missing & (times == 0))).sum())
