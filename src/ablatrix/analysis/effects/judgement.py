"""What may be said of an effect: different, none, or not distinguishable. One rule for all that is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.effects.geometric_means import GeometricMean
from ablatrix.analysis.groups import percent_text
from ablatrix.records.metrics import Language, Metric
from ablatrix.statistics.equivalence import equivalence_of, minimal_margin
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import Allowance, Estimate, Ratio

DEFAULT_MARGIN = 0.01
NO_EFFECT: Literal["no effect"] = "no effect"
NOT_DISTINGUISHABLE: Literal["not distinguishable"] = "not distinguishable"
ONE_BLOCK: Literal["one block, not tested"] = "one block, not tested"
NO_OP: Literal["no-op"] = "no-op"
UNDECIDED = (NO_EFFECT, NOT_DISTINGUISHABLE, ONE_BLOCK, NO_OP)
MAIN, TOTAL = ("main", "around"), ("total",)
FAMILIES = (MAIN, TOTAL)
"""Kinds of effects that are judged; the p-values of each of these are adjusted together."""
CHINESE: Mapping[str, str] = MappingProxyType(
    {
        NO_EFFECT: "无影响",
        NOT_DISTINGUISHABLE: "无法区分",
        ONE_BLOCK: "仅一个区组\N{FULLWIDTH COMMA}未检验",
        NO_OP: "无作用",
        "faster": "更快",
        "slower": "更慢",
        "smaller": "更小",
        "larger": "更大",
        "fewer": "更少",
        "more": "更多",
    }
)
"""Verdicts in a Chinese paper."""
_FORMS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "same_program": "{verdict}: same program",
            "within": "{verdict} (within {margin})",
            "resolution": "{verdict} ({sign}{margin})",
            "less_than": "{verdict} (less than {margin})",
        },
        "zh": {
            "same_program": "{verdict}\N{FULLWIDTH COLON}同一程序",
            "within": "{verdict}\N{FULLWIDTH LEFT PARENTHESIS}{margin} 以内\N{FULLWIDTH RIGHT PARENTHESIS}",
            "resolution": "{verdict}\N{FULLWIDTH LEFT PARENTHESIS}{sign}{margin}\N{FULLWIDTH RIGHT PARENTHESIS}",
            "less_than": "{verdict}\N{FULLWIDTH LEFT PARENTHESIS}小于 {margin}\N{FULLWIDTH RIGHT PARENTHESIS}",
        },
    }
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a verdict is about: an effect, a mean over workloads, or the factor of a claim.

    Attributes:
        ratio: None where there is none.
        estimate: What the ratio is made of; None where there is none.
        allowance: What its interval allows for beyond the scatter of blocks.
        exact: The ratio is no estimate.
        is_no_op: Both sides are the same program.
    """

    ratio: Ratio | None
    estimate: Estimate | None
    allowance: Allowance
    exact: bool
    is_no_op: bool = False

    @property
    def p_value(self) -> float | None:
        """The p-value that enters the family; None for what is not tested."""
        return None if self.ratio is None or self.exact or self.is_no_op else self.ratio.p_value


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The verdict, and what it rests on.

    Attributes:
        verdict: The metric's word for less or more; ``no effect``; ``not distinguishable``; ``one block, not tested``;
            ``no-op``. None when there is no ratio.
        resolution: The smallest margin that would have made it ``no effect``, relative: the x of
            "not distinguishable (+-x)". None with other verdicts.
        p_holm: Of the ratio being 1, adjusted over the family. None without spread, with one block, of what is exact
            and of a no-op.
        p_equivalence: Of the ratio lying outside of the margin.
        within: Whether the ratio lies within the margin by the test.
        margin: Largest relative difference that counts as none.
    """

    verdict: str | None
    resolution: float | None
    p_holm: float | None
    p_equivalence: float | None
    within: bool
    margin: float

    @property
    def is_different(self) -> bool:
        """Whether the verdict says that there is a difference."""
        return self.verdict is not None and self.verdict not in UNDECIDED


def judge_effects(effects: Sequence[Effect], metric: Metric, margin: float = DEFAULT_MARGIN) -> list[Judgement | None]:
    """Return the verdict on each main effect, each level around a centre and each total; None for other kinds.

    Main effects and levels around a centre are one family, totals another: all workloads, compilers and stages.
    """
    return _by_family([one.kind for one in effects], [subject_of(one) for one in effects], metric, margin)


def judge_means(
    means: Sequence[GeometricMean], metric: Metric, margin: float = DEFAULT_MARGIN
) -> list[Judgement | None]:
    """Return the verdict on each geometric mean over workloads, by the rule and the families of `judge_effects`."""
    subjects = [
        Judged(
            ratio=one.ratio,
            estimate=one.estimate,
            allowance=one.allowance,
            exact=one.exact,
            is_no_op=one.is_no_op,
        )
        for one in means
    ]
    return _by_family([one.kind for one in means], subjects, metric, margin)


def subject_of(effect: Effect) -> Judged:
    """Return what is judged of an effect."""
    return Judged(
        ratio=effect.ratio,
        estimate=effect.estimate,
        allowance=effect.allowance,
        exact=effect.exact,
        is_no_op=effect.is_no_op,
    )


def odd_no_ops(effects: Sequence[Effect], metric: Metric) -> list[Effect]:
    """Return the effects of proven no-ops that would otherwise be called different, and by more than the margin.

    Something acts there that no record reads back. Within the margin it is nothing that anyone would claim: the order
    of trials alone can do as much.
    """
    no_ops = [one for one in effects if one.kind in MAIN and one.is_no_op]
    judgements = judge([replace(subject_of(one), is_no_op=False) for one in no_ops], metric)
    return [one for one, held in zip(no_ops, judgements, strict=True) if held.is_different and not held.within]


def judge(subjects: Sequence[Judged], metric: Metric, margin: float = DEFAULT_MARGIN) -> list[Judgement]:
    """Return the verdict on each member of a family, over which p-values are adjusted (Holm 1979).

    The first rule that applies:

    1. *no-op*: both sides are the same program. *exact*: the value decides. *one block*: nothing is tested.
    2. Different: the adjusted p-value is at most 5 %. It stays so where the ratio also lies within the margin: an
       interval that leaves out 1 does not show that there is no effect.
    3. *no effect*: the ratio lies within the margin by two one-sided tests at 5 % (Schuirmann 1987).
    4. *not distinguishable* otherwise.

    Raises:
        ValueError: A margin that is not positive.
    """
    p_values = [one.p_value for one in subjects]
    adjusted = iter(holm([value for value in p_values if value is not None]))
    p_holm = [None if value is None else next(adjusted) for value in p_values]
    return [_judge(one, value, metric, margin) for one, value in zip(subjects, p_holm, strict=True)]


def verdict_word(verdict: str, language: Language = "en") -> str:
    """Return a verdict by itself, in a language."""
    return CHINESE[verdict] if language == "zh" else verdict


def verdict_text(judgement: Judgement, sign: str = "±", language: Language = "en") -> str | None:
    """Return a verdict with its margin or resolution, in a language; None where there is nothing to judge."""
    if judgement.verdict is None:
        return None
    verdict, forms = verdict_word(judgement.verdict, language), _FORMS[language]
    if judgement.verdict == NO_OP:
        return forms["same_program"].format(verdict=verdict)
    if judgement.verdict == NO_EFFECT and judgement.within:
        return forms["within"].format(verdict=verdict, margin=_percent(judgement.margin, language))
    if judgement.resolution is not None:
        margin = _percent(judgement.resolution, language)
        return forms["resolution"].format(verdict=verdict, sign=sign, margin=margin)
    if judgement.is_different and judgement.within:
        return forms["less_than"].format(verdict=verdict, margin=_percent(judgement.margin, language))
    return verdict


def _percent(share: float, language: Language) -> str:
    text = percent_text(share)
    return text.replace(" ", "") if language == "zh" else text


def _by_family(
    kinds: Sequence[str], subjects: Sequence[Judged], metric: Metric, margin: float
) -> list[Judgement | None]:
    found: list[Judgement | None] = [None] * len(subjects)
    for family in FAMILIES:
        chosen = [index for index, kind in enumerate(kinds) if kind in family]
        judgements = judge([subjects[index] for index in chosen], metric, margin)
        for index, judgement in zip(chosen, judgements, strict=True):
            found[index] = judgement
    return found


def _judge(one: Judged, p_holm: float | None, metric: Metric, margin: float) -> Judgement:
    if one.ratio is None or one.estimate is None:
        return _untested(None, margin)
    if one.is_no_op:
        return _untested(NO_OP, margin)
    direction = metric.less if one.ratio.value < 1.0 else metric.more
    if one.exact:
        return _untested(NO_EFFECT if one.ratio.value == 1.0 else direction, margin)
    if one.estimate.error is None:
        return _untested(ONE_BLOCK, margin)
    equivalence = equivalence_of(one.estimate, margin, ALPHA, one.allowance)
    resolution = None
    if p_holm is not None and p_holm <= ALPHA:
        verdict = direction
    elif equivalence.holds:
        verdict = NO_EFFECT
    else:
        verdict, resolution = NOT_DISTINGUISHABLE, minimal_margin(equivalence.ratio)
    return Judgement(
        verdict=verdict,
        resolution=resolution,
        p_holm=p_holm,
        p_equivalence=equivalence.p_value,
        within=equivalence.holds,
        margin=margin,
    )


def _untested(verdict: str | None, margin: float) -> Judgement:
    return Judgement(verdict=verdict, resolution=None, p_holm=None, p_equivalence=None, within=False, margin=margin)
