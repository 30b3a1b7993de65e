"""What a screening design is: its runs, what it can tell apart, and the columns that it is read with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, compress, islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Word = tuple[int, ...]
"""The factors of an effect: one for a main effect, two for an interaction, the same twice for a curve."""
AT_ONCE = 4096
"""Effects whose columns are made at once: those of 200 factors are 20,100, and each has hundreds of runs."""
Kind = Literal["full_factorial", "regular_fraction", "folded_plackett_burman", "definitive", "one_at_a_time"]


@dataclass(frozen=True)
class ScreeningDesign:
    """Which configurations are run.

    Attributes:
        runs: The level of each factor (columns) in each run (rows): 0 and 1, or -1, 0 and 1 in a definitive one. The
            first run of a design of two levels is the one with every factor at 0, but around ``all_on``.
        resolution: Up to which order effects are told apart: of resolution r, an effect of p factors is aliased with
            none of fewer than r - p. That of a regular fraction is the length of its shortest defining word; that of
            a folded design is 4 (Box & Hunter 1961). None where every effect is clear (all combinations), and where
            levels are not two or are changed one at a time.
        aliases: Effects of at most two factors that the runs cannot tell apart at all: each group is estimated as one
            sum, signs apart. What is aliased in part is not listed; see `correlated_words`.
    """

    runs: tuple[tuple[int, ...], ...]
    kind: Kind
    resolution: int | None
    aliases: tuple[tuple[Word, ...], ...]

    @property
    def factors(self) -> int:
        """The number of factors."""
        return len(self.runs[0])

    def aliased_with(self, word: Word) -> tuple[Word, ...]:
        """Return the other effects that are estimated together with one."""
        group = next((group for group in self.aliases if word in group), ())
        return tuple(one for one in group if one != word)


def make_design(runs: NDArray[np.int_], kind: Kind, resolution: int | None) -> ScreeningDesign:
    """Return a design with its aliases, from its runs (runs x factors)."""
    rows = tuple(tuple(map(int, row)) for row in runs.tolist())
    plain = ScreeningDesign(rows, kind, resolution, ())
    return ScreeningDesign(rows, kind, resolution, () if kind == "one_at_a_time" else _alias_groups(plain))


def coded(design: ScreeningDesign) -> Array:
    """Return the levels as numbers around 0: -1 and 1, or -1, 0 and 1 (runs x factors)."""
    levels = np.array(design.runs, dtype=np.float64)
    return levels if design.kind == "definitive" else 2.0 * levels - 1.0


def word_columns(design: ScreeningDesign, words: Sequence[Word]) -> Array:
    """Return for each effect the product of its factors' columns (runs x words)."""
    columns = coded(design)
    # Effects of fewer factors than others take one that is 1 everywhere.
    columns = np.concatenate([columns, np.ones((len(columns), 1))], axis=1)
    most = max(map(len, words))
    factors = np.array([(*word, *[design.factors] * (most - len(word))) for word in words])
    product = columns[:, factors[:, 0]]
    for number in range(1, most):
        product *= columns[:, factors[:, number]]
    return product


def words_of(design: ScreeningDesign) -> Iterator[Word]:
    """Yield all effects of one and two factors; those of a definitive design include each factor's curve."""
    yield from ((one,) for one in range(design.factors))
    if design.kind == "definitive":
        yield from ((one, one) for one in range(design.factors))
    yield from combinations(range(design.factors), 2)


def correlated_words(design: ScreeningDesign, word: Word) -> dict[Word, float]:
    """Return each other effect of one or two factors that is aliased with one, by how much, from -1 to 1.

    By as much of its size an effect that is not in the model biases this one, where neither is in the other's place.
    """
    words = list(words_of(design))
    columns = word_columns(design, words)
    columns = columns - columns.mean(axis=0)
    lengths = np.sqrt((columns**2).sum(axis=0))
    own = words.index(word)
    products = columns.T @ columns[:, own] / np.where(lengths > 0.0, lengths, np.inf) / lengths[own]
    found = zip(words, products.tolist(), strict=True)
    return {other: value for other, value in found if other != word and abs(value) > 1e-9}


def mirrored_runs(design: ScreeningDesign) -> NDArray[np.int_] | None:
    """Return the pairs of runs in which every factor is the other way round (pairs x 2); None where a run has none.

    A run that is its own mirror, the centre of a definitive design, is in no pair.
    """
    place = {row: number for number, row in enumerate(map(tuple, coded(design).tolist()))}
    pairs = []
    for row, number in place.items():
        other = place.get(tuple(-level if level else 0.0 for level in row))
        if other is None:
            return None
        if number < other:
            pairs.append((number, other))
    return np.array(pairs, dtype=np.int_).reshape(-1, 2)


def _alias_groups(design: ScreeningDesign) -> tuple[tuple[Word, ...], ...]:
    groups: dict[bytes, list[Word]] = {}
    words = words_of(design)
    while some := list(islice(words, AT_ONCE)):
        columns = word_columns(design, some)
        columns = columns - columns.mean(axis=0)
        # The same column up to its sign and length: scaled so that its first value that is not 0 is 1.
        first = columns[np.argmax(np.abs(columns) > 1e-9, axis=0), np.arange(len(some))]
        kept = np.abs(first) > 1e-9
        scaled = np.round(columns[:, kept] / first[kept], 9) + 0.0  # without -0
        for word, row in zip(compress(some, kept), np.ascontiguousarray(scaled.T), strict=True):
            groups.setdefault(row.tobytes(), []).append(word)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
