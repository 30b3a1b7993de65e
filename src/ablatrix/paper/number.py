"""A printed number and what it was computed from: sentences and macros contain no number without this."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.provenance.ranges import Ranges

Statistic = Literal[
    "constant", "excluded", "count", "distinct", "value", "sum", "min", "max", "median", "median_share", "equal_pairs",
    "acting_pairs", "ties", "may_be_best", "paired_ratio", "reference_ratio", "effect", "total", "shapley",
    "interaction", "geometric_mean", "control", "claim", "break_even", "number_of", "sum_of", "wins", "min_of",
    "max_of", "speed_up", "line", "screened_effect", "idle_knobs",
]  # fmt: skip

STATISTICS: Mapping[Statistic, str] = {
    "constant": "Set by the method, the study or a document, which 'source' names; no row is behind it.",
    "excluded": "Final records that are in no statistic for the named reason; they are in no row either.",
    "count": "The number of rows.",
    "distinct": "How many different values the rows have in 'columns' together.",
    "value": "The one value that all rows have in 'column'.",
    "sum": "Sum of 'column' over the rows that have it.",
    "min": "Smallest 'column' of the rows that have it.",
    "max": "Largest 'column' of the rows that have it.",
    "median": "Median of 'column' over the rows that have it; of an even number the mean of the middle two.",
    "median_share": "Median over the rows of 'part' divided by 'whole'.",
    "equal_pairs": "Pairs of configurations that differ in 'knob' alone, one at 'base_level' and one at 'level', and "
    "have the same artifact_digest.",
    "ties": "Configurations of the unit with a value of 'metric' in every repeat ('compared'), and those of them that "
    "are not the lowest but may be the best, by simultaneous intervals against the best ('ties').",
    "may_be_best": "1 if the configuration with the levels 'knobs' is the lowest of 'ties', or may be; else 0.",
    "reference_ratio": "Ratio of 'metric' of the configuration with the levels 'knobs' to that of eager execution "
    "(role reference), paired over blocks.",
    "paired_ratio": "Ratio of 'metric' of the configuration with the levels 'knobs' to that with 'baseline', paired "
    "over blocks.",
    "effect": "Ratio of 'metric' when 'knob' moves from 'base_level' to 'level': in each repeat the mean of the log "
    "ratios of all pairs of configurations that differ in it alone, are there in every repeat and are not one program; "
    "'same_program' names those that are. 'widened': by how much the interval is wider at each end, on the logarithm, "
    "as the A/A control of the unit failed, or as the metric shows no smaller difference.",
    "acting_pairs": "Pairs of configurations that differ in 'knob' alone: all ('part' is 'all'), or those that are not "
    "one program ('acting').",
    "total": "Ratio of 'metric' of the configuration with the levels 'end' to that with 'start', over the repeats that "
    "have every configuration between the two; where none has, over those that have the two.",
    "shapley": "Share of 'knob' in the ratio of 'metric' from 'start' to 'end', over the repeats that have every "
    "configuration between the two: the mean of its log ratios over all orders in which the knobs can be moved.",
    "interaction": "What the ratio of 'knob' is multiplied by when 'other' is moved from 'start' to 'end', too: the "
    "mean over the levels of the other knobs, over the same repeats.",
    "speed_up": "Ratio of 'metric' of the configuration with the levels 'start' to that with 'end', over the repeats "
    "that have both; above 1 the latter is faster.",
    "geometric_mean": "Geometric mean of the effects named in 'of', each weighing the same; 'widened' as of an effect.",
    "control": "Ratio of 'metric' of the twin of the baseline to the baseline, paired over blocks (A/A control); "
    "'reach' is the farther end of its interval from 1, as an absolute logarithm.",
    "break_even": "Runs after which the extra time to the first result of 'knobs' over 'baseline' is repaid: mean "
    "difference of the cold times over mean difference of the hot times, each within blocks; interval by Fieller.",
    "claim": "The improvement that a claim is about: 'metric' of the base over that of the treated configurations.",
    "line": "Of the least-squares line through the medians of ms_per_token over tokens_context: its slope, the ends of "
    "its 95 % interval by Student's t (low, high), or R squared, by 'part'.",
    "screened_effect": "Ratio of 'metric' between both levels of 'knob' in the screening 'stage': the mean of the "
    "levels of the configurations at one level over that at the other, each level within blocks (least squares with an "
    "effect of each block); where the rows name 'corners', over all corners; where the plan names 'orders', the "
    "Shapley share over these; of the design 'groups', all knobs of the stage on but this one, over all on.",
    "idle_knobs": "How many knobs 'config.stage_plan.chosen.idle' of the rows of the stage 'stage' names.",
    "number_of": "How many numbers 'of' names.",
    "sum_of": "The sum of the numbers named in 'of'.",
    "wins": "How many of the numbers named in 'of' are the smallest of their list in 'against'.",
    "min_of": "The smallest of the numbers named in 'of'.",
    "max_of": "The largest of the numbers named in 'of'.",
}
"""Description of each statistic; docs/paper.md has more detail."""


@dataclass(frozen=True)
class Form:
    """How a value is printed.

    Attributes:
        spec: Python format specification.
        divide_by: Divisor that changes the unit, applied before the format; 1 keeps a whole number whole.
        unit: What the printed number counts; None for a pure number.
    """

    spec: str
    divide_by: float = 1.0
    unit: str | None = None

    def printed(self, value: float) -> str:
        """Return the text of a value."""
        return format(value if self.divide_by == 1.0 else value / self.divide_by, self.spec)


WHOLE = Form(",d")
GENERAL = Form("g")
RATIO = Form(".3f")
PERCENT = Form(".0f", 0.01, "%")
MEGA, KILO = 10**6, 10**3


@dataclass(frozen=True, kw_only=True)
class Number:
    """One printed number.

    Attributes:
        key: Its name, unique in a paper, such as ``benefit/encoder/tvm/fusion=on/run_ms_paired/ratio``.
        value: Unrounded, before the change of unit.
        form: How it is printed.
        statistic: How it follows from the rows; see `STATISTICS`.
        parameters: Parameters of the statistic.
        rows: Indices of its rows, in the canonical order of `ablatrix.provenance.rows`.
    """

    key: str
    value: float
    form: Form
    statistic: Statistic
    parameters: Mapping[str, Any]
    rows: Ranges

    @property
    def text(self) -> str:
        """The number as it is printed, without its unit."""
        return self.form.printed(self.value)


def percent(share: float) -> Form:
    """Return the form of a small share in percent: two digits, without an exponent."""
    return Form(".2g" if share < 0.995 else ".0f", 0.01, "%")


def byte_size(value: float) -> Form:
    """Return the form of a number of bytes: three digits, in the largest unit not larger than it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return Form(".3g" if value / size < 999.5 else ".0f", float(size), unit)
    return Form("g", 1.0, "bytes")


def error_size(value: float) -> Form:
    """Return the form of an error: two digits, with an exponent where it is small or large."""
    return Form(".2g" if value == 0 or 0.00995 <= value < 99.5 else ".1e")


def multiple(value: float) -> Form:
    """Return the form of how many times something is as large: three digits, without an exponent."""
    return Form(".3g" if value < 999.5 else ",.0f")


def milliseconds(value: float) -> Form:
    """Return the form of a time in ms: three digits, without an exponent."""
    return Form(".3g" if value < 999.5 else ".0f", 1.0, "ms")


def large_count(value: float, digits: int = 3) -> Form:
    """Return the form of a large count: with so many digits, in thousands or millions where it has more of them."""
    size, unit = (MEGA, "M") if value >= 999.5 * KILO else (KILO, "k") if value >= 999.5 else (1, None)
    shown = value / size
    decimals = max(0, digits - 1 - math.floor(math.log10(shown))) if shown > 0 and unit else 0
    return Form(f".{decimals}f", float(size), unit)


def runs(value: float) -> Form:
    """Return the form of a number of runs, which no interval supports to more than two digits."""
    return large_count(value, 2) if value >= 9.95 else Form(".2g")
