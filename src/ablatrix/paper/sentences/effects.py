"""What each knob does: sentences by metric, compiler and knob; of a no-op they say only that it is one."""

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof, claimed_fault
from ablatrix.analysis.effects import (
    MAIN,
    NO_EFFECT,
    NOT_DISTINGUISHABLE,
    ONE_BLOCK,
    Effect,
    Evidence,
    GeometricMean,
    Judgement,
    judge_no_ops,
)
from ablatrix.analysis.reasons import optional_text, text_of
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import WHOLE, Number
from ablatrix.paper.sentences.changes import MANY, changes_of_stage
from ablatrix.paper.sentences.said import Said, differences_first, margin_of, range_of, said_of
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.provenance.keys import key_part, step_part, words_part
from ablatrix.provenance.ranges import ranges_of
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit

NAMED = 8
"""Workloads that a clause names with their ratios; for more, it gives their number and the range of the ratios."""

MEAN_PHRASES = {NOT_DISTINGUISHABLE: "mean_unclear", ONE_BLOCK: "mean_one_block"}

Subject = tuple[str, str, str, str, str]  # compiler, stage, knob, base level, level
Place = tuple[Fragment, Fragment, Interval]  # where, the ratio as it is said, and with its ends


def effects_of_knobs(sources: Sources) -> Written:
    """What a knob does to a metric: on which workloads it is less, more, the same, or not distinguishable."""
    for evidence in sources.findings.evidence:
        by_subject = _by_subject(evidence)
        # Around centres that were inferred, a knob can reach a level from another base on each workload.
        bases = Counter((*subject[:3], subject[4]) for subject in by_subject)
        many = _many_changes(by_subject)
        for subject, effects in by_subject.items():
            if subject[:2] not in many:
                yield from _of_knob(sources, evidence, subject, effects, bases[*subject[:3], subject[4]] > 1)
        for (compiler, stage), changes in many.items():
            yield from changes_of_stage(sources, evidence, _name("changes", evidence, compiler, stage), changes)


def knobs_without_effect(sources: Sources) -> Written:
    """Where a knob changes nothing that is built, as the code proves; and where a time differs all the same."""
    yet = _yet_different(sources)
    by_knob: dict[tuple[str, str, str, str, str | None, bool], list[tuple[Fragment, Sequence[Fragment]]]] = {}
    for (*key_of_unit, knob, between), proof in sources.findings.proofs_by_step.items():
        if proof.verdict == "no_op":
            unit = sources.estimates.units[key_of_unit[0], key_of_unit[1], key_of_unit[2]]
            differences = yet.get((*key_of_unit, knob, between), [])
            key = (proof.compiler, knob, proof.base_level, proof.level, _other_base(unit, proof), bool(differences))
            by_knob.setdefault(key, []).append((_proven_at(sources, unit, proof), differences))
    for (compiler, knob, base, level, other_base, is_different), held in by_knob.items():
        slots: dict[str, Fragment | str] = {"compiler": compiler, "knob": knob, "base": base, "level": level}
        slots["places"] = listed(place for place, _ in held)
        if is_different:
            slots["differences"] = listed(one for _, several in held for one in several)
        phrase = "same_artifact" if is_different else "no_op"
        yield Sentence(f"{phrase}/{key_part(compiler)}/{step_part(knob, level, other_base)}", say(phrase, **slots))


def _yet_different(sources: Sources) -> Mapping[tuple[str | frozenset[str], ...], list[Fragment]]:
    """Return what differs although nothing that was built does, by workload, digest, compiler, knob and levels."""
    found: dict[tuple[str | frozenset[str], ...], list[Fragment]] = {}
    for evidence in sources.findings.evidence:
        for one, judgement in judge_no_ops(evidence.effects, evidence.metric):
            interval = sources.estimates.measured(one, evidence) if judgement.is_different else None
            if interval is not None and one.knob is not None:
                key = (one.workload, one.digest, one.compiler, one.knob, frozenset((one.base_level, one.level)))
                metric, label = say(f"metric/{evidence.metric.name}"), sources.estimates.unit_of(one).label
                said = say("difference_at", metric=metric, workload=label, ratio=interval.said())
                found.setdefault(key, []).append(said)
    return found


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
                groups.setdefault(said_of(judgement), []).append((place, interval.said(), interval))
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


