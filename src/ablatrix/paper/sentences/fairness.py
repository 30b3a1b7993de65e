"""Fairness: what was run, what cold and hot times include, what misses are, and how precise the results are."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ablatrix.analysis.effects import DEFAULT_MARGIN
from ablatrix.analysis.table import IS_FAILURE, IS_NOT_RUN, TIMED_OTHER
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import GENERAL, PERCENT, WHOLE, Form, Number
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.keys import key_part
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC
from ablatrix.records.status import FAILURES, NOT_RUN, Status
from ablatrix.statistics.multiplicity import ALPHA

PARTS = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
SHOWN_SHARE = 0.005  # below it, time in no phase is what it costs to enter phases
WARM_UPS = ("flat", "warmed_up", "slowing", "unsteady")
PRECISION_OF = (HOT_METRIC, COLD_METRIC)
CONFIDENCE = "confidence of every interval"
MARGIN = "largest relative difference that counts as none"


def trials_and_outcomes(sources: Sources) -> Written:
    """How many trials there are, on which machine, and how they ended."""
    ledger, trials = sources.ledger, sources.trials
    machines = []
    for (cpu, cores), part in sorted(trials.partition_by("cpu", "cores", as_dict=True).items(), key=str):
        key = f"fairness/cores/{key_part(cpu)}/{cores}"
        machines.append(say("machine", cpu=str(cpu), cores=ledger.value(key, part, "cores", WHOLE)))
    gpus = sorted(map(str, trials["gpu_name"].drop_nulls().unique().to_list()))
    machines += [say("gpu", gpu=name) for name in gpus]
    by_status = {str(status): part for (status,), part in trials.partition_by("status", as_dict=True).items()}
    failures = [
        say("of_status", count=ledger.count(f"fairness/status/{status}", by_status[status]), status=status)
        for status in sorted(by_status.keys() & set(FAILURES))
    ]
    failed = ledger.count("fairness/failed", trials.filter(IS_FAILURE))
    yield Sentence(
        "trials_and_outcomes",
        say(
            "trials_and_outcomes",
            trials=ledger.count("fairness/trials", trials),
            machines=listed(machines, "clauses"),
            ok=ledger.count("fairness/ok", by_status.get(Status.OK, trials.clear())),
            failed=failed,
            failures=say("failures", failures=listed(failures)) if failures else Name(""),
            unsupported=ledger.count("fairness/unsupported", by_status.get(Status.UNSUPPORTED, trials.clear())),
            not_run=_not_run(sources, by_status),
        ),
    )


def _not_run(sources: Sources, by_status: Mapping[str, pl.DataFrame]) -> Fragment:
    """Return how many trials were not run, by status; empty if all were."""
    statuses = sorted(by_status.keys() & set(NOT_RUN))
    if not statuses:
        return Name("")
    counts = [
        say("of_status", count=sources.ledger.count(f"fairness/status/{status}", by_status[status]), status=status)
        for status in statuses
    ]
    count = sources.ledger.count("fairness/not_run", sources.trials.filter(IS_NOT_RUN))
    return say("not_run", count=count, statuses=listed(counts))


def cold_scope(sources: Sources) -> Written:
    """What a cold time includes, with the share of each part."""
    timed = sources.ok("cold", "measured").filter(pl.col(COLD_METRIC) > 0)
    cold, shared = timed.filter(pl.col("cache_tag").is_null()), timed.filter(pl.col("cache_tag").is_not_null())
    shares = []
    for column in PARTS:
        held = cold.filter(pl.col(column).is_not_null())
        if not held.is_empty() and (column != "other_ms" or _median_share(held, column) >= SHOWN_SHARE):
            key = f"fairness/cold_share/{column}"
            share = sources.ledger.median_share(key, held, column, COLD_METRIC, PERCENT)
            shares.append(say("share_of_part", part=say(f"part/{column}"), share=share))
    if not shares:
        yield LeftOut("cold_scope", say("lacks/cold_parts"))
        return
    count = sources.ledger.count("fairness/cold_trials", cold)
    tagged: Fragment = Name("")
    if not shared.is_empty():
        tagged = say("cold_tagged", trials=sources.ledger.count("fairness/cold_tagged", shared))
    yield Sentence("cold_scope", say("cold_scope", shares=listed(shares), trials=count, tagged=tagged))


def _median_share(trials: pl.DataFrame, part: str) -> float:
    return float(np.median((trials[part] / trials[COLD_METRIC]).to_numpy()))


def hot_scope(sources: Sources) -> Written:
    """What a hot time includes, and how many samples it is made from."""
    hot = sources.ok("hot", "measured").filter(pl.col("run_ms_p50").is_not_null())
    if hot.is_empty():
        yield LeftOut("hot_scope", say("lacks/hot"))
        return
    counted = hot.filter(pl.col("samples_counted").is_not_null())
    samples: Fragment = Name("")
    if not counted.is_empty():
        median = sources.ledger.median("fairness/samples", counted, "samples_counted", Form(".0f"))
        samples = say("samples", samples=median)
    blocks = sources.ledger.distinct("fairness/hot_blocks", hot, "run", "block_id")
    yield Sentence("hot_scope", say("hot_scope", samples=samples, layout=_layout(hot), blocks=blocks))


def _layout(hot: pl.DataFrame) -> Fragment:
    """Say what of the address-space layout was drawn anew, where all trials agree and it was anything."""
    samplings = hot["layout_sampling"].unique().to_list()
    if len(samplings) != 1 or samplings[0] in (None, "run"):
        return Name("")
    return say(f"layout/{samplings[0]}")


def protocol(sources: Sources) -> Written:
    """How many blocks the intervals are made from, in each mode."""
    modes = []
    for mode in ("cold", "hot"):
        counts = [
            sources.ledger.distinct(f"fairness/blocks/{mode}/{unit.key}", unit.ok[mode], "run", "block_id")
            for unit in sources.estimates.units.values()
            if mode in unit.ok
        ]
        if counts:
            modes.append(say(f"blocks/{mode}", blocks=_span(sources, f"fairness/blocks/{mode}", counts)))
    if not modes:
        yield LeftOut("protocol", say("lacks/ok"))
        return
    confidence = sources.ledger.constant("confidence", 0.95, CONFIDENCE, PERCENT)
    yield Sentence("protocol", say("protocol", confidence=confidence, modes=listed(modes)))


def precision(sources: Sources) -> Written:
    """The widest interval of a main effect on each time, and the width that the study asked for."""
    reached = []
    for evidence in sources.findings.evidence:
        if evidence.metric.name not in PRECISION_OF:
            continue
        intervals = [
            sources.estimates.effect(one, evidence) for one in evidence.effects if one.kind in ("main", "around")
        ]
        widths = [one.half_width for one in intervals if one is not None and one.half_width is not None]
        if widths:
            name = key_part(evidence.metric.name)
            widest = sources.ledger.greatest_of(f"fairness/half_width/{name}", widths)
            reached.append(say("half_width", width=widest, metric=say(f"metric/{evidence.metric.name}")))
    if not reached:
        yield LeftOut("precision", say("lacks/interval"))
        return
    wanted: Fragment = Name("")
    reported = sources.ok("hot", "measured").filter(pl.col("stopping_effect_target").is_not_null())
    if reported["stopping_effect_target"].n_unique() == 1:
        target = sources.ledger.value("fairness/target", reported, "stopping_effect_target", Form(".2g", 0.01, "%"))
        wanted = say("target", target=target)
    yield Sentence("precision", say("precision", reached=listed(reached), wanted=wanted))


def judgement(sources: Sources) -> Written:
    """The rules by which an effect is called different or none."""
    if not any(one.judgements for one in sources.findings.evidence):
        yield LeftOut("judgement", say("lacks/interval"))
        return
    alpha = sources.ledger.constant("alpha", ALPHA, "level of every test", PERCENT)
    margin = sources.ledger.constant("margin", DEFAULT_MARGIN, MARGIN, Form("g", 0.01, "%"))
    yield Sentence("judgement", say("judgement", alpha=alpha, margin=margin))


def warm_up_classes(sources: Sources) -> Written:
    """How hot trials warmed up, and in how many the time never became steady."""
    reported = sources.ok("hot", "measured").filter(pl.col("warm_up_classification").is_not_null())
    if reported.is_empty():
        yield LeftOut("warm_up_classes", say("lacks/warm_up"))
        return
    classes = []
    for name in WARM_UPS:
        part = reported.filter(pl.col("warm_up_classification") == name)
        if not part.is_empty():
            count = sources.ledger.count(f"fairness/warm_up/{name}", part)
            classes.append(say(f"warm_up/{name}", count=count))
    trials = sources.ledger.count("fairness/warm_up/trials", reported)
    yield Sentence("warm_up_classes", say("warm_up_classes", trials=trials, classes=listed(classes)))


def checked_is_timed(sources: Sources) -> Written:
    """In how many hot trials the executable that was checked is the one that was timed."""
    reported = sources.ok("hot", "measured").filter(
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
        others = say("timed_other", count=sources.ledger.excluded("fairness/timed_other", other, TIMED_OTHER))
    yield Sentence(
        "checked_is_timed",
        say(
            "checked_is_timed",
            same=sources.ledger.count("fairness/checked_is_timed", same),
            trials=sources.ledger.count("fairness/with_digests", reported),
            others=others,
        ),
    )


def cache_misses(sources: Sources) -> Written:
    """What a cache miss is, how many there are, and whether they are as expected."""
    cold = sources.ok("cold", "measured").filter(pl.col(MISSES).is_not_null())
    if cold.is_empty():
        yield LeftOut("cache_misses", say("lacks/misses"))
        return
    medians: list[Fragment] = []
    if "knob_partition" in cold.columns:
        for unit in sources.estimates.units.values():
            part = unit.ok.get("cold", cold.clear()).filter(
                pl.col(MISSES).is_not_null() & pl.col("knob_partition").is_not_null()
            )
            for (level,), held in sorted(part.partition_by("knob_partition", as_dict=True).items()):
                key = f"fairness/cache_misses/{unit.key}/{key_part(level)}"
                misses = sources.ledger.median(key, held, MISSES, GENERAL)
                medians.append(say("misses_at", place=sources.place(unit), misses=misses, level=str(level)))
    expected = cold.filter(pl.col("expected_cache_misses").is_not_null())
    agreed: Fragment = Name("")
    if not expected.is_empty():
        same = expected.filter(pl.col(MISSES) == pl.col("expected_cache_misses"))
        agreed = say(
            "misses_expected",
            same=sources.ledger.count("fairness/misses_expected", same),
            trials=sources.ledger.count("fairness/misses_told", expected),
        )
    named = say("misses_median", medians=listed(medians)) if medians else Name("")
    yield Sentence("cache_misses", say("cache_misses", medians=named, agreed=agreed))


def threads_in_force(sources: Sources) -> Written:
    """How many threads each library had, as read back."""
    held = []
    for column in [name for name in sources.trials.columns if name.startswith("threads_")]:
        library = column.removeprefix("threads_")
        reported = sources.trials.filter(pl.col(column).is_not_null())
        numbers = [
            sources.ledger.value(f"fairness/threads/{key_part(library)}/{value}", part, column, WHOLE)
            for (value,), part in sorted(reported.partition_by(column, as_dict=True).items())
        ]
        if numbers:
            held.append(say("threads_of", library=library, threads=listed(numbers)))
    if not held:
        yield LeftOut("threads_in_force", say("lacks/threads"))
        return
    yield Sentence("threads_in_force", say("threads_in_force", threads=listed(held, "clauses")))


def _span(sources: Sources, key: str, numbers: Sequence[Number]) -> Fragment:
    """Return the smallest and the largest of numbers; one number if they are equal."""
    least = sources.ledger.minimum_of(f"{key}/least", numbers)
    most = sources.ledger.greatest_of(f"{key}/most", numbers)
    return least if least.value == most.value else say("from_to", least=least, most=most)


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
    threads_in_force,
)
