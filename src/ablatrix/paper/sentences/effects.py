"""What each knob does: sentences by metric, compiler and knob; of a no-op they say only that it is one."""

from collections.abc import Mapping, Sequence

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof, claimed_fault
from ablatrix.analysis.effects import (
    DEFAULT_MARGIN,
    MAIN,
    NO_EFFECT,
    NOT_DISTINGUISHABLE,
    ONE_BLOCK,
    UNDECIDED,
    Effect,
    Evidence,
    GeometricMean,
    Judgement,
)
from ablatrix.analysis.reasons import optional_text, text_of
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import WHOLE, Form, Number
from ablatrix.paper.sentences.fairness import MARGIN
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.ranges import ranges_of
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit

NAMED = 8
"""Workloads that a clause names with their ratios; for more, it gives their number and the range of the ratios."""

MEAN_PHRASES = {NOT_DISTINGUISHABLE: "mean_unclear", ONE_BLOCK: "mean_one_block"}

Subject = tuple[str, str, str, str, str]  # compiler, stage, knob, base level, level
Place = tuple[Fragment, Fragment, Interval]  # where, the ratio as it is said, and with its ends
Said = tuple[str, bool]  # verdict, and whether it is of a difference within the margin


def effects_of_knobs(sources: Sources) -> Written:
    """What a knob does to a metric: on which workloads it is less, more, the same, or not distinguishable."""
    for evidence in sources.findings.evidence:
        for subject, effects in _by_subject(evidence).items():
            yield from _of_knob(sources, evidence, subject, effects)


def knobs_without_effect(sources: Sources) -> Written:
    """Where a knob changes nothing that is built: the proof is in the code, and no change of time is claimed."""
    by_knob: dict[tuple[str, str, str, str], list[Fragment]] = {}
    for (*key_of_unit, _, _), proof in sources.estimates.proofs.items():
        if proof.verdict == "no_op":
            unit = sources.estimates.units[key_of_unit[0], key_of_unit[1], key_of_unit[2]]
            key = (proof.compiler, proof.knob, proof.base_level, proof.level)
            pairs = say("proven_at", workload=unit.label, pairs=_equal_pairs(sources, unit, proof))
            by_knob.setdefault(key, []).append(pairs)
    for (compiler, knob, base, level), places in by_knob.items():
        slots: dict[str, Fragment | str] = {"compiler": compiler, "knob": knob, "base": base, "level": level}
        yield Sentence(
            f"no_op/{key_part(compiler)}/{key_part(knob)}={key_part(level)}",
            say("no_op", places=listed(places), **slots),
        )


def all_on(sources: Sources) -> Written:
    """What all knobs together do, from the baseline to the last level of each."""
    for evidence in sources.findings.evidence:
        by_compiler: dict[tuple[str, str, str], list[tuple[Effect, Judgement]]] = {}
        for one, judgement in zip(evidence.effects, evidence.judgements, strict=True):
            if one.kind == "total" and judgement is not None:
                by_compiler.setdefault((one.compiler, one.stage, one.level), []).append((one, judgement))
        for (compiler, stage, level), totals in by_compiler.items():
            name = _name("all_on", evidence, compiler, stage)
            groups: dict[Said, list[Place]] = {}
            for one, judgement in totals:
                unit, interval = sources.estimates.unit_of(one), sources.estimates.effect(one, evidence)
                if interval is None:
                    yield LeftOut(f"{name}/{key_part(unit.label)}", _reason(one))
                    continue
                place = Name(unit.label)
                groups.setdefault(_said(judgement), []).append((place, interval.said(), interval))
            if groups:
                yield Sentence(
                    name,
                    say(
                        "all_on",
                        compiler=compiler,
                        levels=level,
                        metric=say(f"metric/{evidence.metric.name}"),
                        groups=_groups(sources, name, groups),
                    ),
                )


def _of_knob(
    sources: Sources, evidence: Evidence, subject: Subject, effects: Sequence[tuple[Effect, Judgement]]
) -> Written:
    compiler, stage, knob, base, level = subject
    name = _name("effect", evidence, compiler, stage, f"/{key_part(knob)}={key_part(level)}")
    groups: dict[Said, list[Place]] = {}
    withheld: list[str] = []
    for one, judgement in effects:
        unit = sources.estimates.unit_of(one)
        no_op, interval = sources.estimates.no_op(one), sources.estimates.effect(one, evidence)
        if one.ratio is None or judgement.verdict is None:
            yield LeftOut(f"{name}/{key_part(unit.label)}", _reason(one))
        elif one.is_no_op:
            fault = claimed_fault(no_op, one.ratio, evidence.metric.name) if no_op else None
            withheld.append(unit.label)
            reason = Name(text_of(fault)) if fault else say("lacks/no_op", knob=knob, workload=unit.label)
            yield LeftOut(f"{name}/{key_part(unit.label)}", reason)
        elif interval is not None:
            shown = _in_pairs(sources, one, evidence, interval)
            groups.setdefault(_said(judgement), []).append((Name(unit.label), shown, interval))
    if not groups:
        if withheld:
            yield LeftOut(name, say("lacks/no_op_everywhere", knob=knob))
        return
    # A mean says nothing if some workloads have no effect by proof, or all have none by their intervals.
    means_something = not withheld and {verdict for verdict, _ in groups} != {NO_EFFECT}
    mean = _mean(sources, evidence, subject, effects) if means_something else None
    yield Sentence(
        name,
        say(
            "effect",
            compiler=compiler,
            knob=knob,
            base=base,
            level=level,
            metric=say(f"metric/{evidence.metric.name}"),
            groups=_groups(sources, name, groups),
            mean=mean or Name(""),
        ),
    )


