"""What all knobs together gain against the baseline."""

from collections.abc import Sequence

from ablatrix.analysis.effects import Evidence
from ablatrix.paper.estimates import ends_of
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.sentences.fastest import bests, knob_at, median_of
from ablatrix.paper.sentences.overall import (
    Candidate,
    Overall,
    at_compiler,
    candidates,
    end_with_compiler,
    entered,
    extremes,
    first_stages,
    moved,
    over,
    unclear_reach,
    with_compilers,
)
from ablatrix.paper.sentences.said import has_one_workload
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.views import amount, size
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC

MOVES = 4
"""Knobs whose levels the first sentence names; of more it says that all are moved."""
COMPILERS = 5
"""Compilers that a sentence names; of more, those at both ends and how many there are."""


def primary(sources: Sources) -> Evidence | None:
    """Return the effects that the paragraph is about: on run time, or, in a study without hot trials, on cold time."""
    found = {one.metric.name: one for one in sources.findings.evidence}
    return next((found[name] for name in (HOT_METRIC, COLD_METRIC) if name in found), None)


def totals(sources: Sources, evidence: Evidence) -> list[Candidate]:
    """Return what moving all knobs of the first stage does, for each compiler; of several the one of most workloads."""
    stages = first_stages(evidence.effects)
    found: dict[str, Candidate] = {}
    for one in candidates(sources, evidence, ("total",), lambda effect: stages.get(effect.compiler) == effect.stage):
        held = found.setdefault(one.first.compiler, one)
        if len(one.effects) > len(held.effects):
            found[one.first.compiler] = one
    return list(found.values())


def over_compilers(sources: Sources, overall: Sequence[Overall], metric: str, word: Fragment) -> Fragment:
    """Return a predicate over compilers, the lowest first; of many, those at both ends."""
    ends = sorted(overall, key=lambda one: (one.interval.ratio.value, one.candidate.first.compiler))
    if len(overall) <= COMPILERS:
        return with_compilers(sources, ends, metric, word)
    key = f"benefit/compilers/{key_part(metric)}"
    count = sources.ledger.number_of(key, [one.interval.value for one in overall])
    slots: dict[str, Fragment] = {"metric": word, "compilers": count}
    for direction, order in (("less", (ends[-1], ends[0])), ("more", (ends[0], ends[-1]))):
        if all(one.direction == direction for one in ends):
            least, most = (at_compiler(sources, one) for one in order)
            return say(f"ends_of_compilers/{direction}", least=least, most=most, **slots)
    least, most = (end_with_compiler(sources, one) for one in (ends[0], ends[-1]))
    return say("ends_of_compilers", least=least, most=most, **slots)


def whole(sources: Sources) -> Written:
    """What moving all knobs does to the time, in the geometric mean and at both ends."""
    evidence = primary(sources)
    found = totals(sources, evidence) if evidence else []
    if not evidence or not found:
        yield from _best_alone(sources)
        return
    metric = evidence.metric.name
    held = [entered(sources, evidence, one) for one in found]
    if len(held) > 1:
        word = say(f"metric/{metric}")
        slots: dict[str, Fragment] = {"over": _over(sources, held), "see": sources.see("results")}
        slots["full"] = _full_of_several(sources, evidence, held)
        if not _is_alike(sources, evidence, held):
            yield Sentence("full_configuration", _full_of_each(sources, evidence, held))
        if all(other.direction == "unclear" for other in held):
            far, _ = unclear_reach(sources, held)
            yield Sentence("whole", say("whole/compilers/unclear", reach=far, metric=word, **slots))
        else:
            slots["changes"] = over_compilers(sources, held, metric, word)
            yield Sentence("whole", say("whole/compilers", **slots))
        return
    one = held[0]
    does, range_ = moved(sources, one, metric), extremes(sources, one)
    slots = {"full": _full(sources, evidence, one), "does": does, "over": over(sources, one, is_first=True)}
    yield Sentence("whole", say("whole", range=range_, see=sources.see("results", "at_end"), **slots))


def absolute(sources: Sources) -> Written:
    """The median run times themselves, of a single knob on a single workload: only there are they one pair."""
    evidence = primary(sources)
    found = totals(sources, evidence) if evidence and evidence.metric.name == HOT_METRIC else []
    if not evidence or len(found) != 1 or len(found[0].effects) != 1 or not is_of_one_knob(sources, evidence, found[0]):
        return
    unit = sources.estimates.unit_of(found[0].first)
    medians = [
        median_of(sources, unit, levels, name)
        for name, levels in (("baseline", unit.baseline), ("all", end_levels(sources, evidence, found[0], unit)))
    ]
    known = [say("with_unit", number=one, unit=str(one.form.unit)) for one in medians if one is not None]
    if len(known) == len(medians):
        yield Sentence("absolute", say("absolute", before=known[0], after=known[1]))


def _over(sources: Sources, held: Sequence[Overall]) -> Fragment:
    """Return over which workloads several compilers are compared."""
    if all(len(one.members) == one.candidate.workloads for one in held):
        return over(sources, held[0], is_first=True)
    return say("over/each") if any(len(one.members) > 1 for one in held) else over(sources, held[0], is_first=True)


