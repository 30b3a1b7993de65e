"""The design of a screening as it was run: from the levels of knobs in its configurations to runs and times by run."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ablatrix.statistics.screening.design import Array, Kind, ScreeningDesign, make_design
from ablatrix.statistics.screening.designs import one_at_a_time
from ablatrix.statistics.screening.effects import ScreenedEffect

Levels = tuple[Hashable, ...]
FALSE_DISCOVERIES = 0.05
"""Share of false ones among the factors that a screening finds, at most, in the mean (Benjamini & Hochberg 1995)."""


@dataclass(frozen=True)
class ObservedDesign:
    """A design with the configuration of each of its runs.

    Attributes:
        configurations: The levels of the factors in each run.
    """

    design: ScreeningDesign
    configurations: tuple[Levels, ...]

    @classmethod
    def of(
        cls, levels: Sequence[Sequence[Hashable]], configurations: Sequence[Levels], kind: str, resolution: int | None
    ) -> "ObservedDesign":
        """Return the design whose runs were issued, whether or not they have values.

        Args:
            levels: Of each factor: two, the baseline's first, or low, middle and high.
            configurations: The levels of all factors in each run, in any order and as often as they were run.
            kind: That of the design, see `Kind`.
            resolution: That of the design.

        Raises:
            ValueError: A configuration with another level, or of another number of factors.
        """
        named = cast(Kind, kind)
        if named == "one_at_a_time":
            single = one_at_a_time(len(levels), "baseline")
            runs = (tuple(held[code] for held, code in zip(levels, run, strict=True)) for run in single.runs)
            return cls(single, tuple(runs))
        distinct = tuple(dict.fromkeys(configurations))
        rows = [[_code(held, level) for held, level in zip(levels, one, strict=True)] for one in distinct]
        return cls(make_design(np.array(rows, dtype=np.int_), named, resolution), distinct)

    def table(self, blocks: Sequence[Mapping[Levels, float]]) -> Array:
        """Return the values of blocks by run (blocks x runs); NaN where a block has none."""
        places = {one: run for run, one in enumerate(self.configurations)}
        found: Array = np.full((len(blocks), len(self.configurations)), math.nan)
        for row, block in enumerate(blocks):
            for one, value in block.items():
                if one in places:
                    found[row, places[one]] = value
        return found


def found_factors(effects: Sequence[ScreenedEffect], rate: float = FALSE_DISCOVERIES) -> list[int]:
    """Return the factors whose main effects are found at a false discovery rate, the largest first."""
    known = [
        (-abs(math.log(one.ratio.value)), one.word[0])
        for one in effects
        if len(one.word) == 1 and one.ratio is not None and one.q_value is not None and one.q_value <= rate
    ]
    return [factor for _, factor in sorted(known)]


def _code(levels: Sequence[Hashable], level: Hashable) -> int:
    """Return a level as designs have it: 0 or 1; of three -1, 0 or 1.

    Raises:
        ValueError: It is none of them.
    """
    place = list(levels).index(level)
    return place - 1 if len(levels) == 3 else place
