"""Who earns the gain: shares of the knobs, changes one at a time, and interactions."""

from collections.abc import Mapping, Sequence

from ablatrix.analysis.effects import DEFAULT_MARGIN, Effect, Evidence
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.sentences.fastest import knob_at, set_to
from ablatrix.paper.sentences.overall import (
    SIZES,
    Candidate,
    Overall,
    candidates,
    entered,
    first_stages,
    moved,
    over,
    unclear_reach,
)
from ablatrix.paper.sentences.said import counted
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.sentences.whole import MOVES, end_levels, primary, totals
from ablatrix.paper.views import amount, apart, in_brackets, size
from ablatrix.provenance.keys import key_part

NAMED = 4
"""Knobs that a sentence names; of more, how many there are."""
LOST = 2
"""Knobs that lose time and are named."""


def shares(sources: Sources) -> Written:
    """The Shapley share of each knob, in order of size: savings first, then what costs time."""
    evidence = primary(sources)
    stages = first_stages(evidence.effects) if evidence else {}
    found = (
        candidates(sources, evidence, ("shapley",), lambda one: stages.get(one.compiler) == one.stage)
        if evidence
        else []
    )
    if not evidence or len({one.first.knob for one in found}) < 2:
        yield LeftOut("shares", say("lacks/shares"))
        return
    if all(one.first.ratio is None or one.first.ratio.low is None for one in found):
        yield LeftOut("shares", say("lacks/interval"))
        return
    several = len({one.first.compiler for one in found}) > 1
    gains = sorted((one for one in found if one.direction == "less"), key=lambda one: one.ratio)
    losses = sorted((one for one in found if one.direction == "more"), key=lambda one: -one.ratio)
    rest = len(found) - len(gains) - len(losses)
    # One that is left over is named as well.
    named = _firsts(gains) if several else gains[: NAMED if len(gains) > NAMED + 1 else NAMED + 1]
    see = sources.see("shares")
    lost = _lost(sources, evidence, losses, several)
    unclear = _unclear(sources, evidence, found, rest, several)
    if not named:
        yield Sentence("shares", say("shares/none", see=see, lost=lost, metric=say(f"metric/{evidence.metric.name}")))
        return
    word = say(f"metric/{evidence.metric.name}")
    if several:
        knobs = listed(_by_knob(sources, evidence, named))
        yield Sentence("shares", say("shares/compilers", see=see, metric=word, knobs=knobs, lost=lost))
        return
    first, *rest_named = named
    others = [_share(sources, evidence, one) for one in rest_named]
    slots: dict[str, Fragment] = {
        "knob": sources.knob(first.first.knob),
        "amount": in_brackets(amount(sources.ledger, entered(sources, evidence, first).interval)),
        "followed": say("shares/followed", others=listed(others)) if others else Name(""),
        "more": _more(sources, evidence, gains[len(named) :]) if len(gains) > len(named) else Name(""),
    }
    yield Sentence("shares", say("shares", see=see, metric=word, lost=lost, unclear=unclear, **slots))


def _firsts(gains: Sequence[Candidate]) -> list[Candidate]:
    """Return the largest gain of each compiler, the largest first; no more than are named."""
    found: dict[str, Candidate] = {}
    for one in gains:
        found.setdefault(one.first.compiler, one)
    return list(found.values())[:NAMED]


def _share(sources: Sources, evidence: Evidence, one: Candidate) -> Fragment:
    by = size(sources.ledger, entered(sources, evidence, one).interval)
    return say("share", knob=sources.knob(one.first.knob), amount=by)


