"""Which cells ended in another way in one of two results: a fault that came, or one that went."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ablatrix.records.status import NOT_RUN, STATUSES

Counts = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class ChangedOutcome:
    """One cell in one mode of which the trials ended in other ways in B than in A.

    Attributes:
        name: The cell, as the comparison calls it.
        a, b: Trials by status, without those that were not run.
    """

    cell_id: str
    name: str
    mode: str
    a: Counts
    b: Counts


def changed_outcomes(a: pl.DataFrame, b: pl.DataFrame, names: Mapping[str, str]) -> tuple[ChangedOutcome, ...]:
    """Return the cells whose trials have a status in one result that they do not have in the other.

    A cell without a trial in one of the two says nothing; nor do trials that were not run.

    Args:
        a: What was claimed.
        b: What it is compared with.
        names: The cells that both have, by id, with what they are called.
    """
    counts = [_counts(one) for one in (a, b)]
    return tuple(
        ChangedOutcome(cell_id=cell, name=names[cell], mode=mode, a=counts[0][cell, mode], b=counts[1][cell, mode])
        for cell, mode in sorted(counts[0].keys() & counts[1].keys(), key=lambda key: (names.get(key[0], ""), key[1]))
        if cell in names and counts[0][cell, mode].keys() != counts[1][cell, mode].keys()
    )


def _counts(trials: pl.DataFrame) -> dict[tuple[str, str], Counts]:
    ran = trials.filter(pl.col("role").is_in(["measured", "reference"]) & ~pl.col("status").is_in(list(NOT_RUN)))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for cell, mode, status, count in ran.group_by("cell_id", "mode", "status").len().iter_rows():
        found.setdefault((cell, mode), {})[status] = count
    return {key: {name: held[name] for name in STATUSES if name in held} for key, held in found.items()}
