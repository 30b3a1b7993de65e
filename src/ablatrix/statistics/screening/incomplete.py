"""Which configurations are measured in which block, where a block cannot hold all of them."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

PASSES, PAIRS = 20, 500
"""Times that pairs of blocks are looked at, at most, and how many of them each time; a few are enough."""
UNMET = 1000.0
"""How much worse two treatments are that should meet and do not, against two that meet once more than others."""

Pair = tuple[int, int]
Counts = NDArray[np.int_]
Costs = NDArray[np.float64]


def incomplete_blocks(
    sizes: Sequence[int],
    rng: np.random.Generator,
    meet: Iterable[Pair] = (),
    together: Iterable[Pair] = (),
    before: Iterable[Sequence[int]] = (),
) -> tuple[tuple[int, ...], ...]:
    """Return the treatments of the blocks of one repeat: the baseline in each, every other one in one of them.

    Who meets whom, over all repeats, is balanced as well as exchanges can make it: the sum of the squares of how often
    two meet is small, as in an (M,S)-optimal design (Eccleston & Hedayat 1974, "On the theory of connected designs")
    that is resolvable (Yates 1936, "A new method of arranging variety trials"), and those that should meet do so first.
    The baseline connects all blocks, so that every difference can be estimated.

    Args:
        sizes: Places of each block beside the baseline, which is treatment 0; as many as there are other treatments.
        rng: Where chance comes from.
        meet: Pairs of treatments that should be in a block together at least once, such as those that differ in one
            knob. Where there are too few places or repeats, some do not; see `unmet_pairs`.
        together: Pairs that share a block in every repeat, such as a run and its mirror image, whose difference has
            then no error of blocks; each treatment is in one of them at most. A pair that fits into no block is parted.
        before: The blocks of earlier repeats.

    Raises:
        ValueError: A block without a place.
    """
    if not sizes or min(sizes) < 1:
        raise ValueError(f"every block must have a place beside the baseline, but got sizes={list(sizes)}")
    treatments = 1 + sum(sizes)
    wanted = np.zeros((treatments, treatments), dtype=np.bool_)
    for one, other in meet:
        if 0 not in {one, other} and one != other:
            wanted[one, other] = wanted[other, one] = True
    met: Counts = np.zeros((treatments, treatments), dtype=np.int_)
    for block in before:
        _count(met, block)
    units, homes = _placed(_units(treatments, together), sizes, rng)
    layout = _Layout(units, homes, met, wanted)
    layout.exchange(len(sizes), rng)
    return layout.blocks(len(sizes))


def neighbours(codes: NDArray[Any]) -> list[Pair]:
    """Return the pairs of runs that differ in one factor, the first run aside, which is the baseline.

    Args:
        codes: Levels of the factors (runs x factors), of any type that can be compared.
    """
    found: list[Pair] = []
    for one in range(1, len(codes)):
        others = np.flatnonzero((codes[one + 1 :] != codes[one]).sum(axis=1) == 1)
        found += [(one, one + 1 + int(other)) for other in others]
    return found


def unmet_pairs(blocks: Iterable[Iterable[int]], meet: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return the pairs that are in no block together."""
    met = {pair for block in blocks for pair in combinations(sorted(block), 2)}
    return tuple((one, other) for one, other in meet if (min(one, other), max(one, other)) not in met)


Unit = tuple[int, ...]


def _units(treatments: int, together: Iterable[Pair]) -> list[Unit]:
    """Return what is put into a block as one: pairs, and treatments by themselves; the baseline is in all."""
    found: list[Unit] = []
    taken = {0}
    for pair in together:
        if not taken & set(pair):
            found.append(pair)
            taken |= set(pair)
    return [*found, *((one,) for one in range(treatments) if one not in taken)]


def _placed(units: Sequence[Unit], sizes: Sequence[int], rng: np.random.Generator) -> tuple[list[Unit], Counts]:
    """Put units into blocks by chance, pairs first; return them, parted ones included, with the block of each."""
    room = list(sizes)
    found: list[Unit] = []
    homes: list[int] = []
    shuffled = [units[place] for place in rng.permutation(len(units))]
    waiting = sorted(shuffled, key=len, reverse=True)
    while waiting:
        unit = waiting.pop(0)
        home = max(range(len(room)), key=lambda block: room[block] / sizes[block])
        if room[home] < len(unit):
            home = max(range(len(room)), key=room.__getitem__)
        if room[home] < len(unit):
            waiting += [(one,) for one in unit]
            continue
        found.append(unit)
        homes.append(home)
        room[home] -= len(unit)
    return found, np.array(homes, dtype=np.int_)