def _by_knob(sources: Sources, evidence: Evidence, named: Sequence[Candidate]) -> list[Fragment]:
    """Return each knob once, with its shares on compilers and their intervals, as compilers share no block."""
    found: dict[str, list[Fragment]] = {}
    for one in named:
        by, interval = apart(sources.ledger, entered(sources, evidence, one).interval)
        slots: dict[str, Fragment] = {"amount": by, "compiler": sources.compiler(one.first.compiler)}
        said = say("share/with", **slots) if interval is None else say("share/with/ci", ci=interval, **slots)
        found.setdefault(str(one.first.knob), []).append(said)
    several = {knob: own for knob, own in found.items() if len(own) > 1}
    alone = {str(one.first.knob): one for one in named if str(one.first.knob) not in several}
    return [
        say("share", knob=sources.knob(knob), amount=listed(several[knob], "clauses"))
        if knob in several
        else _alone(sources, evidence, alone[knob])
        for knob in found
    ]


def _alone(sources: Sources, evidence: Evidence, one: Candidate) -> Fragment:
    """Return the share of a knob that is named with one compiler."""
    share = in_brackets(amount(sources.ledger, entered(sources, evidence, one).interval))
    return say(
        "share/of", knob=sources.knob(one.first.knob), compiler=sources.compiler(one.first.compiler), amount=share
    )


def _knob(sources: Sources, one: Effect, several: bool) -> Fragment:
    knob = sources.knob(one.knob)
    return say("knob_with", knob=knob, compiler=sources.compiler(one.compiler)) if several else knob


def _more(sources: Sources, evidence: Evidence, rest: Sequence[Candidate]) -> Fragment:
    held = [entered(sources, evidence, one) for one in rest]
    key = f"benefit/shares/{key_part(evidence.metric.name)}"
    count = sources.ledger.number_of(f"{key}/more", [one.interval.value for one in held])
    return say("shares/more", count=count, most=size(sources.ledger, held[0].interval))


def _lost(sources: Sources, evidence: Evidence, losses: Sequence[Candidate], several: bool) -> Fragment:
    if not losses:
        return Name("")
    named = losses[:LOST]
    items = _by_knob(sources, evidence, named) if several else [_share(sources, evidence, one) for one in named]
    word = say(f"metric/{evidence.metric.name}")
    return say("shares/lost/most" if len(losses) > len(named) else "shares/lost", knobs=listed(items), metric=word)


def losses_are_said(sources: Sources, evidence: Evidence) -> bool:
    """Return whether the sentence on shares says where time is lost."""
    stages = first_stages(evidence.effects)
    found = candidates(sources, evidence, ("shapley",), lambda one: stages.get(one.compiler) == one.stage)
    return len({one.first.knob for one in found}) > 1 and any(one.direction == "more" for one in found)


def _unclear(sources: Sources, evidence: Evidence, found: Sequence[Candidate], rest: int, several: bool) -> Fragment:
    """Return which shares are not told from none; nothing of a study without intervals, or where none is unclear."""
    held = [one for one in found if one.direction == "unclear"]
    if not rest or several:
        return Name("")
    if len(held) <= 2:
        return say("shares/unclear", knobs=listed(sources.knob(one.first.knob) for one in held))
    intervals = [entered(sources, evidence, one).interval.value for one in held]
    key = f"benefit/shares/{key_part(evidence.metric.name)}/unclear"
    return say("shares/unclear_many", count=sources.ledger.number_of(key, intervals))


def changes(sources: Sources) -> Written:
    """What changes one at a time do in the mean: the largest saving and the largest loss of all stages around one."""
    evidence = primary(sources)
    said = changes_of(sources, evidence) if evidence else None
    if said is not None:
        yield Sentence("changes", said)


