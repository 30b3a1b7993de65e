"""Fairness: how trials ended, what cold and hot times include, how effects are judged, and how precise they are."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ablatrix.analysis.table import TIMED_OTHER
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import GENERAL, PERCENT, WHOLE, Form, Number, percent
from ablatrix.paper.sentences.control import controls
from ablatrix.paper.sentences.outcomes import trials_and_outcomes
from ablatrix.paper.sentences.said import all_succeeded, confidence_of, counted, margin_of, span
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.paper.views import half_width
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.rows import ROW
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC
from ablatrix.statistics.multiplicity import ALPHA

PARTS = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
SHOWN_SHARE = 0.005  # below it, time in no phase is what it costs to enter phases
APART = ("compile_ms",)
"""Phases with an explanation that is set off where compilers follow."""
WARM_UPS = ("flat", "warmed_up", "slowing", "unsteady")
PRECISION_OF = (HOT_METRIC, COLD_METRIC)
PARTITIONS = ("whole", "regions")
"""Ways to cut a program that have words of their own."""
FASTEST_SINCE = "1.3"
"""From this version on records have the fastest iteration of each burst, by which it counts; before, its median."""
SHARES = 2
"""Phases whose share in the cold time is named."""
COMPILERS = 5
"""Compilers whose largest phase is named: each spends its time on other ones."""


def cold_scope(sources: Sources) -> Written:
    """What a cold time includes, with the share of each part."""
    read = (COLD_METRIC, "cache_tag", "compiler", *PARTS)
    timed = sources.ok("cold", "measured", *read).filter(pl.col(COLD_METRIC) > 0)
    cold, shared = timed.filter(pl.col("cache_tag").is_null()), timed.filter(pl.col("cache_tag").is_not_null())
    by_compiler = {str(name): part for (name,), part in sorted(cold.partition_by("compiler", as_dict=True).items())}
    several = len(by_compiler) > 1
    shares = {name: _shares(sources, part, name if several else None) for name, part in by_compiler.items()}
    if not any(shares.values()):
        yield LeftOut("cold_scope", say("lacks/cold_parts"))
        return
    count = sources.ledger.count("fairness/cold_trials", cold)
    tagged: Fragment = Name("")
    if not shared.is_empty():
        tagged = counted("cold_tagged", sources.ledger.count("fairness/cold_tagged", shared), "trials")
    if not several:
        said = _largest(sources, next(iter(shares.values())), count)
    else:
        said = _largest_of_each(sources, shares) if len(shares) <= COMPILERS else Name("")
    yield Sentence("cold_scope", say("cold_scope", shares=said, tagged=tagged if said != Name("") else Name("")))


Share = tuple[Number, str]
"""A share with the column of its phase."""


def _shares(sources: Sources, cold: pl.DataFrame, compiler: str | None) -> list[Share]:
    """Return the share of each phase in the cold time, of one of several compilers if it is named."""
    shares: list[Share] = []
    for column in PARTS:
        held = cold.filter(pl.col(column).is_not_null())
        if not held.is_empty() and (column != "other_ms" or _median_share(held, column) >= SHOWN_SHARE):
            key = f"fairness/cold_share/{column}" if compiler is None else f"fairness/cold_share/{compiler}/{column}"
            form = percent(_median_share(held, column))
            share = sources.ledger.median_share(key, held, column, COLD_METRIC, form)
            shares.append((share, column))
    return shares


def _largest_of_each(sources: Sources, shares: Mapping[str, Sequence[Share]]) -> Fragment:
    """Return the largest phase of each compiler, by phase; that of most compilers first."""
    by_part: dict[str, list[tuple[str, Number]]] = {}
    for compiler, own in shares.items():
        if own:
            share, part = max(own, key=lambda pair: pair[0].value)
            by_part.setdefault(part, []).append((compiler, share))
    items: list[Fragment] = []
    for part, found in sorted(by_part.items(), key=lambda pair: -len(pair[1])):
        found.sort(key=lambda pair: -pair[1].value)
        named = [
            say("phase_of" if items or place else "phase_of/first", compiler=sources.compiler(one), share=share)
            for place, (one, share) in enumerate(found)
        ]
        called = say(f"part/{part}/apart" if part in APART else f"part/{part}")
        items.append(say("phase_with", part=called, compilers=listed(named)))
    said: Fragment = items[-1]
    for item in reversed(items[:-1]):
        said = say("phases_and", first=item, rest=said)
    return say("largest_phases", phases=said)


def _largest(sources: Sources, shares: Sequence[Share], trials: Number) -> Fragment:
    """Return the largest shares, and that of the others the largest; of few all of them."""
    order = sorted(shares, key=lambda pair: -pair[0].value)
    if len(order) <= SHARES + 1:
        whole = (_named("share_of_part", *pair) for pair in order)
        return say("cold_shares", trials=trials, shares=listed(whole))
    rest = sources.ledger.greatest_of("fairness/cold_share/rest", [number for number, _ in order[SHARES:]])
    items = [_named("share_taken/too" if place else "share_taken", *order[place]) for place in range(SHARES)]
    return say("cold_shares/most", trials=trials, shares=listed(items, "parallel"), rest=rest)


def _named(phrase: str, share: Number, column: str) -> Fragment:
    return say(phrase, part=say(f"part/{column}"), share=share)


def _median_share(trials: pl.DataFrame, part: str) -> float:
    return float(np.median((trials[part] / trials[COLD_METRIC]).to_numpy()))


def hot_scope(sources: Sources) -> Written:
    """What a hot time includes, and how many samples it is made from."""
    read = ("run_ms_p50", "samples_counted", "bursts", "schema_version")
    hot = sources.ok("hot", "measured", *read).filter(pl.col("run_ms_p50").is_not_null())
    if hot.is_empty():
        yield LeftOut("hot_scope", say("lacks/hot"))
        return
    known = hot.filter(pl.col("samples_counted").is_not_null())
    samples: Fragment = Name("")
    if not known.is_empty():
        median = sources.ledger.median("fairness/samples", known, "samples_counted", Form(".0f"))
        samples = say("samples", samples=median)
    yield Sentence("hot_scope", say("hot_scope", levels=_levels(sources, hot), samples=samples))


def _levels(sources: Sources, hot: pl.DataFrame) -> Fragment:
    """Return how the bursts of a trial are summed up; nothing of trials without bursts, or of records of both kinds."""
    by_fastest = (hot["schema_version"].cast(pl.String) >= FASTEST_SINCE).unique().to_list()
    if hot["bursts"].null_count() or len(by_fastest) > 1:
        return Name("")
    has_copies = not sources.ok("hot", "twin").is_empty()
    bursts = say("levels/fastest" if by_fastest[0] else "levels/median")
    return say("levels", bursts=bursts, copies=say("levels/copies") if has_copies else Name(""))


def protocol(sources: Sources) -> Written:
    """What ratios and intervals are."""
    if not any(unit.ok for unit in sources.estimates.units.values()):
        yield LeftOut("protocol", say("lacks/ok"))
        return
    blocks = [part["block_id"].n_unique() for unit in sources.estimates.units.values() for part in unit.ok.values()]
    is_one = max(blocks) == 1
    many = "protocol/hosts" if sources.findings.hosts else "protocol"
    said = say("protocol/one_block") if is_one else say(many, confidence=confidence_of(sources))
    yield Sentence("protocol", said)


def precision(sources: Sources) -> Written:
    """The widest interval of a main effect on each time, and whether it is as narrow as the study asked for."""
    widest: dict[str, Number] = {}
    for evidence in sources.findings.evidence:
        if evidence.metric.name not in PRECISION_OF:
            continue
        intervals = [
            sources.estimates.effect(one, evidence) for one in evidence.effects if one.kind in ("main", "around")
        ]
        widths = [one.half_width for one in intervals if one is not None and one.half_width is not None]
        if widths:
            key = f"fairness/half_width/{key_part(evidence.metric.name)}"
            widest[evidence.metric.name] = sources.ledger.greatest_of(key, widths)
    if not widest:
        yield LeftOut("precision", say("lacks/interval"))
        return
    reached = [
        say("half_width", width=half_width(sources.ledger, width), metric=say(f"metric/{metric}"))
        for metric, width in widest.items()
    ]
    wanted = _wanted(sources, widest[HOT_METRIC]) if HOT_METRIC in widest else Name("")
    yield Sentence("precision", say("precision", reached=listed(reached, "parallel"), wanted=wanted))


def _wanted(sources: Sources, widest: Number) -> Fragment:
    """Return how narrow the study wanted intervals of the run time, and whether they came out so; else nothing."""
    target_of, most_of = "stopping_effect_target", "stopping_most_blocks"
    reported = sources.ok("hot", "measured", target_of, most_of, "stopping_decision")
    reported = reported.filter(pl.col(target_of).is_not_null())
    if reported[target_of].n_unique() != 1:
        return Name("")
    target = sources.ledger.value("fairness/target", reported, target_of, Form(".2g", 0.01, "%"))
    slots: dict[str, Fragment] = {"target": target, "metric": say(f"metric/{HOT_METRIC}")}
    if widest.value <= target.value:
        return say("target/met", **slots)
    ended = reported.filter(pl.col("stopping_decision") == "most_blocks")
    if ended[most_of].n_unique() != 1:
        return say("target/missed", **slots)
    return say(
        "target/missed/blocks", blocks=sources.ledger.value("fairness/most_blocks", ended, most_of, WHOLE), **slots
    )


def judgement(sources: Sources) -> Written:
    """The rules by which an effect is called different or none."""
    if not any(one.judgements for one in sources.findings.evidence):
        yield LeftOut("judgement", say("lacks/interval"))
        return
    alpha = sources.ledger.constant("alpha", ALPHA, "level of every test", PERCENT)
    yield Sentence("judgement", say("judgement", alpha=alpha, margin=margin_of(sources)))


def warm_up_classes(sources: Sources) -> Written:
    """How hot trials warmed up, and in how many the time never became steady."""
    hot = sources.ok("hot", "measured", "warm_up_classification")
    reported = hot.filter(pl.col("warm_up_classification").is_not_null())
    if reported.is_empty():
        yield LeftOut("warm_up_classes", say("lacks/warm_up"))
        return
    counts: dict[str, Number] = {}
    for name in WARM_UPS:
        part = reported.filter(pl.col("warm_up_classification") == name)
        if not part.is_empty():
            counts[name] = sources.ledger.count(f"fairness/warm_up/{name}", part)
    trials = sources.ledger.count("fairness/warm_up/trials", reported)
    if len(counts) == 1:
        kind = say(f"warm_up/{next(iter(counts))}")
        said = say("warm_up_classes/one", trials=trials, classes=kind, successful=_successful(sources))
        yield Sentence("warm_up_classes", said)
        return
    kinds = [say("warm_up/some", count=count, kind=say(f"warm_up/{name}")) for name, count in counts.items()]
    classes = listed(kinds, "parallel")
    said = say("warm_up_classes", trials=trials, classes=classes, successful=_successful(sources))
    yield Sentence("warm_up_classes", said)


def _successful(sources: Sources) -> Fragment:
    return Name("") if all_succeeded(sources) else say("successful")


def checked_is_timed(sources: Sources) -> Written:
    """In how many hot trials the executable that was checked is the one that was timed."""
    reported = sources.ok("hot", "measured", "checked_digest", "timed_digest").filter(
        pl.col("checked_digest").is_not_null() & pl.col("timed_digest").is_not_null()
    )
    if reported.is_empty():
        yield LeftOut("checked_is_timed", say("lacks/digests"))
        return
    same = reported.filter(pl.col("checked_digest") == pl.col("timed_digest"))
    # The table of trials omits those that timed something else; they are counted.
    other = sources.findings.found.excluded.get(TIMED_OTHER, 0)
    others: Fragment = Name("")
    if other:
        others = counted("timed_other", sources.ledger.excluded("fairness/timed_other", other, TIMED_OTHER))
    if same.height == reported.height and not other:
        trials = sources.ledger.count("fairness/with_digests", reported)
        said = say("checked_is_timed/all", trials=trials, successful=_successful(sources))
        yield Sentence("checked_is_timed", said)
        return
    yield Sentence(
        "checked_is_timed",
        say(
            "checked_is_timed",
            same=sources.ledger.count("fairness/checked_is_timed", same),
            trials=sources.ledger.count("fairness/with_digests", reported),
            others=others,
            successful=_successful(sources),
        ),
    )


def cache_misses(sources: Sources) -> Written:
    """What a cache miss is, how many there are, and whether they are as expected."""
    read = (MISSES, "expected_cache_misses", "cache_tag")
    cold = sources.ok("cold", "measured", *read).filter(pl.col(MISSES).is_not_null())
    if cold.is_empty():
        yield LeftOut("cache_misses", say("lacks/misses"))
        return
    medians = _miss_medians(sources)
    expected = cold.filter(pl.col("expected_cache_misses").is_not_null() & pl.col("cache_tag").is_null())
    agreed: Fragment = Name("")
    if not expected.is_empty():
        same = expected.filter(pl.col(MISSES) == pl.col("expected_cache_misses"))
        trials = sources.ledger.count("fairness/misses_told", expected)
        agreed = say("misses_expected/all", trials=trials, successful=_successful(sources))
        if same.height < expected.height:
            of_same = sources.ledger.count("fairness/misses_expected", same)
            agreed = say("misses_expected", same=of_same, trials=trials, successful=_successful(sources))
    named = say("misses_median", medians=medians) if medians else Name("")
    yield Sentence("cache_misses", say("cache_misses", medians=named, agreed=agreed))


def _miss_medians(sources: Sources) -> Fragment | None:
    """Return the median misses at each level of partition: of several workloads and compilers, the range."""
    if "knob_partition" not in sources.trials.columns:
        return None
    by_level: dict[str, list[Number]] = {}
    for unit in sources.estimates.units.values():
        part = unit.ok.get("cold", sources.trials.clear()).select(ROW, MISSES, "knob_partition")
        part = part.filter(pl.col(MISSES).is_not_null() & pl.col("knob_partition").is_not_null())
        for (level,), held in sorted(part.partition_by("knob_partition", as_dict=True).items()):
            key = f"fairness/cache_misses/{unit.key}/{key_part(level)}"
            misses = sources.ledger.median(key, held, MISSES, GENERAL)
            by_level.setdefault(str(level), []).append(misses)
    if not by_level:
        return None
    items: list[Fragment] = []
    for level in sorted(by_level, key=lambda one: (one != "whole", one)):
        found = by_level[level]
        ends = span(sources, f"fairness/cache_misses/{key_part(level)}", found)
        if len({one.value for one in found}) > 1:
            ends = say("misses_by_workload", misses=ends)
        if len(by_level) == 1:
            return say("misses_only", misses=ends)
        if level in PARTITIONS:
            items.append(say(f"misses_at/{level}", misses=ends))
        else:
            slots = {"knob": sources.knob("partition"), "level": sources.level("partition", level)}
            items.append(say("misses_at", misses=ends, **slots))
    return listed(items, "parallel")


FAIRNESS: tuple[Writes, ...] = (
    trials_and_outcomes,
    cold_scope,
    hot_scope,
    protocol,
    precision,
    judgement,
    warm_up_classes,
    checked_is_timed,
    cache_misses,
    controls,
)
