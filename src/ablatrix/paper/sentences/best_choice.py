"""Where the full configuration is the best choice, and where another one is faster."""

from collections.abc import Sequence

from ablatrix.analysis.effects import MAIN, Evidence
from ablatrix.paper.estimates import Interval, has_levels
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import Number
from ablatrix.paper.sentences.fastest import bests, knob_at
from ablatrix.paper.sentences.said import has_one_workload
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.sentences.whole import MOVES, end_levels, is_of_one_knob, primary, totals
from ablatrix.paper.views import amount, apart
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.metrics import HOT_METRIC

NAMED = 2
"""Exceptions that are named, each with what is fastest there; of more, the one that gains most is an example."""

Other = tuple[Unit, Levels]
"""A unit where another configuration is faster, and the full one there."""


def best_choice(sources: Sources) -> Written:
    """On how many workloads no configuration is faster than all knobs moved; and where another one is."""
    evidence = primary(sources)
    found = totals(sources, evidence) if evidence and evidence.metric.name == HOT_METRIC else []
    tested = {(unit.identity): best for unit, best, *_ in bests(sources) if best.ties is not None and best.compared > 1}
    numbers: list[Number] = []
    others: list[Other] = []
    for one in found:
        for effect, _ in one.effects:
            unit = sources.estimates.unit_of(effect)
            best = tested.get(unit.identity)
            levels = end_levels(sources, evidence, one, unit) if evidence else {}
            if best is not None and any(has_levels(other, levels) for other in best.among):
                told = sources.estimates.may_be_best(unit, HOT_METRIC, "hot", best, levels)
                numbers.append(told)
                if not told.value:
                    others.append((unit, levels))
    if not numbers:
        yield LeftOut("best_choice", say("lacks/best"))
        return
    several = len(found) == 1 < len(numbers)
    if evidence and not several and all(is_of_one_knob(sources, evidence, one) for one in found):
        return  # of two configurations the first sentence says which is faster
    of = sources.ledger.number_of("benefit/all/may_be_best/of", numbers)
    count = sources.ledger.sum_of("benefit/all/may_be_best", numbers)
    faster = sources.ledger.number_of("benefit/all/others_faster", [one for one in numbers if not one.value])
    is_led = faster.value > count.value
    slots: dict[str, Fragment] = {"of": of}
    if others:
        example = _examples(sources, others, is_led, len(sources.estimates.units) == 1)
        slots["example"] = say("joined", first=example, rest=_why(evidence))
    where = _place(sources, len(numbers))
    if 0 < count.value < of.value:
        slots["count"] = faster if is_led else count
        yield Sentence("best_choice", say(f"best_choice/{where}/faster" if is_led else f"best_choice/{where}", **slots))
    else:
        kind = f"{where}/none" if others else f"{where}/all"
        is_only = where == "tested" and of.value == 1
        yield Sentence("best_choice", say(f"best_choice/{kind}/one" if is_only else f"best_choice/{kind}", **slots))


def _why(evidence: Evidence | None) -> Fragment:
    """Return why a configuration can be faster where no single knob is: nothing where some knob is."""
    pairs = zip(evidence.effects, evidence.judgements, strict=True) if evidence else ()
    told = [judgement for one, judgement in pairs if one.kind in MAIN and judgement is not None]
    return say("best_choice/why") if told and not any(one.is_different for one in told) else Name("")


def _place(sources: Sources, cases: int) -> str:
    """Return of what cases are: workloads, compilers of the only workload, or combinations of both; or one, or some."""
    if cases < len(sources.estimates.units):  # elsewhere the full configuration failed, or ran in one block
        return "tested"
    if cases == 1:
        return "one"
    if len(sources.estimates.compilers) == 1:
        return "workloads"
    return "with" if has_one_workload(sources) else "compilers"


def _examples(sources: Sources, others: Sequence[Other], is_led: bool, is_alone: bool) -> Fragment:
    """Return what is fastest where the full configuration is not: of few all of them, of more the largest gain."""
    ratios = {unit.identity: (levels, ratio) for unit, _, levels, ratio in bests(sources)}
    if not is_led and len(others) <= NAMED:
        alike = [one for one in others if _is_unclear(ratios[one[0].identity][1])]
        if len(alike) == len(others) > 1:
            places = listed(_called(sources, unit) for unit, _ in alike)
            return say("example/both", exceptions=say("example/items/same", places=places))
        items = [_item(sources, one, *ratios[one[0].identity]) for one in others]
        return say("example/both" if len(items) > 1 else "example/only", exceptions=listed(items))
    known = [(one, *ratios[one[0].identity]) for one in others]
    gains = [
        (one, levels, ratio)
        for one, levels, ratio in known
        if ratio is not None and ratio.ratio.value < 1.0 and not _is_unclear(ratio)
    ]
    if not gains:
        return Name("")
    one, levels, ratio = min(gains, key=lambda held: held[2].ratio.value)
    moves = _moves(sources, one[0], levels, one[1])
    if moves is None:
        return Name("")
    if is_alone or len(others) == 1:
        slots = {"moves": moves, "below": _below(sources, ratio)}
        return (
            say("example/alone", **slots) if is_alone else say("example/one", place=_called(sources, one[0]), **slots)
        )
    phrase = "example" if is_led else "example/others"
    gain = amount(sources.ledger, ratio)
    return say(phrase, place=_called(sources, one[0]), moves=moves, gain=gain)


def _called(sources: Sources, unit: Unit) -> Fragment:
    """Return how a case is named: the only workload is not repeated with each compiler."""
    return (
        sources.compiler(unit.compiler)
        if _place(sources, len(sources.estimates.units)) == "with"
        else sources.place(unit)
    )


def _item(sources: Sources, one: Other, levels: Levels, ratio: Interval | None) -> Fragment:
    """Return a place with the configuration that is fastest there; without it, where too many knobs would be named."""
    unit, full = one
    place = _called(sources, unit)
    if ratio is None:
        return say("example/item/baseline", place=place)
    if _is_unclear(ratio):
        return say("example/item/same", place=place)
    moves = _moves(sources, unit, levels, full)
    if moves is None or ratio.ratio.value >= 1.0:
        return place
    return say("example/item", place=place, moves=moves, below=_below(sources, ratio))


def _is_unclear(ratio: Interval | None) -> bool:
    """Return whether the interval of a ratio to the baseline holds 1."""
    return ratio is not None and ratio.low is not None and ratio.ratio.side == 0


def _below(sources: Sources, ratio: Interval) -> Fragment:
    gain, interval = apart(sources.ledger, ratio)
    return say("below", amount=gain) if interval is None else say("below/ci", amount=gain, ci=interval)


def _moves(sources: Sources, unit: Unit, levels: Levels, full: Levels) -> Fragment | None:
    """Return how a configuration differs from the baseline, or, where that is shorter, from the full one."""
    base = {knob: unit.baseline[knob] for knob in levels}
    moves = [(knob, at) for knob, at in levels.items() if at != base[knob]]
    kept = [knob for knob, at in levels.items() if at == base[knob] != full[knob]]
    if len(kept) < len(moves) and all(full[knob] == at for knob, at in moves):
        return say("all_but", knobs=listed(sources.knob(knob) for knob in kept)) if 1 <= len(kept) <= MOVES else None
    if not 1 <= len(moves) <= MOVES:
        return None
    return say("config_with", moves=listed(knob_at(sources, *move) for move in moves))
