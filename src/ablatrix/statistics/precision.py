"""When a study has been measured precisely enough: the widths of its intervals, and nothing about what they say.

Stopping when a difference looks significant finds differences where there are none; stopping when the interval is
narrow hardly does, because the width does not depend on where the interval lies. It is not wholly free: blocks end
sooner where the spread happens to look small, so that the last interval is slightly too narrow (Anscombe 1953; Chow &
Robbins 1965). Two equal configurations, wanted to +-1 %, are called different at a nominal 5 % in 5 % of simulated
runs when the log ratios of blocks spread by 0.8 % or less, and in about 8 % at the worst, when they spread by 2 %;
with at least 8 blocks in at most 7 %.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import row_sums
from ablatrix.statistics.ratio import paired_half_width

Level = str | int | float | bool
Configuration = tuple[Level, ...]
Pair = tuple[Configuration, Configuration]
Block = Mapping[Configuration, float]
Columns = Mapping[Configuration, NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """What a (workload, compiler) compares.

    Attributes:
        knobs: Names of all knobs, in the order of a configuration's levels.
        primary: Names of the knobs whose main effects are wanted.
        baseline: The configuration that the others are compared with.
        configurations: All that are measured, the baseline among them.

    Raises:
        ValueError: A configuration with another number of levels than there are knobs, a primary knob that is no
            knob, or a baseline that is not measured.
    """

    knobs: tuple[str, ...]
    primary: tuple[str, ...]
    baseline: Configuration
    configurations: tuple[Configuration, ...]

    def __post_init__(self) -> None:
        for configuration in self.configurations:
            if len(configuration) != len(self.knobs):
                raise ValueError(f"one level for each of {self.knobs} must be given, but got {configuration}")
        if self.baseline not in self.configurations:
            raise ValueError(f"the baseline must be measured, but {self.baseline} is not in {self.configurations}")
        if unknown := set(self.primary) - set(self.knobs):
            raise ValueError(f"every primary knob must be one of {self.knobs}, but got {sorted(unknown)}")

    @cached_property
    def paired_steps(self) -> tuple[tuple[str, Level, tuple[Pair, ...]], ...]:
        """Each of `steps` with its `pairs`: they are the same after each block."""
        return tuple((knob, level, tuple(self.pairs(knob, level))) for knob, level in self.steps())

    def steps(self) -> list[tuple[str, Level]]:
        """Return each primary knob with each level other than the baseline's; none for a knob with one level."""
        found: dict[tuple[str, Level], None] = {}
        for knob in self.primary:
            position = self.knobs.index(knob)
            for configuration in self.configurations:
                if configuration[position] != self.baseline[position]:
                    found[knob, configuration[position]] = None
        return list(found)

    def pairs(self, knob: str, level: Level) -> list[Pair]:
        """Return (configuration at ``level``, the same at the baseline's level of this knob alone)."""
        position = self.knobs.index(knob)
        base = self.baseline[position]
        partners = [
            (there, (*there[:position], base, *there[position + 1 :]))
            for there in self.configurations
            if there[position] == level
        ]
        return [pair for pair in partners if pair[1] in self.configurations]

    def name(self, configuration: Configuration) -> str:
        """Return the levels in which a configuration differs from the baseline."""
        named = zip(self.knobs, configuration, self.baseline, strict=True)
        return ", ".join(f"{knob}={level}" for knob, level, base in named if level != base) or "baseline"


@dataclass(frozen=True)
class Differences:
    """What pairs of configurations differ by, block by block.

    Attributes:
        values: For each block the mean over the whole pairs of the difference of logs; empty without a whole pair.
        whole: Pairs that are there in every block.
        partial, missing: Pairs omitted because only some blocks have them, or none has.
    """

    values: tuple[float, ...]
    whole: int
    partial: int
    missing: int


@dataclass(frozen=True)
class EffectWidth:
    """Half the width of the interval of a main effect.

    Attributes:
        name: ``knob=level``.
        half_width: On the logarithm: 0.012 is about 1.2 %. None with fewer than two blocks, or without a pair.
        blocks: Blocks that it is made of.
        pairs: Pairs of configurations that are there in every block; the effect is the mean over them.
        pairs_partial, pairs_missing: Pairs omitted because only some blocks have them, or none has.
    """

    name: str
    half_width: float | None
    blocks: int
    pairs: int
    pairs_partial: int
    pairs_missing: int


@dataclass(frozen=True)
class CellWidth:
    """Half the width of the interval of a cell's ratio to the baseline; the fields are those of ``EffectWidth``."""

    name: str
    configuration: Configuration
    half_width: float | None
    blocks: int


@dataclass(frozen=True)
class Widths:
    """The widths reached after some blocks.

    Attributes:
        blocks: Blocks with at least one value.
        effects: One for each step of a primary knob.
        cells: One for each configuration but the baseline.
        missing: Configurations that lack a value in at least one block, the baseline included.
    """

    blocks: int
    effects: tuple[EffectWidth, ...]
    cells: tuple[CellWidth, ...]
    missing: tuple[Configuration, ...]


