"""All knobs moved, or the fastest configurations, against eager; compilers beside each other."""

from collections.abc import Mapping, Sequence

from ablatrix.analysis.effects import Evidence
from ablatrix.analysis.groups import ReferenceRatio
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.sentences.fastest import bests
from ablatrix.paper.sentences.over_variants import over_all, some_phrase
from ablatrix.paper.sentences.overall import Candidate
from ablatrix.paper.sentences.said import has_one_workload
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.sentences.whole import COMPILERS, end_levels, is_of_one_knob, primary, totals
from ablatrix.paper.views import speed_up, speed_up_alone
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import HOT_METRIC

Held = tuple[Unit, ReferenceRatio, Interval]


def against_eager(sources: Sources) -> Written:
    """How many times as fast as eager: all knobs moved on one compiler, or the fastest configuration of each."""
    evidence = primary(sources)
    several = len(sources.estimates.compilers) > 1
    found = [] if several or evidence is None or evidence.metric.name != HOT_METRIC else totals(sources, evidence)
    if found and evidence:
        held = _of_total(sources, evidence, found[0])
        phrase = "eager/whole/one" if is_of_one_knob(sources, evidence, found[0]) else "eager/whole"
    else:
        held = _of_bests(sources)
        phrase = "eager/best" if len(held) > 1 else "eager/best/one"
    if not held:
        yield LeftOut("against_eager", say("lacks/eager"))
        return
    by_compiler_: dict[str, list[Held]] = {}
    for one in held:
        by_compiler_.setdefault(one[0].compiler, []).append(one)
    if len(by_compiler_) > 1:
        yield from _compared(sources, by_compiler_, evidence)
        return
    means, ratios = _mean(sources, held), sorted(held, key=lambda one: -one[2].ratio.value)
    slots: dict[str, Fragment] = {
        "ratio": speed_up(sources.ledger, means),
        "over": _over_held(sources, held, bool(found)),
        "eager": sources.eager(),
        "range": _range(sources, ratios),
    }
    is_unclear = means.low is not None and means.ratio.side == 0
    is_no_faster = means.ratio.value > 1.0 or is_unclear
    yield Sentence("against_eager", say(f"{phrase}/no_faster" if is_no_faster else phrase, **slots))


def _range(sources: Sources, ratios: Sequence[Held]) -> Fragment:
    """Return from which workload to which the speed-up ranges; nothing of a single one."""
    if len(ratios) < 2:
        return Name("")
    held = [(unit, speed_up_alone(sources.ledger, interval)) for unit, _, interval in (ratios[0], ratios[-1])]
    if len({one.text for _, one in held}) == 1:
        return Name("")
    said = [say("at/speed_up", ratio=say("times", value=one), workload=sources.workload(unit)) for unit, one in held]
    ends = dict(zip(("least", "most"), said, strict=True))
    return say("range/speed_up/two" if len(ratios) == 2 else "range/speed_up", **ends)


def _of_total(sources: Sources, evidence: Evidence, found: Candidate) -> list[Held]:
    held = []
    ratios = sources.findings.against_reference(HOT_METRIC, "hot")
    for effect, _ in found.effects:
        unit = sources.estimates.unit_of(effect)
        levels = end_levels(sources, evidence, effect_of=found, unit=unit)
        against = ratios.of((unit.workload, unit.digest, unit.compiler), levels)
        if against is not None:
            held.append((unit, against, sources.estimates.against_reference(unit, levels, "all", against)))
    return held


def _of_bests(sources: Sources) -> list[Held]:
    held = []
    ratios = sources.findings.against_reference(HOT_METRIC, "hot")
    for unit, _, levels, _ in bests(sources):
        against = ratios.of((unit.workload, unit.digest, unit.compiler), levels)
        if against is not None:
            held.append((unit, against, sources.estimates.against_reference(unit, levels, "best", against)))
    return held