def _mean(
    sources: Sources, evidence: Evidence, subject: Subject, effects: Sequence[tuple[Effect, Judgement]]
) -> Fragment | None:
    """Return the geometric mean over workloads; None if only one workload has the effect."""
    mean, judgement = _geometric_mean(evidence, subject)
    members = [interval for one, _ in effects if (interval := sources.estimates.effect(one, evidence)) is not None]
    if mean is None or judgement is None or len(members) < 2:
        return None
    interval = sources.estimates.mean(mean, members)
    if interval is None:
        return None
    there = [sources.estimates.unit_of(one) for one, _ in effects if one.ratio is not None]
    rows = pl.concat([unit.ok[evidence.mode] for unit in there if evidence.mode in unit.ok])
    count = sources.ledger.distinct(f"{interval.value.key}/workloads", rows, "workload", "workload_digest")
    slots: dict[str, Fragment] = {"workloads": count, "ratio": interval.said()}
    if judgement.verdict == NO_EFFECT:
        return say("mean_none", margin=_margin(sources), **slots)
    return say(MEAN_PHRASES.get(str(judgement.verdict), "mean"), **slots)


def _geometric_mean(evidence: Evidence, subject: Subject) -> tuple[GeometricMean | None, Judgement | None]:
    for one, judgement in zip(evidence.means, evidence.mean_judgements, strict=True):
        if one.kind in MAIN and (one.compiler, one.stage, one.knob, one.base_level, one.level) == subject:
            return one, judgement
    return None, None


def _said(judgement: Judgement) -> Said:
    """Return a verdict, and whether it is of a difference within the margin."""
    return str(judgement.verdict), judgement.is_different and judgement.within


def _in_pairs(sources: Sources, one: Effect, evidence: Evidence, interval: Interval) -> Fragment:
    """Return the ratio of an effect, with the pairs in which its knob acts where these are not all."""
    if not one.pairs_same:
        return interval.said()
    acting, pairs = sources.estimates.acting_pairs(one, evidence)
    return say("in_pairs", ratio=interval.said(), acting=acting, pairs=pairs)


def _groups(
    sources: Sources, name: str, groups: Mapping[Said, Sequence[tuple[Fragment, Fragment, Interval]]]
) -> Fragment:
    """Return a clause for each verdict with its workloads, what differs first."""
    order = sorted(groups, key=lambda said: UNDECIDED.index(said[0]) if said[0] in UNDECIDED else -1)
    clauses = []
    for verdict, is_within in order:
        key = f"benefit/{name}/{key_part(verdict)}" + ("/within" if is_within else "")
        places = _places(sources, key, groups[verdict, is_within])
        if is_within:
            places = say("less_than", places=places, margin=_margin(sources))
        margin = {"margin": _margin(sources)} if verdict == NO_EFFECT else {}
        clauses.append(say(f"verdict/{verdict}", places=places, **margin))
    return listed(clauses, "clauses")


def _margin(sources: Sources) -> Fragment:
    return sources.ledger.constant("margin", DEFAULT_MARGIN, MARGIN, Form("g", 0.01, "%"))


def _places(sources: Sources, key: str, held: Sequence[Place]) -> Fragment:
    if len(held) <= NAMED:
        return listed(say("ratio_at", place=place, ratio=shown) for place, shown, _ in held)
    ratios = [interval.value for *_, interval in held]
    return say(
        "many_places",
        count=sources.ledger.number_of(f"{key}/workloads", ratios),
        least=sources.ledger.minimum_of(f"{key}/least", ratios),
        most=sources.ledger.greatest_of(f"{key}/most", ratios),
    )


def _equal_pairs(sources: Sources, unit: Unit, proof: KnobProof) -> Number:
    rows = sources.trials.filter(
        (pl.col("workload") == unit.workload)
        & (pl.col("workload_digest") == unit.digest)
        & (pl.col("compiler") == unit.compiler)
        & (pl.col("role") == "measured")
        & pl.col("artifact_digest").is_not_null()
    )
    return sources.ledger.enter(
        f"no_op/{unit.key}/{key_part(proof.knob)}={key_part(proof.level)}/pairs",
        "equal_pairs",
        proof.equal,
        WHOLE,
        ranges_of(rows[ROW]),
        {"knob": proof.knob, "base_level": proof.base_level, "level": proof.level},
    )


def _reason(one: Effect) -> Name:
    return Name(str(optional_text(one.reason)))


def _name(kind: str, evidence: Evidence, compiler: str, stage: str, rest: str = "") -> str:
    stages = {one.stage for one in evidence.effects if one.compiler == compiler}
    name = f"{kind}/{key_part(evidence.metric.name)}/{key_part(compiler)}{rest}"
    return name if len(stages) == 1 else f"{name}@{key_part(stage)}"


def _by_subject(evidence: Evidence) -> Mapping[Subject, list[tuple[Effect, Judgement]]]:
    found: dict[Subject, list[tuple[Effect, Judgement]]] = {}
    for one, judgement in zip(evidence.effects, evidence.judgements, strict=True):
        if judgement is not None and one.knob is not None:
            subject = (one.compiler, one.stage, one.knob, one.base_level, one.level)
            found.setdefault(subject, []).append((one, judgement))
    return found
