"""Which weighted sums of runs estimate which effects of a design."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.screening.design import Array, ScreeningDesign, Word, coded, mirrored_runs, word_columns

SMALL = 1e-9
"""Smaller than this is 0 in a matrix of levels."""


@dataclass(frozen=True, eq=False)
class Contrasts:
    """What is estimated from the runs that are there.

    Attributes:
        words: The effects.
        weights: Words x runs; those of an effect that cannot be told from others are all 0.
    """

    words: tuple[Word, ...]
    weights: Array


def main_contrasts(design: ScreeningDesign, there: NDArray[np.bool_]) -> Contrasts:
    """Return the contrasts of main effects: changing a factor from its lowest to its highest level.

    Where every run has a mirror image they are made of the differences between the two, so that whatever is the same in
    both (interactions of two factors, curves) is in none of them, even where other runs are missing.

    Args:
        design: The design.
        there: Which of its runs have values.
    """
    words = tuple((factor,) for factor in range(design.factors))
    columns = coded(design)
    mirrored = mirrored_runs(design)
    if design.kind == "one_at_a_time":
        return Contrasts(words, _alone(columns, there))
    if mirrored is None:
        return Contrasts(words, _solved(columns, there, intercept=True) * 2.0)
    pairs = mirrored[there[mirrored].all(axis=1)]
    halves = _solved(columns[pairs[:, 0]], np.ones(len(pairs), dtype=np.bool_), intercept=False)
    weights: Array = np.zeros((design.factors, len(columns)))
    weights[:, pairs[:, 0]] = halves
    weights[:, pairs[:, 1]] = -halves
    return Contrasts(words, weights)


def pair_contrasts(design: ScreeningDesign, words: Sequence[Word], there: NDArray[np.bool_]) -> Contrasts:
    """Return the contrasts of interactions and curves, all of them in one model.

    An interaction is the difference of differences: what one factor does more while the other is high than while it is
    low. A curve is what both ends differ by from the middle. Where every run has a mirror image they are made of the
    means of the two, in which no main effect is; else main effects are in the model, too.

    Args:
        design: The design.
        words: The effects that the model has.
        there: Which of its runs have values.
    """
    scale = np.array([1.0 if word[0] == word[-1] else 4.0 for word in words])[:, np.newaxis]
    columns = word_columns(design, words) if words else np.zeros((len(design.runs), 0))
    mirrored = mirrored_runs(design)
    if mirrored is None:
        everything = np.concatenate([columns, coded(design)], axis=1)
        return Contrasts(tuple(words), scale * _solved(everything, there, intercept=True)[: len(words)])
    pairs = mirrored[there[mirrored].all(axis=1)]
    alone = np.setdiff1d(np.flatnonzero(there), mirrored)
    rows = np.concatenate([columns[pairs[:, 0]], columns[alone]])
    halves = _solved(rows, np.ones(len(rows), dtype=np.bool_), intercept=True)
    weights: Array = np.zeros(columns.T.shape)
    weights[:, pairs[:, 0]] = weights[:, pairs[:, 1]] = halves[:, : len(pairs)] / 2.0
    weights[:, alone] = halves[:, len(pairs) :]
    return Contrasts(tuple(words), scale * weights)


def _alone(columns: Array, there: NDArray[np.bool_]) -> Array:
    """Return for each factor the one run in which it is changed, against the centre, from low to high."""
    weights: Array = np.zeros(columns.shape).T
    if there[0]:
        for factor in np.flatnonzero(there[1:]).tolist():
            weights[factor, [0, factor + 1]] = columns[[0, factor + 1], factor]
    return weights


def _solved(columns: Array, there: NDArray[np.bool_], intercept: bool) -> Array:
    """Return the weights of least squares (columns x rows); 0 for a column that others can take the place of."""
    rows = columns[there]
    if intercept and rows.size:
        rows = rows - rows.mean(axis=0)
    products = rows.T @ rows
    weights: Array = np.zeros(columns.T.shape)
    lengths = np.diagonal(products)
    if np.all(np.abs(products - np.diag(lengths)) < SMALL) and np.all(lengths > SMALL):
        found: Array = rows.T / lengths[:, np.newaxis]  # exact where columns are orthogonal
    else:
        found = np.linalg.pinv(rows, rcond=SMALL).astype(np.float64)
        # An effect is estimable where its own column is what the weights give of the model: R R+ has a 1 there.
        clear = np.abs(found @ rows - np.eye(rows.shape[1])).max(axis=1, initial=0.0) < 1e-6
        found = found * clear[:, np.newaxis]
    weights[:, there] = found
    return weights
