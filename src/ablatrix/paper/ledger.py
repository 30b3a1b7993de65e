"""The ledger of a paper's numbers: every number is entered with its statistic and its rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from ablatrix.paper.number import GENERAL, WHOLE, Form, Number, Statistic
from ablatrix.provenance.ranges import Ranges, ranges_of
from ablatrix.provenance.rows import ROW, Rows


class Ledger:
    """Computes numbers over rows and stores each by its key.

    Sentences get their numbers only from here, so that the rows of every printed number are known.

    Attributes:
        rows: The rows that numbers are computed from.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._numbers: dict[str, Number] = {}

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers, by key."""
        return tuple(self._numbers[key] for key in sorted(self._numbers))

    def enter(
        self,
        key: str,
        statistic: Statistic,
        value: float,
        form: Form,
        rows: Ranges = (),
        parameters: Mapping[str, Any] | None = None,
    ) -> Number:
        """Enter a number that was computed elsewhere, and return it.

        Raises:
            ValueError: Another number has the key already.
        """
        number = Number(key=key, value=value, form=form, statistic=statistic, parameters=parameters or {}, rows=rows)
        if self._numbers.setdefault(key, number) != number:
            raise ValueError(f"two numbers have the key {key!r}: {self._numbers[key]} and {number}")
        return number

    def constant(self, key: str, value: float, source: str, form: Form = GENERAL) -> Number:
        """Return a number that the method or a document sets; ``source`` says which."""
        return self.enter(key, "constant", value, form, parameters={"source": source})

    def excluded(self, key: str, count: int, reason: str) -> Number:
        """Return how many records are in no row for one reason."""
        return self.enter(key, "excluded", count, WHOLE, parameters={"reason": reason})

    def count(self, key: str, part: pl.DataFrame) -> Number:
        """Return the number of rows."""
        return self.enter(key, "count", part.height, WHOLE, ranges_of(part[ROW]))

    def distinct(self, key: str, part: pl.DataFrame, *columns: str) -> Number:
        """Return how many different values the rows have in some columns together."""
        value = part.select(columns).n_unique()
        return self.enter(key, "distinct", value, WHOLE, ranges_of(part[ROW]), {"columns": list(columns)})

    def value(self, key: str, part: pl.DataFrame, column: str, form: Form) -> Number:
        """Return the one value that all rows have.

        Raises:
            ValueError: They have several values, or none.
        """
        return self._over(key, "value", part, column, part[column].drop_nulls().unique().item(), form)

    def sum(self, key: str, part: pl.DataFrame, column: str) -> Number:
        """Return the sum of whole numbers."""
        return self._over(key, "sum", part, column, int(part[column].sum()), WHOLE)

    def least(self, key: str, part: pl.DataFrame, column: str, form: Form) -> Number:
        """Return the smallest value."""
        return self._over(key, "min", part, column, _known(part[column]).to_numpy().min().item(), form)

    def greatest(self, key: str, part: pl.DataFrame, column: str, form: Form) -> Number:
        """Return the largest value."""
        return self._over(key, "max", part, column, _known(part[column]).to_numpy().max().item(), form)

    def median(self, key: str, part: pl.DataFrame, column: str, form: Form) -> Number:
        """Return the median."""
        value = float(np.median(_known(part[column]).to_numpy()))
        return self._over(key, "median", part, column, value, form)

    def median_share(self, key: str, part: pl.DataFrame, column: str, whole: str, form: Form) -> Number:
        """Return the median over rows of one column divided by another."""
        value = float(np.median((part[column] / part[whole]).to_numpy()))
        return self.enter(key, "median_share", value, form, ranges_of(part[ROW]), {"part": column, "whole": whole})

    def minimum_of(self, key: str, numbers: Iterable[Number]) -> Number:
        """Return the smallest of other numbers."""
        return self._of(key, "min_of", numbers)

    def greatest_of(self, key: str, numbers: Iterable[Number]) -> Number:
        """Return the largest of other numbers."""
        return self._of(key, "max_of", numbers)

    def number_of(self, key: str, numbers: Iterable[Number]) -> Number:
        """Return how many other numbers there are."""
        keys = [one.key for one in numbers]
        return self.enter(key, "number_of", len(keys), WHOLE, (), {"of": keys})

    def sum_of(self, key: str, numbers: Iterable[Number]) -> Number:
        """Return the sum of other numbers, which are whole."""
        held = list(numbers)
        total = sum(int(one.value) for one in held)
        return self.enter(key, "sum_of", total, WHOLE, (), {"of": [one.key for one in held]})

    def wins(self, key: str, numbers: Iterable[Number], against: Iterable[Iterable[Number]]) -> Number:
        """Return how many numbers are the smallest of their lists."""
        pairs = [(one, list(others)) for one, others in zip(numbers, against, strict=True)]
        value = sum(one.value <= min(other.value for other in others) for one, others in pairs)
        of, lists = [one.key for one, _ in pairs], [[other.key for other in others] for _, others in pairs]
        return self.enter(key, "wins", value, WHOLE, (), {"of": of, "against": lists})

    def _over(
        self, key: str, statistic: Statistic, part: pl.DataFrame, column: str, value: float, form: Form
    ) -> Number:
        return self.enter(key, statistic, value, form, ranges_of(part[ROW]), {"column": column})

    def _of(self, key: str, statistic: Statistic, numbers: Iterable[Number]) -> Number:
        held = list(numbers)
        chosen = (min if statistic == "min_of" else max)(held, key=lambda one: one.value)
        return self.enter(key, statistic, chosen.value, chosen.form, (), {"of": [one.key for one in held]})


def _known(values: pl.Series) -> pl.Series:
    return values.drop_nulls() if values.null_count() else values  # a thousand times, most often of none
