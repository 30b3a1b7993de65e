"""Which configurations are measured in which block, where a block cannot hold all of them."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

PASSES, PAIRS = 20, 500
"""Times that pairs of blocks are looked at, at most, and how many of them each time; a few are enough."""
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
    met[np.ix_(inside, inside)] += times * (1 - np.eye(inside.size, dtype=np.int_))


def _exchange(
    held: NDArray[np.bool_], met: NDArray[np.int_], wanted: NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Exchange treatments between two blocks wherever that costs less, the best exchange of two blocks first."""
    pairs = np.array(list(combinations(range(len(held)), 2)), dtype=np.int_)
    for _ in range(PASSES):
        changed = [
            _best_exchange(held[first], held[second], met, wanted) for first, second in rng.permutation(pairs)[:PAIRS]
        ]
        if not any(changed):
            return


def _best_exchange(
    first: NDArray[np.bool_], second: NDArray[np.bool_], met: NDArray[np.int_], wanted: NDArray[np.bool_]
) -> bool:
    """Make the exchange between two blocks that saves most; return whether one saves anything."""
    here, there = np.flatnonzero(first & ~second), np.flatnonzero(second & ~first)
    if not here.size:
        return False
    # What is in both blocks meets those that are exchanged as often as before; only the others count.
    inside, across = np.ix_(here, here), np.ix_(here, there)
    less = _costs(met[inside], wanted[inside], -1) - _costs(met[inside], wanted[inside], 0)
    there_less = _costs(met[np.ix_(there, there)], wanted[np.ix_(there, there)], -1)
    there_less -= _costs(met[np.ix_(there, there)], wanted[np.ix_(there, there)], 0)
    more = _costs(met[across], wanted[across], 1) - _costs(met[across], wanted[across], 0)
    leaving = [one.sum(axis=0) - np.diagonal(one) for one in (less, there_less)]
    change = leaving[0][:, np.newaxis] + leaving[1]
    change = change + more.sum(axis=1)[:, np.newaxis] + more.sum(axis=0) - 2.0 * more
    one, other = np.unravel_index(int(np.argmin(change)), change.shape)
    if change[one, other] >= 0.0:
        return False
    for block, leaves, comes in ((first, here[one], there[other]), (second, there[other], here[one])):
        _count(met, block, -1)
        block[[leaves, comes]] = False, True
        _count(met, block, 1)
    return True
