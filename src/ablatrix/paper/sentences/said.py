"""Small parts of sentences that several writers share."""

from collections.abc import Sequence

from ablatrix.analysis.effects import DEFAULT_MARGIN
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.fragment import Fragment, Said, say
from ablatrix.paper.number import PERCENT, Form, Number
from ablatrix.paper.sentences.sentence import Sources

CONFIDENCE = "confidence of every interval"
EXPLAINED = frozenset({"planned_bytes", "physical_bytes_est", "generated_calls", "generated_kernels"})
"""Metrics that a paragraph explains where it first names them."""
MARGIN = "largest relative difference that counts as none"


def margin_of(sources: Sources) -> Number:
    """Return the largest difference that counts as none."""
    return sources.ledger.constant("margin", DEFAULT_MARGIN, MARGIN, Form("g", 0.01, "%"))


def confidence_of(sources: Sources) -> Number:
    """Return the confidence of every interval."""
    return sources.ledger.constant("confidence", 0.95, CONFIDENCE, PERCENT)


def counted(phrase: str, count: Number, slot: str = "count", **slots: Fragment) -> Said:
    """Return a phrase around a count: that of one where it is one."""
    return say(f"{phrase}/one" if count.value == 1 else phrase, **{slot: count}, **slots)


def explained(metric: str) -> Said:
    """Return what a metric is called, with what it is where its name does not say it."""
    return say(f"metric/{metric}/explained" if metric in EXPLAINED else f"metric/{metric}")


def scaled(number: Number) -> Fragment:
    """Return a large number with the letter of its unit, such as k."""
    return say("scaled", number=number, unit=number.form.unit) if number.form.unit else number


def span(sources: Sources, key: str, numbers: Sequence[Number]) -> Fragment:
    """Return the smallest and the largest of numbers: one number if they are equal, and neighbours as a choice."""
    least = sources.ledger.minimum_of(f"{key}/least", numbers)
    most = sources.ledger.greatest_of(f"{key}/most", numbers)
    if most.value - least.value == 1.0:
        return say("either", one=least, other=most)
    return least if least.value == most.value else say("from_to", least=least, most=most)


def block_counts(sources: Sources, mode: str) -> list[Number]:
    """Return how many blocks of a mode each workload and compiler has that has any."""
    return [
        sources.ledger.distinct(f"setup/blocks/{mode}/{unit.key}", unit.ok[mode], "run", "block_id")
        for unit in sources.estimates.units.values()
        if mode in unit.ok
    ]


def has_one_workload(sources: Sources) -> bool:
    """Return whether there is one workload, in one size: then no sentence tells workloads apart."""
    return len({(one.workload, one.digest) for one in sources.estimates.units.values()}) == 1


def many_units(sources: Sources, count: Number) -> Said:
    """Return so many workloads, compilers of the only workload, or combinations of both."""
    is_one = has_one_workload(sources)
    kind = "units" if len(sources.estimates.compilers) == 1 else "compilers" if is_one else "pairs"
    return say(f"many_{kind}", count=count)


def all_succeeded(sources: Sources) -> bool:
    """Return whether every trial succeeded: then no sentence speaks of successful ones."""
    return not sources.trials.select((~IS_OK).any()).item()