def _count(met: Counts, block: Sequence[int], times: int = 1) -> None:
    inside = np.array(block, dtype=np.int_)
    met[np.ix_(inside, inside)] += times * (1 - np.eye(inside.size, dtype=np.int_))


class _Layout:
    """One repeat that exchanges improve."""

    def __init__(self, units: Sequence[Unit], homes: Counts, met: Counts, wanted: NDArray[np.bool_]) -> None:
        self._units, self._homes, self._met, self._wanted = units, homes, met, wanted
        self._lengths = np.array([len(unit) for unit in units])
        self._members = np.zeros((len(units), len(met)))
        for number, unit in enumerate(units):
            self._members[number, list(unit)] = 1.0
        for block in self.blocks(int(homes.max(initial=0)) + 1):
            _count(met, block)

    def blocks(self, count: int) -> tuple[tuple[int, ...], ...]:
        """Return the treatments of each block, in their order."""
        inside = [self._members[self._homes == block].any(axis=0) for block in range(count)]
        return tuple((0, *np.flatnonzero(held).tolist()) for held in inside)

    def exchange(self, count: int, rng: np.random.Generator) -> None:
        """Exchange units between two blocks wherever that costs less, the best exchange of two blocks first."""
        pairs = np.array(list(combinations(range(count), 2)), dtype=np.int_).reshape(-1, 2)
        for _ in range(PASSES):
            tried = [self._exchanged(int(one), int(other)) for one, other in rng.permutation(pairs)[:PAIRS]]
            if not any(tried):
                return

    def _exchanged(self, first: int, second: int) -> bool:
        """Make the exchange between two blocks that saves most; return whether one saves anything."""
        here, there = np.flatnonzero(self._homes == first), np.flatnonzero(self._homes == second)
        if not here.size or not there.size:
            return False
        less, there_less = self._change(here, here, -1), self._change(there, there, -1)
        more = self._change(here, there, 1)
        leaving = [one.sum(axis=0) - np.diagonal(one) for one in (less, there_less)]
        change = leaving[0][:, np.newaxis] + leaving[1]
        change = change + more.sum(axis=1)[:, np.newaxis] + more.sum(axis=0) - 2.0 * more
        change[self._lengths[here][:, np.newaxis] != self._lengths[there]] = np.inf
        one, other = np.unravel_index(int(np.argmin(change)), change.shape)
        if change[one, other] >= 0.0:
            return False
        out, into = int(here[one]), int(there[other])
        for home, leaves, comes in ((first, out, into), (second, into, out)):
            stay = [unit for unit in np.flatnonzero(self._homes == home).tolist() if unit != leaves]
            self._move(leaves, stay, -1)
            self._move(comes, stay, 1)
        self._homes[[out, into]] = second, first
        return True

    def _change(self, rows: Counts, columns: Counts, more: int) -> Costs:
        """Return what it costs if each two units met so many times more (rows x columns)."""
        one, other = (np.flatnonzero(self._members[units].any(axis=0)) for units in (rows, columns))
        at = np.ix_(one, other)
        costs = _costs(self._met[at], self._wanted[at], more) - _costs(self._met[at], self._wanted[at], 0)
        found: Costs = self._members[np.ix_(rows, one)] @ costs @ self._members[np.ix_(columns, other)].T
        return found

    def _move(self, unit: int, beside: Sequence[int], times: int) -> None:
        """Count that a unit meets others so many times more."""
        others = [one for number in beside for one in self._units[number]]
        for one in self._units[unit]:
            self._met[one, others] += times
            self._met[others, one] += times


def _costs(met: Counts, wanted: NDArray[np.bool_], more: int) -> Costs:
    """Return what each pair costs if it met so many times more."""
    times = met + more
    found: Costs = times.astype(np.float64) ** 2 + UNMET * (wanted & (times == 0))
    return found
