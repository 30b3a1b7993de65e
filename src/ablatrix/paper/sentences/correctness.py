"""Correctness: how much was compared, what was missing, and how far outputs are from the oracle."""

import polars as pl

from ablatrix.analysis.table import IS_OK, has_status
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import GENERAL, WHOLE, Form, error_size, multiple
from ablatrix.paper.sentences.said import all_succeeded, counted
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.records.status import Status

RMS = (
    "rms_ratio",
    "rms_factor",
    "rms_floor",
    "worst_ratio",
    "allowed_over_eager",
    "tolerance_by",
    "workload",
    "workload_oracle",
)
DIFFERENCES = {"absolute": "max_abs_diff", "relative": "max_rel_diff"}
LARGE, SMALL = 1e-3, 1e-3
"""From which relative difference on a sentence says that its value is near zero, and below which value it is."""
OF_STUDY = pl.col("tolerance_by").is_null()


def comparisons(sources: Sources) -> Written:
    """How many outputs were compared, how many were missing, and what was wrong."""
    ledger = sources.ledger
    read = ("checked", "draws", "missing", "nonfinite", "ill_conditioned", "status", "workload", "workload_oracle")
    checked = sources.part(pl.col("checked").is_not_null(), *read)
    if checked.is_empty():
        yield LeftOut("comparisons", say("lacks/check"))
        return
    drawn = checked.filter(pl.col("draws").is_not_null())
    draws: Fragment = Name("")
    if not drawn.is_empty():
        least = ledger.least("correctness/draws/least", drawn, "draws", WHOLE)
        most = ledger.greatest("correctness/draws/most", drawn, "draws", WHOLE)
        draws = (
            counted("draws", least, "draws")
            if least.value == most.value
            else say("draws", draws=say("from_to", least=least, most=most))
        )
    said = say("comparisons", oracle=_oracle(checked), draws=draws, found=_found(sources, checked))
    yield Sentence("comparisons", said)


def _found(sources: Sources, checked: pl.DataFrame) -> Fragment:
    """Return how many comparisons there were, and what was wrong, if anything was."""
    ledger = sources.ledger
    slots: dict[str, Fragment] = {
        "comparisons": ledger.sum("correctness/comparisons", checked, "checked"),
        "trials": ledger.count("correctness/trials", checked),
    }
    faults = {
        "missing": ledger.sum("correctness/missing", checked, "missing"),
        "wrong": ledger.count("correctness/wrong", checked.filter(has_status(Status.WRONG_OUTPUT))),
        "nonfinite": ledger.sum("correctness/nonfinite", checked, "nonfinite"),
        "unchecked": ledger.count("correctness/unchecked", sources.part(IS_OK & pl.col("checked").is_null())),
    }
    named = [counted(f"fault/{name}", count) for name, count in faults.items() if count.value]
    if named:
        is_left_out = bool(faults["missing"].value or faults["wrong"].value)
        excluded = say("faults_excluded") if is_left_out else Name("")
        return say("comparisons/faults", faults=listed(named, "parallel"), excluded=excluded, **slots)
    are_all_judged = not checked["ill_conditioned"].fill_null(0).sum()
    passed = "comparisons/none/all" if all_succeeded(sources) else "comparisons/none"
    return say(passed if are_all_judged else "comparisons/judged", **slots)


def worst_differences(sources: Sources) -> Written:
    """The worst differences from the oracle, over all trials that are ok and over all that were compared."""
    both = ("max_abs_diff", "max_rel_diff")
    compared = sources.part(pl.all_horizontal(pl.col(*both).is_not_null()), "status", *both)
    ok = compared.filter(IS_OK)
    if ok.is_empty():
        yield LeftOut("worst_differences", say("lacks/differences"))
        return
    others: Fragment = Name("")
    if compared.height > ok.height:
        others = say("worst_with_others", worst=_worst(sources, "compared", compared))
    phrase = "worst_differences/all" if all_succeeded(sources) else "worst_differences"
    yield Sentence("worst_differences", say(phrase, worst=_worst(sources, "ok", ok), others=others))


def tolerance(sources: Sources) -> Written:
    """How far ok outputs are from the oracle in units of the tolerance, what that unit is, and what is allowed.

    The unit is the largest error of eager under other roundings (before 1.3 eager's own) plus a share of the expected
    values, so a ratio to it is smaller than the ratio to eager's error. Trials with a tolerance of their own are apart.
    """
    ratios = sources.ok(None, "measured", *RMS).filter(pl.col("rms_ratio").is_not_null() & OF_STUDY)
    if ratios.is_empty():
        yield LeftOut("tolerance", say("lacks/rms"))
        return
    ledger = sources.ledger
    rounded = ratios["worst_ratio"].null_count() < ratios.height
    eager = say("rms_unit/roundings" if rounded else "rms_unit/eager")
    unit: Fragment = say("rms_unit/floors", eager=eager)
    alone: Fragment = say("rms_not_eager")
    if ratios["rms_floor"].null_count() == 0 and ratios["rms_floor"].n_unique() == 1:
        floor = ledger.value("correctness/rms_floor", ratios, "rms_floor", GENERAL)
        unit = say("rms_unit/floor", eager=eager, floor=floor) if floor.value else eager
        alone = alone if floor.value else Name("")
    if rounded:
        worst = ledger.greatest("correctness/worst_ratio", ratios, "worst_ratio", _form(ratios, "worst_ratio"))
        alone = say("worst_element", worst=worst)
    single = _single_precision(ratios)
    estimated: Fragment = say("rms_estimated", workloads=listed(single)) if single else Name("")
    most = ledger.greatest("correctness/rms_ratio", ratios, "rms_ratio", _form(ratios, "rms_ratio"))
    phrase = "tolerance/all" if all_succeeded(sources) else "tolerance"
    yield Sentence(
        "tolerance", say(phrase, ratio=most, unit=unit, limit=_limit(sources, ratios), alone=alone, estimated=estimated)
    )


