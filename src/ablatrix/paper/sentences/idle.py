"""What earns nothing, and where a knob hurts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ablatrix.analysis.effects import (
    MAIN,
    NO_EFFECT,
    NOT_DISTINGUISHABLE,
    ONE_BLOCK,
    Effect,
    Evidence,
    odd_no_ops,
)
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.sentences.fastest import set_to
from ablatrix.paper.sentences.said import block_counts, has_one_workload, margin_of, span
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.sentences.shares import losses_are_said
from ablatrix.paper.sentences.whole import primary
from ablatrix.paper.views import amount, farthest, size
from ablatrix.provenance.keys import key_part

NAMED = 3
"""Knobs that a sentence names; of more, how many there are."""


def nothing_earned(sources: Sources) -> Written:
    """The knobs that change the time of no workload: by proof, within the margin, or as far as one can tell."""
    evidence = primary(sources)
    mains = _mains(evidence) if evidence else {}
    if not evidence or not mains:
        yield LeftOut("nothing_earned", say("lacks/knob"))
        return
    several = len({compiler for compiler, _ in mains}) > 1
    kinds = _kinds(sources, mains)
    clauses = [*_idle(sources, evidence, kinds, several), *_same_program(sources)]
    word = say(f"metric/{evidence.metric.name}")
    see = sources.see("effects")
    unclear = kinds.get("unclear", {})
    undecided: Fragment = Name("")
    if unclear:
        far, is_far = _farthest(sources, evidence, [one for effects in unclear.values() for one in effects])
        if clauses:
            undecided = say("nothing/unclear", knobs=_knobs(sources, list(unclear), several), reach=far)
        elif "acts" in kinds:
            knobs = _knobs(sources, list(unclear), several)
            yield Sentence("nothing_earned", say("nothing/open", knobs=knobs, reach=far, see=see))
            return
        else:
            yield Sentence("nothing_earned", _all_unclear(sources, evidence, far, is_far, see))
            return
    if clauses:
        yield Sentence("nothing_earned", say("nothing", clauses=listed(clauses, "clauses"), unclear=undecided, see=see))
    elif len({knob for _, knob in mains}) == 1:
        return  # what the only knob does is said already
    elif any(one.kind == "total" for one in evidence.effects) and any(one.kind == "around" for one in evidence.effects):
        return  # the paragraph says what each change of a stage does, and is long enough
    elif all(verdict is not None and verdict != ONE_BLOCK for effects in mains.values() for _, verdict in effects):
        phrase = "nothing/all_act_compilers" if several else "nothing/all_act"
        yield Sentence("nothing_earned", say(phrase, metric=word, see=see))
    else:
        yield LeftOut("nothing_earned", say("lacks/some_effect"))


Told = tuple[Effect, str | None]
Knob = tuple[str, str]  # compiler and knob


def _kinds(sources: Sources, mains: Mapping[Knob, Sequence[Told]]) -> Mapping[str, Mapping[Knob, Sequence[Effect]]]:
    """Return the knobs by what is to be said of them, each with the effects that it has where it acts."""
    kinds: dict[str, dict[Knob, Sequence[Effect]]] = {}
    for key, effects in mains.items():
        acting = [one for one, _ in effects if not _is_no_op(sources, one)]
        kinds.setdefault(_kind(sources, effects), {})[key] = acting
    return kinds


def _idle(
    sources: Sources, evidence: Evidence, kinds: Mapping[str, Mapping[Knob, Sequence[Effect]]], several: bool
) -> Iterator[Fragment]:
    """Yield the knobs that change nothing: within the margin, and by proof."""
    if "none" in kinds:
        knobs, word = _knobs(sources, list(kinds["none"]), several), say(f"metric/{evidence.metric.name}")
        phrase = "nothing/none/one" if has_one_workload(sources) else "nothing/none"
        yield say(phrase, knobs=knobs, margin=margin_of(sources), metric=word)
    if "same" in kinds:
        yield say("nothing/same", knobs=_knobs(sources, list(kinds["same"]), several))


def _all_unclear(sources: Sources, evidence: Evidence, far: Fragment, is_far: bool, see: Fragment) -> Said:
    """Return that no effect is significant, which says little where intervals are wide; and of how many blocks."""
    counts = [one for one in block_counts(sources, evidence.mode) if one.value > 1]
    slots: dict[str, Fragment] = {"reach": far, "see": see, "metric": say(f"metric/{evidence.metric.name}")}
    slots["blocks"] = span(sources, f"benefit/nothing/{evidence.mode}/blocks", counts)
    slots["on"] = Name("") if has_one_workload(sources) else say("nothing/on_one")
    return say("nothing/all_open" if is_far else "nothing/all_unclear", **slots)


def _kind(sources: Sources, effects: Sequence[Told]) -> str:
    """Return what is to be said of a knob by its effects: none, same, unclear, acts; unknown without one."""
    known = [(one, verdict) for one, verdict in effects if one.ratio is not None]
    verdicts = [verdict for one, verdict in known if not _is_no_op(sources, one)]
    if not known:
        return "unknown"
    if any(verdict is None for _, verdict in known):
        return "acts"
    if not verdicts:
        return "same"
    if all(verdict == NO_EFFECT for verdict in verdicts):
        return "none"
    return "unclear" if all(verdict in (NO_EFFECT, NOT_DISTINGUISHABLE) for verdict in verdicts) else "acts"


def _mains(evidence: Evidence) -> dict[Knob, list[Told]]:
    """Return the effects of each knob with their verdicts, by compiler and knob."""
    found: dict[Knob, list[Told]] = {}
    for one, judgement in zip(evidence.effects, evidence.judgements, strict=True):
        if one.kind in MAIN and one.knob is not None:
            verdict = judgement.verdict if judgement else None
            found.setdefault((one.compiler, one.knob), []).append((one, None if verdict is None else str(verdict)))
    return found


def _is_no_op(sources: Sources, one: Effect) -> bool:
    return one.is_no_op or sources.estimates.no_op(one) is not None


def _knobs(sources: Sources, named: Sequence[Knob], several: bool) -> Fragment:
    """Return knobs, each once, with its compilers where the study has several; of many the first and how many more."""
    known = {(one.compiler, knob) for one in sources.estimates.units.values() for knob in one.baseline}
    by_knob: dict[str, list[str]] = {}
    for compiler, knob in named:
        by_knob.setdefault(knob, []).append(compiler)
    items: list[Fragment] = []
    for knob, compilers in list(by_knob.items())[: NAMED + 1]:
        names = listed(sources.compiler(one) for one in compilers)
        is_partial = several and len(compilers) < sum(other == knob for _, other in known)
        items.append(say("knob_of", knob=sources.knob(knob), compilers=names) if is_partial else sources.knob(knob))
    if len(by_knob) <= NAMED + 1:
        return listed(items)
    rest = list(by_knob)[NAMED:]
    columns = [f"knob_{knob}" for knob in rest]
    count = sources.ledger.constant(
        f"benefit/knobs/{key_part('+'.join(rest))}", len(columns), "knobs of the study that are not named"
    )
    return listed([*items[:NAMED], say("more_knobs", count=count)])


def _farthest(sources: Sources, evidence: Evidence, effects: Iterable[Effect]) -> tuple[Fragment, bool]:
    """Return how far the intervals of effects reach, and whether that is far."""
    intervals = [interval for one in effects if (interval := sources.estimates.effect(one, evidence)) is not None]
    return farthest(sources.ledger, f"benefit/nothing/{key_part(evidence.metric.name)}/reach", intervals)


def _same_program(sources: Sources) -> Iterator[Fragment]:
    """Yield where a metric differs although the same program was built: an effect of what no record reads back."""
    found = [
        (one, interval)
        for evidence in sources.findings.evidence
        for one in odd_no_ops(evidence.effects, evidence.metric)
        if (interval := sources.estimates.measured(one, evidence)) is not None
    ]
    if found:
        one, interval = max(found, key=lambda held: abs(held[1].ratio.value - 1.0))
        yield say(
            f"same_program/{'less' if interval.ratio.value < 1.0 else 'more'}",
            knob=sources.knob(one.knob),
            place=sources.place(sources.estimates.unit_of(one)),
            metric=say(f"metric/{one.metric}"),
            amount=size(sources.ledger, interval),
        )


def losses(sources: Sources) -> Written:
    """Where a knob makes a workload slower: the largest such effect, of how many."""
    evidence = primary(sources)
    mains = _mains(evidence) if evidence else {}
    if evidence and _are_said(sources, evidence, len(mains)):
        return
    told = _main_pairs(sources, evidence) if evidence else []
    if not evidence or not told:
        yield LeftOut("losses", say("lacks/knob"))
        return
    averaged = say("averaged") if any(one.pairs > 1 for one, _ in told) else Name("")
    worse = [one for one, is_different in told if is_different and one.ratio and one.ratio.value > 1.0]
    if not worse:
        if all(one.ratio and one.ratio.half_width is not None for one, _ in told):
            if len({knob for _, knob in mains}) == 1 or not any(is_different for _, is_different in told):
                return  # another sentence says what the only knob does, or that no effect is significant
            phrase = "losses/none/one" if has_one_workload(sources) else "losses/none"
            yield Sentence("losses", say(phrase, averaged=averaged, metric=say(f"metric/{evidence.metric.name}")))
        else:
            yield LeftOut("losses", say("lacks/interval"))
        return
    intervals = {id(one): sources.estimates.effect(one, evidence) for one in worse}
    known = [(one, interval) for one in worse if (interval := intervals[id(one)]) is not None]
    one, interval = max(known, key=lambda held: held[1].ratio.value)
    key = f"benefit/losses/{key_part(evidence.metric.name)}"
    slots: dict[str, Fragment] = {
        "change": set_to(sources, str(one.knob), one.level),
        "place": sources.place(sources.estimates.unit_of(one)),
        "amount": amount(sources.ledger, interval),
        "metric": say(f"metric/{evidence.metric.name}"),
        "averaged": averaged,
    }
    if len(known) == 1:
        yield Sentence("losses", say("losses/one", **slots))
        return
    count = sources.ledger.number_of(key, [interval.value for _, interval in known])
    yield Sentence("losses", say("losses", count=count, **slots))


def _are_said(sources: Sources, evidence: Evidence, knobs: int) -> bool:
    """Return whether other sentences say what is lost on the only workload.

    The first says what the only change does; others which change of those made one at a time costs the most, or to
    which knobs time is lost.
    """
    if len(sources.estimates.units) == 1 and (knobs == 1 or all(one.kind != "main" for one in evidence.effects)):
        return True
    return has_one_workload(sources) and losses_are_said(sources, evidence)


def _main_pairs(sources: Sources, evidence: Evidence) -> list[tuple[Effect, bool]]:
    """Return the effects of knobs that act, each with whether it is called different."""
    return [
        (one, judgement.is_different)
        for one, judgement in zip(evidence.effects, evidence.judgements, strict=True)
        if one.kind in MAIN and judgement is not None and one.ratio is not None
        if not _is_no_op(sources, one)
    ]