@dataclass(frozen=True)
class Shortfall:
    """What is not yet precise enough: the widest interval, measured against its target.

    Attributes:
        subject: What it is the interval of, None when blocks are too few.
        half_width: Reached, on the logarithm; None when there is no interval yet.
        target: Wanted half-width; None when blocks are too few.
        reason: The same in words.
    """

    subject: str | None
    half_width: float | None
    target: float | None
    reason: str


def columns_of(blocks: Sequence[Block], configurations: Sequence[Configuration]) -> Columns:
    """Return each configuration's value in every block, NaN where the block lacks it."""
    return {one: np.array([block.get(one, math.nan) for block in blocks], np.float64) for one in configurations}


def mean_differences(columns: Columns, pairs: Sequence[Pair]) -> Differences:
    """Return the mean difference over pairs in each block: with a knob's pairs, its main effect.

    A pair that some block lacks is omitted from every block, so that all blocks estimate the same.

    Args:
        columns: The log of each configuration in each block; see `columns_of`.
        pairs: (configuration, the one that it is compared with).
    """
    if not pairs:
        return Differences((), 0, 0, 0)
    found = np.stack([columns[there] for there, _ in pairs]) - np.stack([columns[here] for _, here in pairs])
    lacking = np.isnan(found).sum(axis=1)
    blocks = found.shape[1]
    whole = list(found[lacking == 0]) if blocks else []
    values = tuple((row_sums(whole) / len(whole)).tolist()) if whole else ()
    partial = int(((lacking > 0) & (lacking < blocks)).sum())
    return Differences(values, len(whole), partial, len(pairs) - len(whole) - partial)


def measure_widths(blocks: Sequence[Block], comparison: Comparison, confidence: float = 0.95) -> Widths:
    """Return the half-widths of all main effects and of all ratios to the baseline, by Student's t over blocks.

    The main effect of a knob is, in each block, the mean over the other knobs of the paired log ratios: one value a
    block; see ``mean_differences``.

    Args:
        blocks: For each block the log of the trial mean of each configuration; one that failed is omitted. Where a
            block was split into parts, the log of the baseline of its own part is first taken from each.
        comparison: What is compared.
        confidence: Strictly between 0 and 1.
    """
    filled = [block for block in blocks if block]
    columns = columns_of(filled, comparison.configurations)
    effects = tuple(_effect(columns, *step, confidence) for step in comparison.paired_steps)
    cells = tuple(
        _cell(filled, comparison, configuration, confidence)
        for configuration in comparison.configurations
        if configuration != comparison.baseline
    )
    missing = tuple(one for one in comparison.configurations if any(one not in block for block in filled))
    return Widths(len(filled), effects, cells, missing)


def find_shortfall(
    widths: Widths, effect_target: float = 0.01, cell_target: float = 0.02, least_blocks: int = 5
) -> Shortfall | None:
    """Return what is widest against its target, None when all is narrow enough after enough blocks.

    What failed in every block has no interval and never will; it is reported in ``widths`` and delays nothing.
    What some blocks have counts once ``least_blocks`` have it.

    Args:
        widths: The widths reached.
        effect_target: Wanted half-width of every main effect.
        cell_target: Wanted half-width of every ratio to the baseline.
        least_blocks: Blocks that are run in any case; a width of fewer is itself too uncertain.
    """
    if widths.blocks < least_blocks:
        return Shortfall(None, None, None, f"{widths.blocks} of at least {least_blocks} blocks")
    wanted = [
        (f"effect of {effect.name}", effect.half_width, effect.blocks, effect_target)
        for effect in widths.effects
        if effect.pairs or effect.pairs_partial
    ]
    wanted += [
        (f"ratio of {cell.name}", cell.half_width, cell.blocks, cell_target) for cell in widths.cells if cell.blocks
    ]
    found: Shortfall | None = None
    worst = 1.0
    for subject, half_width, blocks, target in wanted:
        known = half_width if blocks >= least_blocks else None
        excess = math.inf if known is None else known / target
        if excess > worst:
            reached = "has no interval yet" if known is None else f"is known to +-{known:.2%}"
            worst, found = excess, Shortfall(subject, known, target, f"{subject} {reached}, wanted +-{target:.2%}")
    return found


def _effect(columns: Columns, knob: str, level: Level, pairs: Sequence[Pair], confidence: float) -> EffectWidth:
    found = mean_differences(columns, pairs)
    width = _half_width(found.values, confidence)
    return EffectWidth(f"{knob}={level}", width, len(found.values), found.whole, found.partial, found.missing)


def _cell(
    blocks: Sequence[Block], comparison: Comparison, configuration: Configuration, confidence: float
) -> CellWidth:
    base = comparison.baseline
    values = [block[configuration] - block[base] for block in blocks if configuration in block and base in block]
    return CellWidth(comparison.name(configuration), configuration, _half_width(values, confidence), len(values))


def _half_width(values: Sequence[float], confidence: float) -> float | None:
    return paired_half_width(values, confidence) if values else None