def changes_of(sources: Sources, evidence: Evidence, before: Evidence | None = None) -> Said | None:
    """Return what changes one at a time do to a metric; None where there are none.

    Args:
        sources: The records.
        evidence: The effects on the metric.
        before: The effects on a metric of which the same has been said already; None for the first.
    """
    found = _one_at_a_time(sources, evidence)
    if not found:
        return None
    is_again = before is not None and len(_one_at_a_time(sources, before)) > 1
    several = len({one.first.compiler for one in found}) > 1
    metric = evidence.metric.name
    held = [entered(sources, evidence, one) for one in found]
    if len(held) == 1:
        change = _moved(sources, held[0], several)
        return say("changes/one", change=change, does=moved(sources, held[0], metric), over=over(sources, held[0]))
    key = f"benefit/changes/{key_part(metric)}"
    count = sources.ledger.number_of(key, [one.interval.value for one in held])
    slots: dict[str, Fragment] = {"count": count, "metric": say(f"metric/{metric}")}
    slots["centre"] = _centre(sources, evidence, [one.first for one in found])
    different = [one for one in held if one.direction in ("less", "more")]
    if not different:
        return _no_change(sources, held, is_again, slots)
    if len(different) == 1 and not is_again:
        (one,) = different
        does = moved(sources, one, metric)
        return say("changes/only", change=_moved(sources, one, several), does=does, over=over(sources, one), **slots)
    ends = [different[0]] if different[0].direction == "less" else []
    if different[-1].direction == "more":
        ends.append(different[-1])
    slots["others"] = _rest(sources, [one for one in held if one not in different], several, key)
    items = [_change(sources, one, several, "" if is_again else metric, ends[:at]) for at, one in enumerate(ends)]
    slots["changes"] = listed(items, "parallel")
    if is_again:
        return say("changes/again/size" if metric in SIZES else "changes/again", **slots)
    return say("changes", **slots)


def _no_change(sources: Sources, held: Sequence[Overall], is_again: bool, slots: Mapping[str, Fragment]) -> Said:
    """Return that no change has a significant effect, or that none is tested."""
    if all(one.direction == "untested" for one in held):
        return say("changes/untested", **slots)
    far, _ = unclear_reach(sources, held)
    return say("changes/again/none" if is_again else "changes/none", reach=far, **slots)


def _centre(sources: Sources, evidence: Evidence, effects: Sequence[Effect]) -> Fragment:
    """Return what the changes start from: the baseline, the full configuration, or another one by its levels."""
    centres = [dict(one.centre) for one in effects]
    if not any(centres):
        return say("centre/baseline")
    wholes = {one.first.compiler: _moves_of(sources, evidence, one) for one in totals(sources, evidence)}
    if all(wholes.get(one.compiler) == centre for one, centre in zip(effects, centres, strict=True)):
        return say("change/full")
    if any(centre != centres[0] for centre in centres) or len(centres[0]) > MOVES:
        return say("centre/stage")
    return say("centre/named", moves=listed(knob_at(sources, *move) for move in centres[0].items()))


def _moves_of(sources: Sources, evidence: Evidence, one: Candidate) -> dict[str, str]:
    """Return the levels of the full configuration that are not the baseline's."""
    unit = sources.estimates.unit_of(one.first)
    levels = end_levels(sources, evidence, one, unit)
    return {knob: level for knob, level in levels.items() if unit.baseline[knob] != level}


def _rest(sources: Sources, rest: Sequence[Overall], several: bool, key: str) -> Fragment:
    """Return which changes have no significant effect; of more than two, how many."""
    if not rest:
        return Name("")
    if len(rest) <= 2:
        return say("changes/rest/named", knobs=listed(_knob(sources, one.candidate.first, several) for one in rest))
    return counted("changes/rest", sources.ledger.number_of(f"{key}/unclear", [one.interval.value for one in rest]))


def _one_at_a_time(sources: Sources, evidence: Evidence) -> list[Candidate]:
    return sorted(candidates(sources, evidence, ("around",), lambda _: True), key=lambda one: one.ratio)


def _change(sources: Sources, one: Overall, several: bool, metric: str, before: Sequence[Overall]) -> Fragment:
    """Return the change that saves or costs the most; the metric and the mean are not repeated."""
    slots = {"change": _moved(sources, one, several), "over": over(sources, one)}
    if any(over(sources, other) == slots["over"] for other in before):
        slots["over"] = Name("")
    if before or not metric:
        phrase = "change/too" if metric else f"change/again/{one.direction}"
        return say(phrase, amount=size(sources.ledger, one.interval), **slots)
    by = in_brackets(amount(sources.ledger, one.interval))
    return say(f"change/{one.direction}", metric=say(f"metric/{metric}"), amount=by, **slots)


