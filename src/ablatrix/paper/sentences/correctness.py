"""Correctness: how much was compared, what was missing, and how far outputs lie from the oracle."""

import polars as pl

from ablatrix.analysis.table import IS_OK, has_status
from ablatrix.paper.fragment import Fragment, Name, say
from ablatrix.paper.number import GENERAL, WHOLE, Form
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.records.status import Status

THREE = Form(".3g")


def comparisons(sources: Sources) -> Written:
    """How many outputs were compared, how many were missing, and what was wrong."""
    ledger = sources.ledger
    checked = sources.trials.filter(pl.col("checked").is_not_null())
    if checked.is_empty():
        yield LeftOut("comparisons", say("lacks/check"))
        return
    drawn = checked.filter(pl.col("draws").is_not_null())
    draws: Fragment = Name("")
    if not drawn.is_empty():
        least = ledger.least("correctness/draws/least", drawn, "draws", WHOLE)
        most = ledger.greatest("correctness/draws/most", drawn, "draws", WHOLE)
        count = least if least.value == most.value else say("from_to", least=least, most=most)
        draws = say("draws", draws=count)
    yield Sentence(
        "comparisons",
        say(
            "comparisons",
            draws=draws,
            comparisons=ledger.sum("correctness/comparisons", checked, "checked"),
            trials=ledger.count("correctness/trials", checked),
            missing=ledger.sum("correctness/missing", checked, "missing"),
            wrong=ledger.count("correctness/wrong", checked.filter(has_status(Status.WRONG_OUTPUT))),
            nonfinite=ledger.sum("correctness/nonfinite", checked, "nonfinite"),
            unchecked=ledger.count(
                "correctness/unchecked", sources.ok(None, "measured").filter(pl.col("checked").is_null())
            ),
        ),
    )


def worst_differences(sources: Sources) -> Written:
    """The worst differences from the oracle, over all trials that are ok and over all that were compared."""
    told = sources.trials.filter(pl.col("max_abs_diff").is_not_null() & pl.col("max_rel_diff").is_not_null())
    ok = told.filter(IS_OK)
    if ok.is_empty():
        yield LeftOut("worst_differences", say("lacks/differences"))
        return
    others: Fragment = Name("")
    if told.height > ok.height:
        others = say("worst_with_others", worst=_worst(sources, "compared", told))
    yield Sentence("worst_differences", say("worst_differences", worst=_worst(sources, "ok", ok), others=others))


def tolerance(sources: Sources) -> Written:
    """How far ok outputs are off, in units of what eager single precision is off, and how far they may be."""
    ratios = sources.ok(None, "measured").filter(pl.col("rms_ratio").is_not_null())
    if ratios.is_empty():
        yield LeftOut("tolerance", say("lacks/rms"))
        return
    limit: Fragment = Name("")
    if ratios["rms_factor"].null_count() == 0 and ratios["rms_factor"].n_unique() == 1:
        limit = say("rms_limit", factor=sources.ledger.value("correctness/rms_factor", ratios, "rms_factor", GENERAL))
    most = sources.ledger.greatest("correctness/rms_ratio", ratios, "rms_ratio", THREE)
    yield Sentence("tolerance", say("tolerance", ratio=most, limit=limit))


def _worst(sources: Sources, which: str, part: pl.DataFrame) -> Fragment:
    key = f"correctness/worst/{which}"
    absolute = sources.ledger.greatest(f"{key}/absolute", part, "max_abs_diff")
    relative = sources.ledger.greatest(f"{key}/relative", part, "max_rel_diff")
    return say("worst", absolute=absolute, relative=relative)


CORRECTNESS: tuple[Writes, ...] = (comparisons, worst_differences, tolerance)