def own_tolerance(sources: Sources) -> Written:
    """How many trials have a tolerance that a knob promises, how large it is, and how far outputs are then off."""
    own = sources.ok(None, "measured", *RMS).filter(pl.col("rms_ratio").is_not_null() & ~OF_STUDY)
    if own.is_empty():
        return
    ledger = sources.ledger
    names = sorted(map(str, own["tolerance_by"].unique().to_list()))
    said = say(
        "own_tolerance",
        trials=ledger.count("correctness/own_tolerance/trials", own),
        knobs=listed(map(sources.knob, names)),
        factor=ledger.greatest("correctness/own_tolerance/factor", own, "rms_factor", GENERAL),
        ratio=ledger.greatest("correctness/own_tolerance/ratio", own, "rms_ratio", _form(own, "rms_ratio")),
    )
    yield Sentence("own_tolerance", said)


def unjudged(sources: Sources) -> Written:
    """How many outputs their type does not determine, and in how many eager itself is not what is expected."""
    counted = sources.part(pl.col("ill_conditioned").is_not_null(), "ill_conditioned", "eager_wrong")
    if counted.is_empty():
        return
    ill = sources.ledger.sum("correctness/ill_conditioned", counted, "ill_conditioned")
    eager = sources.ledger.sum("correctness/eager_wrong", counted, "eager_wrong")
    if ill.value and eager.value:
        yield Sentence("unjudged", say("unjudged", ill=ill, eager=eager))
    elif ill.value:
        yield Sentence("unjudged", say("unjudged/ill", ill=ill))
    elif eager.value:
        yield Sentence("unjudged", say("unjudged/eager", eager=eager))


def _limit(sources: Sources, ratios: pl.DataFrame) -> Fragment:
    """Return what is tolerated: how many times the reference, and how many times eager's own error that is at most."""
    slots: dict[str, Fragment] = {}
    if ratios["rms_factor"].null_count() == 0 and ratios["rms_factor"].n_unique() == 1:
        slots["factor"] = sources.ledger.value("correctness/rms_factor", ratios, "rms_factor", GENERAL)
    known = ratios.filter(pl.col("allowed_over_eager").is_not_null() & pl.col("worst_ratio").is_not_null())
    if not known.is_empty():
        form = _form(known, "allowed_over_eager")
        key = "correctness/allowed_over_eager"
        slots["most"] = sources.ledger.greatest(key, known, "allowed_over_eager", form)
    match sorted(slots):
        case ["factor", "most"]:
            return say("rms_limit/over_eager", **slots)
        case ["factor"]:
            return say("rms_limit", **slots)
        case ["most"]:
            return say("allowed_over_eager", **slots)
        case _:
            return Name("")


def _oracle(checked: pl.DataFrame) -> Fragment:
    """Return the precision of what outputs are compared with; records before 1.2 know double precision only."""
    single = _single_precision(checked)
    if not single:
        return say("oracle/double")
    if (checked["workload_oracle"] == "float32").fill_null(value=False).all():
        return say("oracle/single")
    return say("oracle/both", workloads=listed(single))


def _single_precision(part: pl.DataFrame) -> list[str]:
    """Return the workloads whose expected outputs were computed in single precision."""
    return sorted(map(str, part.filter(pl.col("workload_oracle") == "float32")["workload"].unique().to_list()))


def _form(part: pl.DataFrame, column: str) -> Form:
    return multiple(_largest(part, column))


def _largest(part: pl.DataFrame, column: str) -> float:
    return float(part[column].drop_nulls().max())  # type: ignore[arg-type]


def _worst(sources: Sources, which: str, part: pl.DataFrame) -> Fragment:
    key = f"correctness/worst/{which}"
    sizes = {name: _largest(part, column) for name, column in DIFFERENCES.items()}
    slots: dict[str, Fragment] = {
        name: sources.ledger.greatest(f"{key}/{name}", part, column, error_size(sizes[name]))
        for name, column in DIFFERENCES.items()
    }
    # No expected value with so large a relative difference is larger than this.
    is_near_zero = sizes["relative"] > LARGE and sizes["absolute"] / sizes["relative"] < SMALL
    return say("worst", near_zero=say("near_zero") if is_near_zero else Name(""), **slots)


CORRECTNESS: tuple[Writes, ...] = (comparisons, worst_differences, tolerance, own_tolerance, unjudged)
