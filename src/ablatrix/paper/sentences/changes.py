"""What many changes do, each by itself: one sentence for a stage around a configuration, not one for each change."""

from collections.abc import Mapping, Sequence

from ablatrix.analysis.effects import NO_EFFECT, UNDECIDED, Effect, Evidence, Judgement
from ablatrix.analysis.reasons import levels_text, optional_text
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.sentences.said import Said, differences_first, margin_of, range_of, said_of
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.provenance.keys import key_part, step_part, words_part

MANY = 4
"""More changes of a stage than these are said in one sentence."""
NAMED = 2
"""Changes without a difference that are named; of more, their number and the range of their ratios."""

Judged = tuple[Effect, Judgement]


def changes_of_stage(sources: Sources, evidence: Evidence, name: str, effects: Sequence[Judged]) -> Written:
    """What each change does by itself to a metric: those that differ by name, of the rest how many there are.

    Args:
        sources: What sentences are made from.
        evidence: On the metric.
        name: Of the sentence.
        effects: All of one stage around a configuration on one compiler.
    """
    several = len({(one.workload, one.digest) for one, _ in effects}) > 1
    groups: dict[Said, list[tuple[Fragment, Interval]]] = {}
    no_ops: dict[str, None] = {}
    for one, judgement in effects:
        unit = sources.estimates.unit_of(one)
        if one.ratio is None or judgement.verdict is None:
            place = f"{name}/{step_part(one.knob, one.level)}/{key_part(unit.label)}"
            yield LeftOut(place, Name(str(optional_text(one.reason))))
        elif one.is_no_op:
            no_ops[f"{one.knob}={one.level}"] = None
        elif (interval := sources.estimates.effect(one, evidence)) is not None:
            slots = {"knob": str(one.knob), "level": one.level}
            place_of = say("change_on", **slots, workload=unit.label) if several else say("knob_at", **slots)
            groups.setdefault(said_of(judgement), []).append((place_of, interval))
    if no_ops:
        yield LeftOut(name, say("lacks/no_ops", changes=listed(no_ops)))
    if not groups:
        return
    first = effects[0][0]
    yield Sentence(
        name,
        say(
            "changes",
            compiler=first.compiler,
            centre=levels_text(first.centre) or say("the_baseline"),
            metric=say(f"metric/{evidence.metric.name}"),
            groups=_groups(sources, name, groups),
        ),
    )


def _groups(sources: Sources, name: str, groups: Mapping[Said, Sequence[tuple[Fragment, Interval]]]) -> Fragment:
    clauses = []
    for verdict, is_within in differences_first(groups):
        held = groups[verdict, is_within]
        margin = {"margin": margin_of(sources)} if verdict == NO_EFFECT else {}
        places: Fragment = listed(say("ratio_at", place=place, ratio=interval.said()) for place, interval in held)
        if verdict in UNDECIDED and len(held) > NAMED:
            key, ratios = f"benefit/{name}/{words_part(verdict)}", [interval.value for _, interval in held]
            places = range_of(sources, "many_changes", key, "changes", ratios)
        if is_within:
            places = say("less_than", places=places, margin=margin_of(sources))
        clauses.append(say(f"change/{verdict}", places=places, **margin))
    return listed(clauses, "clauses")