def _moved(sources: Sources, one: Overall, several: bool) -> Fragment:
    first = one.candidate.first
    change = set_to(sources, str(first.knob), first.level)
    return say("with_compiler", change=change, compiler=sources.compiler(first.compiler)) if several else change


def interaction(sources: Sources) -> Written:
    """The strongest interaction of two knobs, in the mean over workloads."""
    evidence = primary(sources)
    stages = first_stages(evidence.effects) if evidence else {}
    found = (
        candidates(sources, evidence, ("interaction",), lambda one: stages.get(one.compiler) == one.stage)
        if evidence
        else []
    )
    if not evidence or not found:
        yield LeftOut("interaction", say("lacks/pairs"))
        return
    clear = [one for one in found if one.side]
    if clear and all(map(_is_within, found)):
        yield Sentence("interaction", _no_interaction(sources, evidence, "small", found))
        return
    if not clear:
        held = [one for one in found if len(one.first.logs) > 1]
        if held:
            kind = "small" if all(map(_is_within, held)) else "unclear"
            yield Sentence("interaction", _no_interaction(sources, evidence, kind, held))
        else:
            yield LeftOut("interaction", say("lacks/interval"))
        return
    strongest = max(clear, key=lambda one: max(one.ratio, 1.0 / one.ratio))
    interval = entered(sources, evidence, strongest).interval
    rivals = [one for one in clear if one is not strongest and (one.ratio > 1.0) == (strongest.ratio > 1.0)]
    tied = "/tied" if any(_percent(one) == _percent(strongest) for one in rivals) else ""
    several = len({one.first.compiler for one in found}) > 1
    on: Fragment = say("for_compiler", compiler=sources.compiler(strongest.first.compiler)) if several else Name("")
    yield Sentence(
        "interaction",
        say(
            f"interaction/{'overlap' if strongest.ratio > 1.0 else 'together'}{tied}",
            one=sources.knob(strongest.first.knob),
            other=sources.knob(strongest.first.other),
            metric=say(f"metric/{evidence.metric.name}"),
            amount=amount(sources.ledger, interval),
            compiler=on,
        ),
    )


def _no_interaction(sources: Sources, evidence: Evidence, kind: str, held: Sequence[Candidate]) -> Said:
    """Return that interactions are not significant, or negligible: those of the only pair, which is named, or of all.

    Only pairs of knobs that are crossed have one: those that are changed one at a time are not among them.
    """
    far, is_far = unclear_reach(sources, [entered(sources, evidence, one) for one in held])
    kind = "open" if is_far else kind
    pairs = {(one.first.knob, one.first.other) for one in held}
    if len(pairs) > 1:
        return say(f"interaction/{kind}", reach=far)
    ((one, other),) = pairs
    several = len({candidate.first.compiler for candidate in held}) > 1
    on = say("with_any_compiler") if several else Name("")
    return say(f"interaction/{kind}/pair", one=sources.knob(one), other=sources.knob(other), on=on, reach=far)


def _is_within(one: Candidate) -> bool:
    """Return whether an interval lies within the margin, so that effects multiply for all that anyone would claim."""
    ratio = (one.mean or one.first).ratio
    low, high = (ratio.low, ratio.high) if ratio else (None, None)
    return low is not None and high is not None and low >= 1.0 - DEFAULT_MARGIN and high <= 1.0 + DEFAULT_MARGIN


def _percent(one: Candidate) -> str:
    """Return how far a ratio is from 1 as sentences print it: of what is equal there, none is the strongest."""
    return f"{abs(one.ratio - 1.0):.3f}"
