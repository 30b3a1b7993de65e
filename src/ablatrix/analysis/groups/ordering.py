"""In which order knobs, levels, groups and other values are shown, everywhere."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

_IN_NAME = re.compile(r"(?<==)\d+(?=[.,\]])")
"""A whole number, or that part of one, among the axis values in the name of a variant."""
_DIGITS = 18
IN_RUN = ("run", "position", "trial_id")
"""What puts trials into the order in which they were run."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
PRIMARY_KNOBS = ("partition", "reuse", "memory_plan", "fusion")  # of the compilers of the catalogue


def in_order(knobs: Iterable[str], order: Sequence[str] = ()) -> list[str]:
    """Return knobs, each once, as everything shows them.

    Args:
        knobs: Names of knobs.
        order: Those of the study in its order, see `ablatrix.analysis.groups.stage_plans.knob_order`; they come first.
            The rest follows, the primary ones of the catalogue first, then by name.
    """
    names = set(knobs)
    first = [name for name in (*order, *PRIMARY_KNOBS) if name in names]
    return [*dict.fromkeys(first), *sorted(names - set(first))]


def number_of(value: Any) -> float | None:
    """Return a level, which may be written as text, as a number; None for a word. nan and inf are words here."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    return float(value)


def sort_key(value: Any) -> tuple[int, float, str]:
    """Return a key that orders levels: null, then numbers (also written as text) by value, then words.

    Variants of a workload, ``encoder[tokens=128]``, follow each other by the numbers of their axes.
    """
    if value is None:
        return (0, 0.0, "")
    number = number_of(value)
    if number is not None:
        return (1, number, "")
    text = str(value)
    if text.endswith("]"):
        text = _IN_NAME.sub(lambda found: found[0].zfill(_DIGITS), text)
    return (2, 0.0, text)


def key_order(key: Iterable[Any]) -> tuple[tuple[int, float, str], ...]:
    """Return a key that orders groups by their own keys, part by part as `sort_key` does."""
    return tuple(map(sort_key, key))


def distinct(series: pl.Series) -> list[Any]:
    """Return the distinct values of a column, sorted, without null."""
    return sorted(series.drop_nulls().unique().to_list(), key=sort_key)


def is_in_run_order(trials: pl.DataFrame) -> bool:
    """Return whether trials follow each other as they were run: a table does, and to sort a million takes a second."""
    run, position = (trials[name].to_numpy() for name in IN_RUN[:2])
    is_later = (run[1:] > run[:-1]) | ((run[1:] == run[:-1]) & (position[1:] > position[:-1]))
    return bool(is_later.all())


def grouped(trials: pl.DataFrame, groups: Sequence[str]) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
    """Return the groups of a table in the order of their keys, nulls first, numbers by value."""
    parts = trials.partition_by(list(groups), maintain_order=True)
    # Asked of polars together with the parts, keys are looked up part by part, which takes longer than all else.
    keys = trials.select(groups).unique(maintain_order=True).rows()
    return sorted(zip(keys, parts, strict=True), key=lambda item: key_order(item[0]))
