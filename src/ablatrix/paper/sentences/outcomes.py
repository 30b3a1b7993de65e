"""How many trials there are, of which kinds, and how they ended."""

from collections.abc import Mapping, Sequence

import polars as pl

from ablatrix.analysis.table import IS_FAILURE, IS_NOT_RUN, SUPERSEDED, has_status
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import Number
from ablatrix.paper.sentences.said import counted
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.provenance.rows import ROW
from ablatrix.records.status import FAILURES, NOT_RUN, Status


def trials_and_outcomes(sources: Sources) -> Written:
    """How many trials there are, and how they ended."""
    ledger, trials = sources.ledger, sources.trials.select(ROW, "status")
    whole = ledger.count("fairness/trials", trials)
    failed = ledger.count("fairness/failed", trials.filter(IS_FAILURE))
    by_status = {str(status): part for (status,), part in trials.partition_by("status", as_dict=True).items()}
    if by_status.keys() == {Status.OK.value}:
        said = say("trials_all_ok", trials=whole, kinds=_kinds(sources, whole), replaced=_replaced(sources))
        yield Sentence("trials_and_outcomes", said)
        return
    ok, unsupported = (by_status.get(status, trials.clear()) for status in (Status.OK, Status.UNSUPPORTED))
    outcomes: list[Fragment] = [say("outcome/ok", count=ledger.count("fairness/ok", ok))]
    if failed.value:
        outcomes.append(say("outcome/failed", count=failed, kinds=_endings(sources, by_status, FAILURES)))
    if unsupported.height:
        outcomes.append(_unsupported(sources, ledger.count("fairness/unsupported", unsupported)))
    not_run = ledger.count("fairness/not_run", trials.filter(IS_NOT_RUN))
    if not_run.value:
        outcomes.append(say("outcome/not_run", count=not_run, kinds=_endings(sources, by_status, NOT_RUN)))
    processes = say("processes/some" if not_run.value else "processes")
    slots: dict[str, Fragment] = {"outcomes": listed(outcomes, "parallel"), "processes": processes}
    slots["kinds"] = _kinds(sources, whole)
    slots["replaced"] = _replaced(sources)
    yield Sentence("trials_and_outcomes", say("trials_and_outcomes", trials=whole, **slots))


def _replaced(sources: Sources) -> Fragment:
    """Return how many attempts a later one replaced; nothing without any."""
    count = sources.findings.found.excluded.get(SUPERSEDED, 0)
    return counted("replaced", sources.ledger.excluded("fairness/replaced", count, SUPERSEDED)) if count else Name("")


def _endings(sources: Sources, by_status: Mapping[str, pl.DataFrame], statuses: Sequence[str]) -> Fragment:
    """Return in which of some ways trials ended, and how many in each where there are several."""
    counts = {
        status: sources.ledger.count(f"fairness/status/{status}", by_status[status])
        for status in statuses
        if status in by_status
    }
    if len(counts) == 1:
        return say(f"status/{next(iter(counts))}")
    return listed(
        (say("of_status", status=say(f"status/{one}"), count=count) for one, count in counts.items()), "items"
    )


def _kinds(sources: Sources, whole: Number) -> Fragment:
    """Return how many trials are of configurations, of eager, and of copies of the baseline; nothing of one kind.

    Other sentences count some of them: with these numbers every count can be reconstructed.
    """
    role, mode = pl.col("role"), pl.col("mode")
    kinds = {
        "cold": (role == "measured") & (mode == "cold"),
        "hot": (role == "measured") & (mode == "hot"),
        "reference": role == "reference",
        "twin": role == "twin",
    }
    counts = {name: sources.ledger.count(f"fairness/trials/{name}", sources.part(kind)) for name, kind in kinds.items()}
    held = [name for name, count in counts.items() if count.value]
    if len(held) < 2 or sum(count.value for count in counts.values()) != whole.value:
        return Name("")
    items: list[Fragment] = []
    if counts["cold"].value and counts["hot"].value:
        items.append(say("kind/both", cold=counts["cold"], hot=counts["hot"]))
    else:
        items += [say(f"kind/{name}", count=counts[name]) for name in ("cold", "hot") if name in held]
    if "reference" in held:
        items.append(say("kind/reference", count=counts["reference"], eager=sources.eager()))
    if "twin" in held:
        items.append(say("kind/twin", count=counts["twin"]))
    return say("trials/kinds", kinds=listed(items, "parallel"))


def _unsupported(sources: Sources, count: Number) -> Fragment:
    """Return how many trials were not supported; with the settings, where each compiler lacks a single one."""
    found: dict[tuple[str, str], list[str]] = {}
    for compiler in sources.estimates.compilers:
        lacking = _lacking(sources, compiler)
        if lacking is None:
            return say("outcome/unsupported", count=count)
        for one in lacking:
            found.setdefault(one, []).append(compiler)
    items = []
    for (knob, level), compilers in found.items():
        slots: dict[str, Fragment] = {"knob": sources.knob(knob), "level": sources.level(knob, level)}
        items.append(say("unsupported/at", compilers=listed(map(sources.compiler, compilers)), **slots))
    return say("outcome/unsupported/at", count=count, settings=listed(items, "clauses"))


def _lacking(sources: Sources, compiler: str) -> list[tuple[str, str]] | None:
    """Return the level that all unsupported trials of a compiler have and no other one; None if that is not one."""
    knobs = [name for name in sources.trials.columns if name.startswith("knob_")]
    own = sources.part((pl.col("compiler") == compiler) & (pl.col("role") == "measured"), "status", *knobs)
    failed = own.filter(has_status(Status.UNSUPPORTED))
    if failed.is_empty():
        return []
    others = own.filter(~has_status(Status.UNSUPPORTED))
    held = [
        (name.removeprefix("knob_"), str(failed[name][0]))
        for name in knobs
        if failed[name].null_count() == 0 and failed[name].n_unique() == 1 and not others.is_empty()
        if failed[name][0] not in others[name].drop_nulls().to_list()
    ]
    return held if len(held) == 1 else None