def _many_changes(
    by_subject: Mapping[Subject, Sequence[tuple[Effect, Judgement]]],
) -> Mapping[tuple[str, str], list[tuple[Effect, Judgement]]]:
    """Return the stages around a configuration with many changes, by compiler and stage, with their effects."""
    found: dict[tuple[str, str], list[tuple[Effect, Judgement]]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for (compiler, stage, *_), effects in by_subject.items():
        if effects[0][0].kind == "around":
            found.setdefault((compiler, stage), []).extend(effects)
            counts[compiler, stage] += 1
    return {key: held for key, held in found.items() if counts[key] > MANY}


def _of_knob(
    sources: Sources,
    evidence: Evidence,
    subject: Subject,
    effects: Sequence[tuple[Effect, Judgement]],
    is_apart: bool,
) -> Written:
    compiler, stage, knob, base, level = subject
    name = _name("effect", evidence, compiler, stage, f"/{step_part(knob, level, base if is_apart else None)}")
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
            groups.setdefault(said_of(judgement), []).append((Name(unit.label), shown, interval))
    if not groups:
        if withheld:
            yield LeftOut(name, say("lacks/no_op_everywhere", knob=knob))
        return
    # A mean says nothing if some workloads have no effect by proof, or all have none by their intervals.
    means_something = not withheld and {verdict for verdict, _ in groups} != {NO_EFFECT}
    mean = _mean(sources, evidence, subject, effects, is_apart) if means_something else None
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
    sources: Sources,
    evidence: Evidence,
    subject: Subject,
    effects: Sequence[tuple[Effect, Judgement]],
    is_apart: bool,
) -> Fragment | None:
    """Return the geometric mean over workloads; None if only one workload has the effect."""
    mean, judgement = _geometric_mean(evidence, subject)
    members = [interval for one, _ in effects if (interval := sources.estimates.effect(one, evidence)) is not None]
    if mean is None or judgement is None or len(members) < 2:
        return None
    interval = sources.estimates.mean(mean, members, is_apart)
    if interval is None:
        return None
    there = [sources.estimates.unit_of(one) for one, _ in effects if one.ratio is not None]
    rows = pl.concat([unit.ok[evidence.mode] for unit in there if evidence.mode in unit.ok])
    count = sources.ledger.distinct(f"{interval.value.key}/workloads", rows, "workload", "workload_digest")
    slots: dict[str, Fragment] = {"workloads": count, "ratio": interval.said()}
    if judgement.verdict == NO_EFFECT:
        return say("mean_none", margin=margin_of(sources), **slots)
    return say(MEAN_PHRASES.get(str(judgement.verdict), "mean"), **slots)


def _geometric_mean(evidence: Evidence, subject: Subject) -> tuple[GeometricMean | None, Judgement | None]:
    for one, judgement in zip(evidence.means, evidence.mean_judgements, strict=True):
        if one.kind in MAIN and (one.compiler, one.stage, one.knob, one.base_level, one.level) == subject:
            return one, judgement
    return None, None


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
    clauses = []
    for verdict, is_within in differences_first(groups):
        key = f"benefit/{name}/{words_part(verdict)}" + ("/within" if is_within else "")
        places = _places(sources, key, groups[verdict, is_within])
        if is_within:
            places = say("less_than", places=places, margin=margin_of(sources))
        margin = {"margin": margin_of(sources)} if verdict == NO_EFFECT else {}
        clauses.append(say(f"verdict/{verdict}", places=places, **margin))
    return listed(clauses, "clauses")


def _places(sources: Sources, key: str, held: Sequence[Place]) -> Fragment:
    if len(held) <= NAMED:
        return listed(say("ratio_at", place=place, ratio=shown) for place, shown, _ in held)
    return range_of(sources, "many_places", key, "workloads", [interval.value for *_, interval in held])


def _proven_at(sources: Sources, unit: Unit, proof: KnobProof) -> Fragment:
    if proof.pairs == 1:
        return say("proven_at_alone", workload=unit.label)
    return say("proven_at", workload=unit.label, pairs=_equal_pairs(sources, unit, proof))


def _equal_pairs(sources: Sources, unit: Unit, proof: KnobProof) -> Number:
    rows = sources.trials.filter(
        (pl.col("workload") == unit.workload)
        & (pl.col("workload_digest") == unit.digest)
        & (pl.col("compiler") == unit.compiler)
        & (pl.col("role") == "measured")
        & pl.col("artifact_digest").is_not_null()
    )
    return sources.ledger.enter(
        f"no_op/{unit.key}/{step_part(proof.knob, proof.level, _other_base(unit, proof))}/pairs",
        "equal_pairs",
        proof.equal,
        WHOLE,
        ranges_of(rows[ROW]),
        {"knob": proof.knob, "base_level": proof.base_level, "level": proof.level},
    )


def _other_base(unit: Unit, proof: KnobProof) -> str | None:
    """Return the level that a pair begins at where it is not the baseline's: several pairs can end at one level."""
    return None if proof.base_level == unit.baseline.get(proof.knob) else proof.base_level


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
