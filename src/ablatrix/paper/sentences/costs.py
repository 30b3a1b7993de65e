"""What the gain costs: compile time with its break-even, and what happens to memory."""

from collections.abc import Mapping, Sequence

import polars as pl

from ablatrix.analysis.effects import Evidence
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.references import Subject
from ablatrix.paper.sentences.overall import (
    Overall,
    becomes,
    entered,
    extremes,
    over,
    unclear_reach,
)
from ablatrix.paper.sentences.said import scaled
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Written
from ablatrix.paper.sentences.shares import changes_of
from ablatrix.paper.sentences.whole import end_levels, is_of_one_knob, over_compilers, primary, totals
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import COLD_METRIC

PLANNED, PEAK = "planned_bytes", "peak_rss_delta_bytes"
_SHOWN_BY: Mapping[str, Subject] = {COLD_METRIC: "compile", PLANNED: "memory", PEAK: "memory"}


def compile_time(sources: Sources) -> Written:
    """What moving all knobs does to the time up to the first result, and after how many runs that is repaid."""
    evidence = _evidence(sources, COLD_METRIC)
    main = primary(sources)
    if evidence is None or main is None or main.metric.name == COLD_METRIC:
        yield LeftOut("compile_time", say("lacks/cold"))
        return
    held = [entered(sources, evidence, one) for one in totals(sources, evidence)]
    if not held:
        yield from _one_at_a_time(sources, "compile_time", evidence)
        return
    repaid = _repaid(sources, evidence, held)
    if len(held) > 1:
        word, see = say(f"metric/{COLD_METRIC}"), sources.see("compile")
        if all(one.direction == "unclear" for one in held):
            far, is_far = unclear_reach(sources, held)
            phrase = "compile/compilers/open" if is_far else "compile/compilers/unclear"
            yield Sentence("compile_time", say(phrase, metric=word, reach=far, see=see))
        else:
            changes = over_compilers(sources, held, COLD_METRIC, say("metric/shown", metric=word, see=see))
            yield Sentence("compile_time", say("compile/compilers", changes=changes, repaid=repaid))
        return
    phrase = "compile/one" if is_of_one_knob(sources, evidence, held[0].candidate) else "compile"
    yield Sentence("compile_time", say(phrase, repaid=repaid, **_becomes(sources, held[0], COLD_METRIC)))


def _becomes(sources: Sources, one: Overall, metric: str) -> dict[str, Fragment]:
    """Return what becomes of a metric, which is shown where, over which workloads, and from which to which."""
    where = over(sources, one, where="in")
    return {
        "becomes": becomes(sources, one, _shown(sources, metric), metric, where),
        "range": extremes(sources, one),
    }


def _shown(sources: Sources, metric: str) -> Said:
    """Return what a metric is called, with what it is where its name does not say it, and where it is shown."""
    if metric == PLANNED:
        return say(f"metric/{PLANNED}/explained/shown", see=sources.see("memory", "inside"))
    return say("metric/shown", metric=say(f"metric/{metric}"), see=sources.see(_SHOWN_BY[metric]))


def _one_at_a_time(sources: Sources, name: str, evidence: Evidence) -> Written:
    said = changes_of(sources, evidence, before=primary(sources))
    yield LeftOut(name, say("lacks/total")) if said is None else Sentence(name, said)


def _evidence(sources: Sources, metric: str) -> Evidence | None:
    return next((one for one in sources.findings.evidence if one.metric.name == metric), None)


def _repaid(sources: Sources, evidence: Evidence, held: Sequence[Overall]) -> Fragment:
    """Return after how many runs the most expensive compile is repaid that ever is; nothing where none needs to be."""
    found: list[tuple[float, Unit, dict[str, Fragment]]] = []
    for one in held:
        for member in one.members:
            unit = member.unit
            levels = end_levels(sources, evidence, one.candidate, unit)
            pays = [
                even
                for even in sources.findings.break_even
                if (even.workload, even.compiler, even.verdict) == (unit.workload, unit.compiler, "repaid")
                and all(levels.get(setting.knob) == setting.level for setting in even.settings)
            ]
            alone = sum(other.workload == unit.workload for other in sources.estimates.units.values())
            shared = len({other.compiler for other in sources.estimates.units.values()}) >= alone
            interval = sources.estimates.break_even(unit, levels, pays[0]) if len(pays) == 1 and shared else None
            if interval is None or interval.low is None or interval.high is None:
                continue
            ends = say("ends/plain", low=scaled(interval.low), high=scaled(interval.high))
            slots: dict[str, Fragment] = {"runs": scaled(interval.value), "ci": say("ci", ends=ends)}
            found.append((interval.ratio.value, unit, slots))
    if not found:
        return Name("")
    _, unit, slots = max(found, key=lambda one: one[0])
    if len(held) == 1 and len(held[0].members) == 1:
        return say("repaid/one", **slots)
    return say("repaid" if len(found) > 1 else "repaid/on", place=sources.place(unit), **slots)


def memory(sources: Sources) -> Written:
    """What moving all knobs does to planned memory and to the peak, and which knob saves most of it."""
    planned, peak = (_evidence(sources, metric) for metric in (PLANNED, PEAK))
    of_plan = [entered(sources, planned, one) for one in totals(sources, planned)] if planned else []
    of_peak = [entered(sources, peak, one) for one in totals(sources, peak)] if peak else []
    if not of_plan and not of_peak:
        known = planned or peak
        if known is None:
            yield LeftOut("memory", say("lacks/memory"))
        else:
            yield from _one_at_a_time(sources, "memory", known)
        return
    metric, held = (PLANNED, of_plan) if of_plan else (PEAK, of_peak)
    if len(held) > 1:
        changes = over_compilers(sources, held, metric, _shown(sources, metric))
        yield Sentence("memory", say("memory/compilers", changes=changes, lacking=_lacking(sources, metric)))
        return
    one = held[0]
    word = say(f"metric/{PEAK}/explained")
    peak_too = becomes(sources, of_peak[0], word, PEAK, Name("")) if of_plan and len(of_peak) == 1 else None
    of_its_own = planned is not None and is_of_one_knob(sources, planned, one.candidate)
    joined = say("memory/peak", becomes=peak_too) if peak_too is not None and not of_its_own else Name("")
    used = planned if of_plan else peak
    phrase = "memory/one" if used and is_of_one_knob(sources, used, one.candidate) else "memory"
    yield Sentence("memory", say(phrase, peak=joined, **_becomes(sources, one, metric)))
    if peak_too is not None and of_its_own:
        yield Sentence("peak_memory", say("memory/peak/one", becomes=peak_too))


def _lacking(sources: Sources, metric: str) -> Fragment:
    """Return which compilers report a metric nowhere."""
    known = sources.part((pl.col("role") == "measured") & pl.col(metric).is_not_null(), "compiler")["compiler"].unique()
    lacking = [one for one in sources.estimates.compilers if one not in known.to_list()]
    return say("memory/lacking", compilers=listed(map(sources.compiler, lacking))) if lacking else Name("")
