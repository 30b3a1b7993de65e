"""One change of one compiler over its workloads: the members, their geometric mean, and what may be said of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ablatrix.analysis.effects import (
    NO_EFFECT,
    NOT_DISTINGUISHABLE,
    Effect,
    Evidence,
    GeometricMean,
    Judgement,
    Kind,
)
from ablatrix.paper.estimates import Interval, ends_of
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.sentences.over_variants import over_all, some_phrase
from ablatrix.paper.sentences.said import margin_of
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.paper.views import TWOFOLD, amount, apart, by, ends, farthest, size
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.units import Unit

Direction = Literal["less", "more", "none", "unclear", "untested"]
SIZES = ("planned_bytes", "peak_rss_delta_bytes")


@dataclass(frozen=True)
class Candidate:
    """A change before any of its numbers is entered.

    Attributes:
        effects: That of each workload where it is known and acts, with its verdict.
        mean: Their geometric mean; None where there is one workload.
        judgement: The verdict on the mean, or on the only workload's; None where the kind is not judged.
        workloads: How many workloads there are.
    """

    effects: tuple[tuple[Effect, Judgement | None], ...]
    mean: GeometricMean | None
    judgement: Judgement | None
    workloads: int

    @property
    def first(self) -> Effect:
        """The first of its effects: knob, levels and stage are those of all."""
        return self.effects[0][0]

    @property
    def ratio(self) -> float:
        """The ratio over the workloads."""
        held = self.mean or self.first
        assert held.ratio is not None
        return held.ratio.value

    @property
    def side(self) -> int:
        """On which side of 1 its interval lies; 0 where it holds 1, and without an interval."""
        held = self.mean or self.first
        assert held.ratio is not None
        if held.exact:
            return (held.ratio.value > 1.0) - (held.ratio.value < 1.0)
        return held.ratio.side

    @property
    def direction(self) -> Direction:
        """What may be said of it, by its verdict; of what is not judged, by its interval."""
        if self.judgement is None:
            return direction_of_side(self.side)
        return direction_of(self.judgement, self.ratio)


@dataclass(frozen=True)
class Member:
    """One workload of a change."""

    unit: Unit
    interval: Interval
    judgement: Judgement | None

    @property
    def direction(self) -> Direction:
        """What may be said of it."""
        if self.judgement is None:
            return direction_of_side(self.interval.ratio.side)
        return direction_of(self.judgement, self.interval.ratio.value)


@dataclass(frozen=True)
class Overall:
    """A change with its numbers: the interval over its workloads, and its members, the lowest ratio first."""

    candidate: Candidate
    interval: Interval
    members: tuple[Member, ...]

    @property
    def direction(self) -> Direction:
        """What may be said of it."""
        return self.candidate.direction


def direction_of(judgement: Judgement, ratio: float) -> Direction:
    """Return what may be said of something with a verdict."""
    if judgement.is_different:
        return "less" if ratio < 1.0 else "more"
    if judgement.verdict == NO_EFFECT:
        return "none"
    return "unclear" if judgement.verdict == NOT_DISTINGUISHABLE else "untested"


def direction_of_side(side: int) -> Direction:
    """Return what may be said of something by its interval alone."""
    return "less" if side < 0 else "more" if side > 0 else "unclear"


def candidates(
    sources: Sources, evidence: Evidence, kinds: Iterable[Kind], chosen: Callable[[Effect], bool]
) -> list[Candidate]:
    """Return the changes of some kinds that are chosen, in the order of the evidence; no-ops are none.

    Where workloads have other levels, and so several changes have one knob and level, each stands by itself.
    """
    wanted = tuple(kinds)
    groups: dict[tuple[object, ...], list[tuple[Effect, Judgement | None]]] = {}
    for one, judgement in zip(evidence.effects, evidence.judgements, strict=True):
        if one.kind in wanted and chosen(one) and _acts(sources, evidence, one):
            groups.setdefault(_group(one), []).append((one, judgement))
    means = {_group(mean): (mean, told) for mean, told in zip(evidence.means, evidence.mean_judgements, strict=True)}
    found = []
    for key, members in groups.items():
        mean, told = means.get(key, (None, None))
        units = {(unit.workload, unit.digest) for unit in sources.estimates.units.values()}
        if len(members) == 1:
            found.append(Candidate(tuple(members), None, members[0][1], len(units)))
        elif mean is not None and mean.ratio is not None:
            found.append(Candidate(tuple(members), mean, told, len(units)))
    return found


def _acts(sources: Sources, evidence: Evidence, one: Effect) -> bool:
    """Return whether an effect is known, and is of something that changes the program."""
    if one.ratio is None or one.is_no_op or sources.estimates.no_op(one) is not None:
        return False
    if one.kind not in ("total", "interaction"):
        return True
    unit = sources.estimates.unit_of(one)
    _, end = ends_of(sources.estimates.stage_of(one, evidence))
    if one.kind == "interaction":
        return not sources.estimates.is_same_program(unit, {str(one.other): end[str(one.other)]})
    return not sources.estimates.is_same_program(unit, end)


def entered(sources: Sources, evidence: Evidence, one: Candidate) -> Overall:
    """Enter the numbers of a change."""
    members = []
    for effect, judgement in one.effects:
        interval = sources.estimates.measured(effect, evidence)
        assert interval is not None
        members.append(Member(sources.estimates.unit_of(effect), interval, judgement))
    whole: Interval | None = members[0].interval
    if one.mean is not None:
        whole = sources.estimates.mean(one.mean, [(member.unit.workload, member.interval) for member in members])
    assert whole is not None
    return Overall(one, whole, tuple(sorted(members, key=lambda member: member.interval.ratio.value)))


def over(sources: Sources, overall: Overall, is_first: bool = False, where: Literal["over", "in"] = "over") -> Fragment:
    """Return over which workloads it is: all in the mean, which the first time is named, some of them, or one.

    The only workload of a study is named the first time alone. It stands at the edge of a sentence, or in a clause.
    """
    count = len(overall.members)
    if count == 1 == overall.candidate.workloads and not is_first:
        return Name("")
    if count == 1:
        return say(f"{where}/one", workload=sources.workload(overall.members[0].unit))
    if count == overall.candidate.workloads:
        return over_all(sources) if is_first else say(f"{where}/mean")
    ledger, units = sources.ledger, [member.unit for member in overall.members]
    key = overall.interval.value.key.rsplit("/", 1)[0]
    names = [[unit.workload, unit.digest] for unit in units]
    some = sources.part(sources.of_workloads(names), "workload", "workload_digest")
    return say(
        some_phrase(sources, where),
        count=ledger.distinct(f"{key}/workloads", some, "workload", "workload_digest"),
        workloads=ledger.distinct("workloads", sources.measured, "workload", "workload_digest"),
    )


def moved(sources: Sources, overall: Overall, metric: str) -> Said:
    """Return a predicate: what the change does to a metric."""
    return _said(sources, overall, metric, "does")


def becomes(sources: Sources, overall: Overall, word: Said, metric: str, where: Fragment) -> Said:
    """Return a clause: what becomes of a metric, and over which workloads, where their range is said beside it.

    Args:
        sources: The records.
        overall: The change.
        word: What the metric is called here.
        metric: Its name.
        where: Over which workloads.
    """
    said = _said(sources, overall, metric, "becomes")
    slots = {**said.slots, "over": where, "metric": word}
    if "within" in slots and len(overall.members) > 1 and where != Name(""):
        slots["within"] = Name("")
    return Said(said.phrase, slots)


def _said(sources: Sources, overall: Overall, metric: str, verb: Literal["does", "becomes"]) -> Said:
    family = "size" if metric in SIZES else "time"
    word = say(f"metric/{metric}")
    match overall.direction:
        case "less" | "more" as side:
            change = amount(sources.ledger, overall.interval)
            return say(f"{verb}/{family}/{side}", metric=word, amount=change)
        case "none":
            return say(f"{verb}/none", metric=word, margin=margin_of(sources))
        case "unclear":
            return say(f"{verb}/unclear", metric=word, within=_within(sources, overall.interval))
        case _:
            return say(f"{verb}/untested", metric=word, ratio=overall.interval.value)


def _within(sources: Sources, interval: Interval) -> Fragment:
    """Return the interval of an unclear effect, in brackets; one that leaves out zero is told to be uncorrected."""
    held = ends(sources.ledger, interval)
    if held is None:
        return Name("")
    return say("in_brackets/uncorrected" if interval.ratio.side else "in_brackets", inner=held)


def with_compilers(sources: Sources, held: Sequence[Overall], metric: str, word: Fragment) -> Fragment:
    """Return a predicate: what the same change does to a metric on several compilers, by what may be said of it.

    Args:
        sources: The records.
        held: The change on each compiler, in the order in which compilers are named.
        metric: Name of the metric.
        word: What the metric is called where it is named first.
    """
    order: tuple[Direction, ...] = ("less", "more", "none", "unclear", "untested")
    parts = [(direction, own) for direction in order if (own := [one for one in held if one.direction == direction])]
    said: list[Fragment] = []
    for direction, own in parts:
        slots: dict[str, Fragment] = {} if said else {"metric": word}
        if direction in ("none", "unclear"):
            slots["compilers"] = listed(_of_compiler(sources, one) for one in own)
            slots |= {"margin": margin_of(sources)} if direction == "none" else {}
        else:
            as_factor = any(one.interval.ratio.value >= TWOFOLD for one in own)
            slots["items"] = listed((_with_compiler(sources, one, metric, as_factor) for one in own), "parallel")
        said.append(say(f"compilers/{direction}/again" if said else f"compilers/{direction}", **slots))
    whole: Fragment = Name("")
    for one in reversed(said):
        whole = say("joined", first=one, rest=whole)
    return whole


def unclear_reach(sources: Sources, held: Sequence[Overall]) -> tuple[Fragment, bool]:
    """Return how far the intervals of effects that are not significant reach, and whether that is far."""
    first = held[0].candidate.first
    names = "+".join(dict.fromkeys(key_part(one.candidate.first.compiler) for one in held))
    key = f"benefit/unclear/{first.kind}/{names}/{key_part(first.metric)}/reach"
    return farthest(sources.ledger, key, [one.interval for one in held])


def _of_compiler(sources: Sources, overall: Overall) -> Fragment:
    """Return a compiler, with the interval where the effect is unclear."""
    compiler = sources.compiler(overall.candidate.first.compiler)
    if overall.direction != "unclear":
        return compiler
    return say("joined", first=compiler, rest=_within(sources, overall.interval))


def _with_compiler(sources: Sources, overall: Overall, metric: str, as_factor: bool) -> Fragment:
    compiler = sources.compiler(overall.candidate.first.compiler)
    if overall.direction == "untested":
        return say("with/untested", ratio=overall.interval.value, compiler=compiler)
    change, interval = apart(sources.ledger, overall.interval, as_factor)
    phrase = f"with/{'size' if metric in SIZES else 'time'}/{overall.direction}"
    if interval is None:
        return say(phrase, amount=change, compiler=compiler)
    return say(f"{phrase}/ci", amount=change, compiler=compiler, ci=interval)


def at_compiler(sources: Sources, overall: Overall) -> Fragment:
    """Return by how much a metric changes on one of many compilers, all of which change it to the same side."""
    change, interval = apart(sources.ledger, overall.interval)
    ci = Name("") if interval is None else say("after_comma", inner=interval)
    return say("at_compiler", amount=change, compiler=sources.compiler(overall.candidate.first.compiler), ci=ci)


def end_with_compiler(sources: Sources, overall: Overall) -> Fragment:
    """Return the change on one of many compilers, which is at an end of their range."""
    compiler = sources.compiler(overall.candidate.first.compiler)
    match overall.direction:
        case "less" | "more" as side:
            _, interval = apart(sources.ledger, overall.interval)
            ci = Name("") if interval is None else say("in_brackets", inner=interval)
            return say(f"end_with/{side}", amount=by(sources.ledger, overall.interval), compiler=compiler, ci=ci)
        case "none":
            return say("end_with/none", margin=margin_of(sources), compiler=compiler)
        case "unclear":
            return say("end_with/unclear", compiler=compiler)
        case _:
            return say("end_with/untested", ratio=overall.interval.value, compiler=compiler)


def extremes(sources: Sources, overall: Overall) -> Fragment:
    """Return from which workload to which its effect ranges; nothing for one or two that are alike."""
    if len(overall.members) < 2:
        return Name("")
    low, high = overall.members[0], overall.members[-1]
    if low.direction == high.direction == overall.direction and low.direction in ("less", "more"):
        pair = (high, low) if low.direction == "less" else (low, high)
        slots = {
            name: say("at", amount=size(sources.ledger, one.interval), workload=sources.workload(one.unit))
            for name, one in zip(("least", "most"), pair, strict=True)
        }
        return say("range/two" if len(overall.members) == 2 else f"range/alike/{low.direction}", **slots)
    different = [one for one in overall.members if one.direction in ("less", "more")]
    if len(different) == 1 and len(overall.members) > 2 and overall.direction not in ("less", "more"):
        (only,) = different
        change, workload = by(sources.ledger, only.interval), sources.workload(only.unit)
        return say(f"range/only/{only.direction}", amount=change, workload=workload)
    mixed: dict[str, Fragment] = {name: _end(sources, one) for name, one in (("least", low), ("most", high))}
    return say("range/mixed/two" if len(overall.members) == 2 else "range/mixed", **mixed)


def _end(sources: Sources, one: Member) -> Fragment:
    workload = sources.workload(one.unit)
    if one.direction in ("less", "more"):
        return say(f"end/{one.direction}", amount=by(sources.ledger, one.interval), workload=workload)
    if one.direction == "untested":
        return say("end/untested", ratio=one.interval.value, workload=workload)
    return say("end/unclear", workload=workload)


def _group(one: Effect | GeometricMean) -> tuple[object, ...]:
    return (one.origin, one.compiler, one.stage, one.kind, one.knob, one.base_level, one.level, one.other)


def first_stages(evidence: Sequence[Effect]) -> dict[str, str]:
    """Return the first stage of each compiler that has a total: that of the primary knobs."""
    found: dict[str, str] = {}
    for one in evidence:
        if one.kind == "total":
            found.setdefault(one.compiler, one.stage)
    return found
