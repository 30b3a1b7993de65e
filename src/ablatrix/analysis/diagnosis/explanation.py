"""Which sets of knob levels distinguish some configurations from others: the smallest ones, by exact search.

A *set of levels* is a conjunction: a configuration has it when it has all of its levels. An *explanation* of bad
configurations is one set, or as few as possible of which each bad one has at least one, and no good one has any.
This is the minimisation of a two-level Boolean function of many-valued variables whose "don't care" points are the
configurations about which nothing is known: prime implicants, then the smallest cover (W. Quine, "A way to simplify
truth functions", American Mathematical Monthly 62, 1955; E. McCluskey, "Minimization of Boolean functions", Bell
System Technical Journal 35, 1956).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablatrix.analysis.diagnosis.configurations import Setting, Settings

MAX_SETS = 4  # a longer list of sets repeats the rows and explains nothing

Explanation = tuple[Settings, ...]


@dataclass(frozen=True)
class _Implicant:
    """A set of levels that no good configuration has. ``covers`` has a bit for each bad one that has it."""

    settings: Settings
    covers: int


def has(configuration: Settings, settings: Settings) -> bool:
    """Return whether a configuration has all levels of a set."""
    return set(settings) <= set(configuration)


def common(configurations: Sequence[Settings]) -> Settings:
    """Return the levels that all of these configurations (at least one) have."""
    shared = set.intersection(*map(set, configurations))
    return tuple(held for held in configurations[0] if held in shared)


def explain(bad: Sequence[Settings], good: Sequence[Settings]) -> list[Explanation]:
    """Return all smallest explanations: fewest sets first, then fewest levels in all.

    One set of no level at all means that every configuration is bad. Nothing is returned when there is no bad
    configuration, or when more than `MAX_SETS` sets would be needed.

    Args:
        bad: Configurations to explain.
        good: Configurations that must have none of the sets. None of them is among the bad ones.
    """
    if not bad:
        return []
    return _smallest_covers(_prime_implicants(bad, good), len(bad))


def _prime_implicants(bad: Sequence[Settings], good: Sequence[Settings]) -> list[_Implicant]:
    """Return the sets that cover a bad and no good configuration, and need each of their levels."""
    in_bad, in_good = _bits(bad), _bits(good)
    by_knob: dict[str, list[Setting]] = {}
    for held in in_bad:
        by_knob.setdefault(held.knob, []).append(held)
    knobs = list(by_knob.values())
    all_good = (1 << len(good)) - 1
    found: list[_Implicant] = []

    def good_without(chosen: Settings, dropped: Setting) -> int:
        held_by = all_good
        for held in chosen:
            if held != dropped:
                held_by &= in_good.get(held, 0)
        return held_by

    def extend(chosen: Settings, position: int, bad_left: int, good_left: int) -> None:
        if not good_left:
            if all(good_without(chosen, held) for held in chosen):
                found.append(_Implicant(chosen, bad_left))
            return
        for index in range(position, len(knobs)):
            for held in knobs[index]:
                bad_then, good_then = bad_left & in_bad[held], good_left & in_good.get(held, 0)
                # A level that excludes no further good configuration could be dropped later as well.
                if bad_then and good_then != good_left:
                    extend((*chosen, held), index + 1, bad_then, good_then)

    extend((), 0, (1 << len(bad)) - 1, all_good)
    return found


def _bits(configurations: Sequence[Settings]) -> dict[Setting, int]:
    bits: dict[Setting, int] = {}
    for index, configuration in enumerate(configurations):
        for held in configuration:
            bits[held] = bits.get(held, 0) | 1 << index
    return bits


def _smallest_covers(primes: Sequence[_Implicant], rows: int) -> list[Explanation]:
    useful = [
        one
        for one in primes
        # Of two where one covers all that the other does, with fewer levels, the other is in no smallest cover.
        if not any(one.covers & ~two.covers == 0 and len(two.settings) < len(one.settings) for two in primes)
    ]
    for count in range(1, MAX_SETS + 1):
        found: dict[int, set[Explanation]] = {}
        for cover in _covers(useful, (1 << rows) - 1, count):
            found.setdefault(_levels_in(cover), set()).add(tuple(sorted(cover, key=lambda one: (len(one), one))))
        if found:
            return sorted(found[min(found)])
    return []


def _covers(primes: Sequence[_Implicant], missing: int, count: int) -> Iterator[Explanation]:
    """Yield the choices of at most ``count`` sets that cover all missing rows."""
    if not missing:
        yield ()
        return
    reach = max(((one.covers & missing).bit_count() for one in primes), default=0)
    if reach * count < missing.bit_count():
        return
    # Some chosen set must cover each row, so branching on the row with the fewest choices loses no cover.
    rows = (1 << index for index in range(missing.bit_length()) if missing >> index & 1)
    choices = min(([one for one in primes if one.covers & row] for row in rows), key=len)
    for one in choices:
        for others in _covers(primes, missing & ~one.covers, count - 1):
            yield (one.settings, *others)


def _levels_in(explanation: Explanation) -> int:
    return sum(map(len, explanation))
