"""Claims: how many hold, those that hold by metric, and each that does not by itself, with its interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ablatrix.analysis.claims import CheckedClaim, Claim
from ablatrix.analysis.reasons import text_of
from ablatrix.paper.claim_ratio import claim_is_no_op, claim_ratio
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.number import WHOLE, Form, Number
from ablatrix.paper.sentences.costs import PLANNED
from ablatrix.paper.sentences.fastest import knob_at
from ablatrix.paper.sentences.said import EXPLAINED, counted, explained
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.paper.sentences.whole import MOVES
from ablatrix.paper.views import changed, claimed, in_brackets
from ablatrix.provenance.claims import claim_rows
from ablatrix.provenance.ranges import count_rows
from ablatrix.provenance.units import Levels

BOUND, SHARE = Form(".4g"), Form(".4g", 0.01, "%")
RENAMED = EXPLAINED - {PLANNED}
"""Metrics whose explained name replaces the plain one; that of planned memory is longer, and said once."""


@dataclass(frozen=True)
class Held:
    """A claim with the numbers that the records give it.

    Attributes:
        trials: How many trials it rests on; None for none.
        interval: The ratio that it is about, before over after; None where there is none.
    """

    checked: CheckedClaim
    trials: Number | None
    interval: Interval | None

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.checked.claim

    @property
    def is_less(self) -> bool:
        """Whether the metric became less."""
        return self.interval is not None and self.interval.ratio.value >= 1.0

    @property
    def group(self) -> tuple[str, Literal["factor", "percent"], Literal["less", "more", "unclear"]]:
        """What those that one sentence names have in common: metric, kind of number, direction."""
        kind: Literal["factor", "percent"] = "factor" if self.claim.within is None else "percent"
        if self.checked.is_different is False and not self.checked.exact:
            return str(self.claim.metric), "percent", "unclear"
        return str(self.claim.metric), kind, "less" if self.is_less else "more"


def claims(sources: Sources) -> Written:
    """How many claims hold, and what was found; the reason why one does not hold is listed with what is omitted."""
    held = [_held(sources, checked) for checked in sources.claims or ()]
    yield from _summary(sources, held)
    yield from _averaging(sources, held)
    for one in held:
        if one.claim.metric is None and one.checked.state == "holds" and one.trials is not None:
            slots: dict[str, Fragment] = {"where": _where(sources, one.claim), "trials": one.trials}
            yield Sentence(one.claim.id, say(f"claim/{one.claim.subject}", **slots))
    holding = [one for one in held if one.checked.state == "holds" and one.interval is not None]
    for group in dict.fromkeys(one.group for one in holding):
        yield from _of_group(sources, [one for one in holding if one.group == group])
    for one in held:
        if one.checked.state != "holds":
            yield Sentence(one.claim.id, _unconfirmed(sources, one))
        elif one.claim.metric is not None and one.interval is None:
            yield Sentence(one.claim.id, say("claim/holds", that=_that(sources, one.claim)))
        if one.checked.reason is not None:
            yield LeftOut(f"{one.claim.id}/holds", Name(text_of(one.checked.reason)))


def _held(sources: Sources, checked: CheckedClaim) -> Held:
    key, trials, interval = f"claims/{checked.claim.id}", None, None
    if checked.rows:
        rows = claim_rows(sources.ledger.rows, checked)
        trials = sources.ledger.enter(f"{key}/trials", "count", count_rows(rows), WHOLE, rows)
        is_no_op = claim_is_no_op(sources.estimates, checked.claim)
        interval = None if is_no_op else claim_ratio(sources.estimates, checked)
    return Held(checked, trials, interval)


def _summary(sources: Sources, held: Sequence[Held]) -> Written:
    """Say how many claims hold; nothing of a single one."""
    if len(held) < 2:
        return
    count = sources.ledger.constant("claims/count", len(held), "claims of the study", WHOLE)
    is_ratio = any(one.checked.state == "holds" and one.interval and one.group[1] == "factor" for one in held)
    ratios = say("claims/ratios") if is_ratio else Name("")
    holding = [one.trials for one in held if one.checked.state == "holds" and one.trials is not None]
    if not holding:
        yield Sentence("all claims", say("claims/none", count=count))
    elif len(holding) == len(held):
        yield Sentence("all claims", say("claims/all", count=count, ratios=ratios))
    else:
        number = sources.ledger.number_of("claims/holding", holding)
        yield Sentence("all claims", counted("claims/some", number, "holding", of=count, ratios=ratios))


def _averaging(sources: Sources, held: Sequence[Held]) -> Iterator[Sentence]:
    """Say what the effect of a knob is where other knobs vary beside it: tables show that of a knob alone, too."""
    about = {(one.claim.metric, one.claim.workload, one.claim.compiler, one.claim.knob) for one in held if one.interval}
    effects = (effect for evidence in sources.findings.evidence for effect in evidence.effects)
    if any(
        one.kind == "main" and one.pairs > 1 and (one.metric, one.workload, one.compiler, one.knob) in about
        for one in effects
    ):
        yield Sentence("averaging", say("claims/averaging"))


def _of_group(sources: Sources, held: Sequence[Held]) -> Iterator[Sentence]:
    """Yield sentences on claims about one metric that hold: what each change does, beside what is claimed of it."""
    metric, kind, direction = held[0].group
    by_change: dict[tuple[object, ...], list[Held]] = {}
    for one in held:
        by_change.setdefault(_change_of(one.claim), []).append(one)
    for own in by_change.values():
        phrase = f"claim/{kind}/{direction}"
        if (kind, direction) == ("factor", "less") and metric.partition("_ms")[1]:
            phrase += "/time"
        slots = _found(sources, own)
        if own is not by_change[_change_of(held[0].claim)]:
            word = explained(metric) if metric in RENAMED else say(f"metric/{metric}")
            said = say(f"{phrase}/again", metric=word, **slots)
        else:
            is_known = any(one.metric.name == metric for one in sources.findings.evidence)  # another paragraph has it
            said = say(phrase, metric=say(f"metric/{metric}") if is_known else explained(metric), **slots)
        yield Sentence("+".join(one.claim.id for one in own), said)


def _change_of(claim: Claim) -> tuple[object, ...]:
    """Return what claims that are named together are about, and the kind of their bounds."""
    sides = [None if one is None else tuple(sorted(one.items())) for one in (claim.configuration, claim.against)]
    bounds = claim.at_least is None, claim.within is None, (claim.at_most or 1.0) < 1.0
    return claim.knob, claim.levels, *sides, *bounds


def _found(sources: Sources, held: Sequence[Held]) -> dict[str, Fragment]:
    """Return what one change does, on each workload, and what is claimed of it there."""
    amounts = [
        say("claim/amount", value=_amount(sources, one, one.interval), place=_place(sources, one))
        for one in held
        if one.interval is not None
    ]
    bounds = [_bound(sources, one.claim) for one in held]
    if len({one.claim.bound for one in held}) == 1:
        bounds = bounds[:1]
    bound = say(f"bound/{_bound_kind(held[0])}", bounds=listed(bounds))
    return {
        "amounts": listed(amounts, "parallel"),
        "change": _change(sources, held[0].claim),
        "bound": say("bound/each", bound=bound) if len(bounds) > 1 else bound,
    }


def _amount(sources: Sources, held: Held, interval: Interval) -> Fragment:
    """Return by how much the metric became less or more; of what is not called different, the change with its sign."""
    _, kind, direction = held.group
    if direction == "unclear":
        said = changed(sources.ledger, interval)
        # Not significant after Holm correction, and yet the interval leaves out zero: it is not corrected.
        return Said("percent/ci/uncorrected", said.slots) if interval.ratio.side and "ci" in said.slots else said
    return claimed(sources.ledger, interval, kind == "percent")


def _place(sources: Sources, held: Held) -> Fragment:
    return _called(sources, held.claim) or Name("")


def _bound_kind(held: Held) -> str:
    """Return in which words the bound of a claim that holds is said, beside a number of what was found."""
    claim = held.claim
    if held.group[2] == "unclear":
        return "fall" if claim.within is None and claim.at_most is not None else "rise"
    if claim.within is not None:
        return "rise" if held.is_less else "at_most"
    if claim.at_most is not None and claim.at_most >= 1.0:
        return "at_most" if held.is_less else "fall"
    return "at_least"


def _bound(sources: Sources, claim: Claim) -> Fragment:
    """Return the number that bounds a claim: a percentage, or a factor of at least 1."""
    source = f"claim {claim.id}"
    if claim.within is not None:
        number = sources.ledger.constant(f"claims/{claim.id}/within", claim.within, source, SHARE)
        return say("percent", value=number)
    if claim.at_most is not None and claim.at_most < 1.0:
        return sources.ledger.constant(f"claims/{claim.id}/at_most/inverse", 1.0 / claim.at_most, source, BOUND)
    name = "at_least" if claim.at_least is not None else "at_most"
    return sources.ledger.constant(f"claims/{claim.id}/{name}", claim.bound, source, BOUND)


def _change(sources: Sources, claim: Claim) -> Fragment:
    """Return what a claim compares with the baseline, or with what it says."""
    if claim.knob is not None:
        knob = sources.knob(claim.knob)
        if claim.levels is None:
            return knob
        base, level = (sources.level(claim.knob, one) for one in claim.levels)
        return say("change/moved", knob=knob, base=base, level=level)
    configuration = claim.configuration or {}
    if claim.against is None and _is_full(sources, claim, configuration):
        return say("change/full")
    moves = _named(sources, configuration)
    return say("change/against", moves=moves, against=_named(sources, claim.against)) if claim.against else moves


def _named(sources: Sources, levels: Levels) -> Fragment:
    return listed(knob_at(sources, knob, level) for knob, level in levels.items())


def _is_full(sources: Sources, claim: Claim, levels: Levels) -> bool:
    """Return whether a configuration moves every knob that varies where the claim is about."""
    units = [one for one in sources.estimates.units.values() if one.compiler == claim.compiler]
    units = [one for one in units if one.workload == claim.workload]
    if not units or len(levels) < 2 or len(levels) > MOVES:
        return False
    is_own = (pl.col("compiler") == claim.compiler) & (pl.col("workload") == claim.workload)
    own = sources.part(is_own & (pl.col("role") == "measured"), *(f"knob_{knob}" for knob in units[0].baseline))
    varied = {knob for knob in units[0].baseline if own[f"knob_{knob}"].drop_nulls().n_unique() > 1}
    return varied == {knob for knob, level in levels.items() if units[0].baseline.get(knob) != level}


def _called(sources: Sources, claim: Claim) -> Fragment | None:
    """Return what a claim is about: a workload, on a compiler where there are several; None for all."""
    compiler = sources.compiler(claim.compiler) if claim.compiler and len(sources.estimates.compilers) > 1 else None
    if claim.workload is None:
        return compiler
    workload = sources.workload_named(claim.workload)
    return workload if compiler is None else say("on_compiler", workload=workload, compiler=compiler)


def _where(sources: Sources, claim: Claim) -> Fragment:
    called = _called(sources, claim)
    kind = "compiler" if claim.workload is None else "workload"
    return Name("") if called is None else say(f"where/{kind}", name=called)


def _unconfirmed(sources: Sources, held: Held) -> Said:
    """Return that a claim does not hold, or is not decided, with what was found."""
    that = _that(sources, held.claim)
    if held.trials is None:
        return say("claim/untested", that=that)
    if claim_is_no_op(sources.estimates, held.claim):
        return say("claim/no_op", that=that)
    found: Fragment = Name("")
    if held.interval is not None:
        _, kind, direction = held.group
        amount = in_brackets(_amount(sources, held, held.interval))
        found = say(f"measured/{direction}", amount=say("factor", value=amount) if kind == "factor" else amount)
    return say(f"claim/{held.checked.state}", that=that, measured=found)


def _that(sources: Sources, claim: Claim) -> Fragment:
    """Return what is claimed, as a clause."""
    where = _where(sources, claim)
    if claim.metric is None:
        return say(f"that/{claim.subject}", where=where)
    kind = "at_least" if claim.at_least is not None else "within" if claim.within is not None else "at_most"
    if claim.at_most is not None and claim.at_most < 1.0:
        kind = "grows"
    slots = {"change": _change(sources, claim), "metric": say(f"metric/{claim.metric}"), "where": where}
    return say(f"that/{kind}", bound=_bound(sources, claim), **slots)


CLAIMS: tuple[Writes, ...] = (claims,)
"""All claims of a study."""
