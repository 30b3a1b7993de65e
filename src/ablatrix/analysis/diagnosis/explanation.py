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

from ablatrix.analysis.diagnosis.configurations import Condition, Conditions, Setting, Settings
from ablatrix.analysis.groups import sort_key

MAX_SETS = 4  # a longer list of sets repeats the rows and explains nothing

Explanation = tuple[Conditions, ...]


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
    return [
        tuple(sorted((_conditions(one, bad) for one in cover), key=lambda one: (len(one), one)))
        for cover in _smallest_covers(_prime_implicants(bad, good), len(bad))
    ]


def _prime_implicants(bad: Sequence[Settings], good: Sequence[Settings]) -> list[_Implicant]:
    """Return the sets that cover a bad and no good configuration, and of which no excluded level can be allowed.

    Each good configuration must have an excluded level, so these are the minimal hitting sets of the good ones.
    """
    in_bad, in_good = _bits(bad), _bits(good)
    found: list[_Implicant] = []

    def needed(excluded: frozenset[Setting], level: Setting) -> bool:
        others = 0
        for held in excluded:
            others |= in_good[held] if held != level else 0
        return bool(in_good[level] & ~others)

    def extend(excluded: frozenset[Setting], banned: frozenset[Setting], bad_left: int, good_left: int) -> None:
        if not good_left:
            found.append(_Implicant(excluded, bad_left))
            return
        choices = min(
            (_choices(good[row], banned, in_bad, bad_left) for row in _rows(good_left)),
            key=len,
        )
        for index, held in enumerate(choices):
            then = excluded | {held}
            if all(needed(then, one) for one in then):
                # What an earlier branch excludes is not excluded in a later one, so that each set is found once.
                extend(then, banned | set(choices[:index]), bad_left & ~in_bad.get(held, 0), good_left & ~in_good[held])

    extend(frozenset(), frozenset(), (1 << len(bad)) - 1, (1 << len(good)) - 1)
    return found


def _choices(row: Settings, banned: frozenset[Setting], in_bad: dict[Setting, int], bad_left: int) -> list[Setting]:
    """Return the levels of a good configuration that may be excluded: a bad configuration must be left."""
    return [held for held in row if held not in banned and bad_left & ~in_bad.get(held, 0)]


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
    for count in range(1, MAX_SETS + 1):
        found: dict[int, dict[frozenset[_Implicant], None]] = {}
        for cover in _covers(useful, (1 << rows) - 1, count):
            found.setdefault(sum(one.size for one in cover), {}).setdefault(frozenset(cover))
        if found:
            return sorted(map(_ordered, found[min(found)]), key=lambda cover: [_key(one) for one in cover])
    return []


def _ordered(cover: frozenset[_Implicant]) -> tuple[_Implicant, ...]:
    return tuple(sorted(cover, key=_key))


def _key(implicant: _Implicant) -> tuple[int, list[Setting]]:
    return implicant.size, sorted(implicant.excluded)


def _covers(primes: Sequence[_Implicant], missing: int, count: int) -> Iterator[tuple[_Implicant, ...]]:
    """Yield the choices of at most ``count`` sets that cover all missing rows."""
    if not missing:
        yield ()
        return
    reach = max(((one.covers & missing).bit_count() for one in primes), default=0)
    if reach * count < missing.bit_count():
        return
    # Some chosen set must cover each row, so branching on the row with the fewest choices loses no cover.
    choices = min(([one for one in primes if one.covers >> row & 1] for row in _rows(missing)), key=len)
    for one in choices:
        for others in _covers(primes, missing & ~one.covers, count - 1):
            yield (one, *others)
