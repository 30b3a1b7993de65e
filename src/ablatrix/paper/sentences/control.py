"""What the A/A control says about the instrument."""

import math
from collections.abc import Sequence

from ablatrix.analysis.groups import CONTROL_LEVEL, Control, has_control_of_each_build
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import PERCENT
from ablatrix.paper.sentences.said import block_counts, many_units, span
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.views import FAR, ratio
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC

CONTROLLED = ((HOT_METRIC, "hot"), (COLD_METRIC, "cold"))
NAMED = 3
"""Places that are named; of more, how many there are, and the worst of them."""

Held = tuple[Control, Interval]


def controls(sources: Sources) -> Written:
    """What the A/A control says about the instrument, for each time: where it holds, and where it does not."""
    is_known, of_builds = False, has_control_of_each_build(sources.trials)
    for metric, mode in CONTROLLED:
        found = sources.findings.controls(metric, mode)
        name = f"control/{metric}"
        if not found:
            if mode == "hot":
                yield LeftOut(name, say("lacks/control_hot"))
            continue
        held = [(one, sources.estimates.control(one, metric, mode)) for one in found]
        outcomes = [
            *_holding(sources, name, mode, [pair for pair in held if pair[0].is_tested and not pair[0].failed]),
            *_failing(sources, name, [pair for pair in held if pair[0].failed]),
        ]
        single = [one for one in held if not one[0].is_tested]
        if single:
            outcomes.append(say("control_one_block", places=_places(sources, f"{name}/one_block", single)))
        first = "control/builds" if of_builds else "control"
        phrase = "control/again" if is_known else first
        is_known = True
        yield Sentence(name, say(phrase, metric=say(f"metric/{metric}"), outcomes=listed(outcomes, "clauses")))


def _holding(sources: Sources, name: str, mode: str, held: Sequence[Held]) -> list[Fragment]:
    if not held:
        return []
    most, interval = max(held, key=lambda pair: pair[0].reach)
    slots: dict[str, Fragment] = {"place": _place(sources, most), "ratio": ratio(interval)}
    if len(held) == 1:
        level = sources.ledger.constant("control/level", CONTROL_LEVEL, "level of tests of the A/A control", PERCENT)
        on_level = say("control_holds_on/level", level=level, **slots)
        return [on_level if most.ratio.side else say("control_holds_on", **slots)]
    slots["units"] = _units(sources, f"{name}/units", held)
    if most.reach < math.log(FAR):
        before = say("control_before") if most.ratio.side else Name("")
        return [say("control_holds", before=before, **slots)]
    counts = [one for one in block_counts(sources, mode) if one.value > 1]
    return [say("control_holds/wide", blocks=span(sources, f"{name}/blocks", counts), **slots)]


def _failing(sources: Sources, name: str, held: Sequence[Held]) -> list[Fragment]:
    if not held:
        return []
    one, interval = max(held, key=lambda pair: pair[0].reach)
    far: Fragment = interval.half_width or Name("")
    worst = say("control_off", place=_place(sources, one), ratio=ratio(interval), reach=far)
    if len(held) == 1:
        return [say("control_fails_on", worst=worst)]
    return [say("control_fails", units=_units(sources, f"{name}/failed", held), worst=worst)]


def _places(sources: Sources, key: str, held: Sequence[Held]) -> Fragment:
    if len(held) <= NAMED:
        return listed(_place(sources, one) for one, _ in held)
    return _units(sources, key, held)


def _units(sources: Sources, key: str, held: Sequence[Held]) -> Fragment:
    return many_units(sources, sources.ledger.number_of(key, [interval.value for _, interval in held]))


def _place(sources: Sources, one: Control) -> Fragment:
    return sources.place(sources.estimates.unit_of(one))