def _full(sources: Sources, evidence: Evidence, one: Overall) -> Fragment:
    """Return what the configuration with every knob moved is called the first time, with its levels."""
    start, end = ends_of(sources.estimates.stage_of(one.candidate.first, evidence))
    if len(end) == 1:
        ((knob, level),) = end.items()
        base = sources.level(knob, start[knob])
        return say("full/one", knob=sources.knob(knob), base=base, level=sources.level(knob, level))
    if len(end) > MOVES:
        last = _last(sources, evidence, [one])
        return say("full/all" if moves_all(sources, evidence, one.candidate) else "full/first", last=last)
    moves = listed(knob_at(sources, *move) for move in end.items())
    return say("full/named" if moves_all(sources, evidence, one.candidate) else "full/named/first", moves=moves)


def _full_of_several(sources: Sources, evidence: Evidence, held: Sequence[Overall]) -> Fragment:
    """Return what the configurations with every knob moved are called: the first time by levels that all share."""
    if not _is_alike(sources, evidence, held):
        return say("full/it")
    end = ends_of(sources.estimates.stage_of(held[0].candidate.first, evidence))[1]
    moves = listed(knob_at(sources, *move) for move in end.items())
    if len(end) == 1:
        return moves
    every = all(moves_all(sources, evidence, one.candidate) for one in held)
    return say("full/of_all" if every else "full/of_all/first", moves=moves)


def _is_alike(sources: Sources, evidence: Evidence, held: Sequence[Overall]) -> bool:
    """Return whether the configurations with every knob moved have few levels that all compilers share."""
    found = [dict(ends_of(sources.estimates.stage_of(one.candidate.first, evidence))[1]) for one in held]
    return all(end == found[0] for end in found) and len(found[0]) <= MOVES


def _full_of_each(sources: Sources, evidence: Evidence, held: Sequence[Overall]) -> Said:
    """Return what the full configuration of a compiler is, where they have no levels in common, or many."""
    every = all(moves_all(sources, evidence, one.candidate) for one in held)
    return say("full/of_each" if every else "full/of_each/first", last=_last(sources, evidence, held))


def _last(sources: Sources, evidence: Evidence, held: Sequence[Overall]) -> Fragment:
    """Return to which level each knob is moved that has several others; nothing of more knobs than are named."""
    found: dict[str, str] = {}
    for one in held:
        first = one.candidate.first
        own = [effect for effect in evidence.effects if effect.kind == "main" and effect.stage == first.stage]
        for knob, level in ends_of(sources.estimates.stage_of(first, evidence))[1].items():
            if len({effect.level for effect in own if (effect.compiler, effect.knob) == (first.compiler, knob)}) > 1:
                found[knob] = level
    if not 1 <= len(found) <= MOVES:
        return Name("")
    levels = listed(sources.level(one, at) for one, at in found.items())
    return say(
        "full/last" if len(found) > 1 else "full/last/one", knobs=listed(map(sources.knob, found)), levels=levels
    )


def moves_all(sources: Sources, evidence: Evidence, one: Candidate) -> bool:
    """Return whether a total moves every knob that varies on its compiler: other stages can vary further ones."""
    end = ends_of(sources.estimates.stage_of(one.first, evidence))[1]
    own = {effect.knob for effect in evidence.effects if effect.compiler == one.first.compiler and effect.knob}
    return own <= end.keys()


def is_of_one_knob(sources: Sources, evidence: Evidence, one: Candidate) -> bool:
    """Return whether a total is that of a single knob, so that there is no configuration of many."""
    return len(ends_of(sources.estimates.stage_of(one.first, evidence))[1]) == 1


def _best_alone(sources: Sources) -> Written:
    """Where no total is known: what choosing the fastest configuration of each workload gains."""
    found = bests(sources)
    gains = [
        (unit, one)
        for unit, _, levels, one in found
        if one is not None and (one.ratio.side < 0 or one.low is None)
        if not sources.estimates.is_same_program(unit, levels)
    ]
    gains = sorted((pair for pair in gains if pair[1].ratio.value < 1.0), key=lambda pair: -pair[1].ratio.value)
    if not found:
        yield LeftOut("whole", say("lacks/total"))
    elif not gains:
        yield Sentence("whole", say("chosen/none", see=sources.see("results", "at_end")))
    else:
        by, kind = (amount, "at/alone") if len(gains) == 1 else (size, "at/brackets")
        ends = [
            say(kind, amount=by(sources.ledger, one), workload=sources.place(unit))
            for unit, one in (gains[0], gains[-1])
        ]
        if len(gains) == 1:
            yield Sentence("whole", say("chosen/one", most=ends[0], see=sources.see("results", "at_end")))
        elif has_one_workload(sources):
            least, most = (
                say("at_compiler", amount=size(sources.ledger, one), compiler=sources.compiler(unit.compiler), ci="")
                for unit, one in (gains[0], gains[-1])
            )
            yield Sentence("whole", say("chosen/with", least=least, most=most, see=sources.see("results", "at_end")))
        else:
            yield Sentence("whole", say("chosen", least=ends[0], most=ends[1], see=sources.see("results", "at_end")))


def end_levels(sources: Sources, evidence: Evidence, effect_of: Candidate, unit: Unit) -> Levels:
    """Return the whole configuration at the end of an attribution of one unit."""
    effect = next(one for one, _ in effect_of.effects if sources.estimates.unit_of(one) is unit)
    _, end = ends_of(sources.estimates.stage_of(effect, evidence))
    return {**unit.baseline, **end}
