"""Which levels of knobs distinguish some configurations from others: the smallest explanations, by exact search.

A *condition* names the levels that a knob may have. A *set* is a conjunction of conditions, one for each of some
knobs: a configuration has it when it meets all of them. An *explanation* of bad configurations is one set, or as few
as possible of which each bad one has at least one, and no good one has any. This is the minimisation of a two-level
Boolean function of many-valued variables whose "don't care" points are the configurations about which nothing is known:
prime implicants, then the smallest cover (W. Quine, "A way to simplify truth functions", American Mathematical Monthly
62, 1955; E. McCluskey, "Minimization of Boolean functions", Bell System Technical Journal 35, 1956; for many values
R. Rudell and A. Sangiovanni-Vincentelli, "Multiple-valued minimization for PLA optimization", IEEE Transactions on
Computer-Aided Design 6, 1987).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.analysis.diagnosis.configurations import Condition, Conditions, Setting, Settings
from ablatrix.analysis.groups import sort_key

MAX_SETS = 4  # a longer list of sets repeats the rows and explains nothing

Explanation = tuple[Conditions, ...]
Table = NDArray[np.bool_]


@dataclass(frozen=True)
class _Implicant:
    """Levels that are excluded so that no good configuration is left. ``covers`` has a bit for each bad one left."""

    excluded: frozenset[Setting]
    covers: int

    @property
    def size(self) -> int:
        """The number of conditions."""
        return len({held.knob for held in self.excluded})


def has(configuration: Settings, conditions: Conditions) -> bool:
    """Return whether a configuration meets all conditions."""
    held = {one.knob: one.level for one in configuration}
    return all(held.get(one.knob) in one.levels for one in conditions)


def explain(bad: Sequence[Settings], good: Sequence[Settings]) -> list[Explanation]:
    """Return all smallest explanations: fewest sets first, then fewest conditions in all.

    One set of no condition at all means that every configuration is bad. Nothing is returned when there is no bad
    configuration, or when more than `MAX_SETS` sets would be needed.

    Args:
        bad: Configurations to explain.
        good: Configurations that must have none of the sets. None of them is among the bad ones.
    """
    if not bad:
        return []
    tables = _Levels(bad, good)
    if tables.needs_more_than(MAX_SETS):
        return []
    return [
        tuple(sorted((_conditions(one, bad) for one in cover), key=lambda one: (len(one), one)))
        for cover in _smallest_covers(_prime_implicants(bad, good, tables), len(bad))
    ]


class _Levels:
    """Which levels configurations have, as tables of configurations x levels."""

    def __init__(self, bad: Sequence[Settings], good: Sequence[Settings]) -> None:
        self.levels = list(dict.fromkeys(held for row in (*good, *bad) for held in row))
        self.place = {held: number for number, held in enumerate(self.levels)}
        self.bad, self.good = self._table(bad), self._table(good)

    def _table(self, rows: Sequence[Settings]) -> Table:
        table: Table = np.zeros((len(rows), len(self.levels)), dtype=np.bool_)
        for number, row in enumerate(rows):
            table[number, [self.place[held] for held in row]] = True
        return table

    def needs_more_than(self, most: int) -> bool:
        """Return whether more sets are needed, where it is seen at once: no two of some rows can have one in common.

        What both of two bad rows have can only exclude levels that neither has; a good row with none of these is
        excluded by no such set.
        """
        apart = np.ones(len(self.bad), dtype=np.bool_)
        for _ in range(most + 1):
            if not apart.any():
                return False
            row = self.bad[int(np.argmax(apart))]
            beyond = (self.good & ~row).astype(np.float32)
            inside = beyond @ self.bad.T.astype(np.float32) == beyond.sum(axis=1, keepdims=True)
            apart &= inside.any(axis=0)
            apart[int(np.argmax((self.bad == row).all(axis=1)))] = False
        return True


def _prime_implicants(bad: Sequence[Settings], good: Sequence[Settings], tables: _Levels) -> list[_Implicant]:
    """Return the sets that cover a bad and no good configuration, and of which no excluded level can be allowed.

    Each good configuration must have an excluded level, so these are the minimal hitting sets of the good ones.
    """
    in_bad = _bits(bad)
    of_bad = [in_bad.get(held, 0) for held in tables.levels]
    in_good = tables.good.T.copy()
    counted = tables.good.astype(np.float32)
    found: list[_Implicant] = []

    def extend(excluded: tuple[int, ...], hits: NDArray[np.int_], banned: NDArray[np.bool_], bad_left: int) -> None:
        left = hits == 0
        if not left.any():
            found.append(_Implicant(frozenset(tables.levels[one] for one in excluded), bad_left))
            return
        # Levels that may be excluded: a bad configuration must be left.
        allowed = ~banned & np.array([bool(bad_left & ~held) for held in of_bad])
        places = np.flatnonzero(left)
        row = good[int(places[np.argmin(counted[places] @ allowed)])]
        choices = [one for one in (tables.place[held] for held in row) if allowed[one]]
        for index, one in enumerate(choices):
            then = (*excluded, one)
            after = hits + in_good[one]
            # Each excluded level is needed: it alone excludes some good configuration.
            if all((after[in_good[other]] == 1).any() for other in then):
                # What an earlier branch excludes is not excluded in a later one, so that each set is found once.
                without = banned.copy()
                without[choices[:index]] = True
                extend(then, after, without, bad_left & ~of_bad[one])

    nothing = np.zeros(len(tables.levels), dtype=np.bool_)
    extend((), np.zeros(len(good), dtype=np.int_), nothing, (1 << len(bad)) - 1)
    return found


def _rows(bits: int) -> Iterator[int]:
    return (index for index in range(bits.bit_length()) if bits >> index & 1)


def _bits(configurations: Sequence[Settings]) -> dict[Setting, int]:
    bits: dict[Setting, int] = {}
    for index, configuration in enumerate(configurations):
        for held in configuration:
            bits[held] = bits.get(held, 0) | 1 << index
    return bits


def _conditions(implicant: _Implicant, bad: Sequence[Settings]) -> Conditions:
    """Return a set by the levels that its bad configurations have."""
    rows = [bad[row] for row in _rows(implicant.covers)]
    made = []
    for knob in dict.fromkeys(held.knob for held in bad[0]):
        excluded = tuple(sorted((held.level for held in implicant.excluded if held.knob == knob), key=sort_key))
        if excluded:
            levels = dict.fromkeys(held.level for row in rows for held in row if held.knob == knob)
            made.append(Condition(knob, tuple(sorted(levels, key=sort_key)), excluded))
    return tuple(made)


def _smallest_covers(primes: Sequence[_Implicant], rows: int) -> list[tuple[_Implicant, ...]]:
    useful = [
        one
        for one in primes
        # Of two where one covers all that the other does, with fewer conditions, the other is in no smallest cover.
        if not any(one.covers & ~two.covers == 0 and two.size < one.size for two in primes)
    ]
    table: Table = np.array([[bool(one.covers >> row & 1) for row in range(rows)] for one in useful], dtype=np.bool_)
    table = table.reshape(len(useful), rows)
    for count in range(1, MAX_SETS + 1):
        found: dict[int, dict[frozenset[_Implicant], None]] = {}
        for cover in _covers(useful, table, np.ones(rows, dtype=np.bool_), count):
            found.setdefault(sum(one.size for one in cover), {}).setdefault(frozenset(cover))
        if found:
            return sorted(map(_ordered, found[min(found)]), key=lambda cover: [_key(one) for one in cover])
    return []


def _ordered(cover: frozenset[_Implicant]) -> tuple[_Implicant, ...]:
    return tuple(sorted(cover, key=_key))


def _key(implicant: _Implicant) -> tuple[int, list[Setting]]:
    return implicant.size, sorted(implicant.excluded)


def _covers(
    primes: Sequence[_Implicant], table: Table, missing: NDArray[np.bool_], count: int
) -> Iterator[tuple[_Implicant, ...]]:
    """Yield the choices of at most ``count`` sets that cover all missing rows.

    Args:
        primes: The sets.
        table: Which rows each covers (sets x rows).
        missing: Rows that are to be covered.
        count: How many sets.
    """
    if not missing.any():
        yield ()
        return
    wanted = table[:, missing]
    reach = int(wanted.sum(axis=1).max(initial=0))
    if reach * count < wanted.shape[1]:
        return
    # Some chosen set must cover each row, so branching on the row with the fewest choices loses no cover.
    row = int(np.flatnonzero(missing)[np.argmin(wanted.sum(axis=0))])
    for one in np.flatnonzero(table[:, row]).tolist():
        for others in _covers(primes, table, missing & ~table[one], count - 1):
            yield (primes[one], *others)