def _mean(sources: Sources, held: Sequence[Held]) -> Interval:
    compiler = held[0][0].compiler
    part = held[0][2].value.key.split("/")[-3]
    key = f"benefit/geometric_mean/{key_part(compiler)}/{part}/eager"
    return sources.estimates.mean_against_reference(key, held)


def _over_held(sources: Sources, held: Sequence[Held], is_later: bool = False) -> Fragment:
    units = [unit for unit, *_ in held]
    every = {(one.workload, one.digest) for one in sources.estimates.units.values()}
    if len(units) == 1:
        return say("over/one", workload=sources.workload(units[0])) if len(every) > 1 else Name("")
    if len(units) == len(every):
        return say("over/mean") if is_later else over_all(sources)
    of_units = sources.of_workloads([(one.workload, one.digest) for one in units])
    some = sources.part(of_units, "workload", "workload_digest")
    key = f"benefit/geometric_mean/{key_part(units[0].compiler)}/eager/workloads"
    return say(
        some_phrase(sources, "over"),
        count=sources.ledger.distinct(key, some, "workload", "workload_digest"),
        workloads=sources.ledger.distinct("workloads", sources.measured, "workload", "workload_digest"),
    )


def _compared(sources: Sources, held: Mapping[str, Sequence[Held]], evidence: Evidence | None) -> Written:
    """Compilers beside each other: the fastest configuration of each against eager, as they share no block."""
    means = {compiler: _mean(sources, own) for compiler, own in held.items()}
    order = sorted(means, key=lambda compiler: (means[compiler].ratio.value, compiler))
    named = order if len(order) <= COMPILERS else [order[0], order[-1]]
    ratios = [
        say("eager/with", ratio=speed_up(sources.ledger, means[name]), compiler=sources.compiler(name))
        for name in named
    ]
    alike = len({tuple((unit.workload, unit.digest) for unit, *_ in own) for own in held.values()}) == 1
    is_later = bool(evidence and totals(sources, evidence))
    where = _over_held(sources, held[order[0]], is_later) if alike else say("over/each")
    slots: dict[str, Fragment] = {"eager": sources.eager(), "ratios": listed(ratios, "parallel")}
    phrase = "eager/compilers/one" if has_one_workload(sources) else "eager/compilers"
    slots |= {} if has_one_workload(sources) else {"over": where}
    if len(named) < len(order):
        phrase += "/ends"
        slots |= dict(zip(("most", "least"), ratios, strict=True))
        del slots["ratios"]
    yield Sentence("against_eager", say(phrase, wins=_wins(sources, held, alike), **slots))


def _wins(sources: Sources, held: Mapping[str, Sequence[Held]], alike: bool) -> Fragment:
    """Return on how many of the workloads that several compile each is fastest, against eager; nothing of one."""
    by_workload: dict[tuple[str, str], list[tuple[str, Interval]]] = {}
    for compiler, own in held.items():
        for unit, _, interval in own:
            by_workload.setdefault((unit.workload, unit.digest), []).append((compiler, interval))
    shared = [own for own in by_workload.values() if len(own) > 1]
    if len(shared) < 2:
        return Name("")
    winners: dict[str, list[tuple[Interval, list[Interval]]]] = {}
    for one in shared:
        compiler, interval = min(one, key=lambda pair: pair[1].ratio.value)
        winners.setdefault(compiler, []).append((interval, [other for _, other in one]))
    wins: list[Fragment] = []
    for compiler in sorted(winners, key=lambda name: (-len(winners[name]), name))[:COMPILERS]:
        best = [interval.value for interval, _ in winners[compiler]]
        against = [[other.value for other in others] for _, others in winners[compiler]]
        count = sources.ledger.wins(f"benefit/compared/{key_part(compiler)}/wins", best, against)
        wins.append(say("wins_too" if wins else "wins_of", compiler=sources.compiler(compiler), count=count))
    every = sources.ledger.number_of("benefit/compared/workloads", [one[0][1].value for one in shared])
    return say("compared/all" if alike else "compared", wins=listed(wins, "parallel"), workloads=every)
