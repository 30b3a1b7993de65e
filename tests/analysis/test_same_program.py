"""A knob that is the same program in part of its pairs is averaged over the others; in all of them, it is a no-op."""

import math

import pytest

from ablatrix.analysis.effects.evidence import Evidence, Question, gather
from ablatrix.records.part import Level
from tests.synthetic import make_records, tidied


def acts_when_whole(levels: dict[str, Level]) -> dict[str, Level]:
    return levels if levels["partition"] == "whole" else levels | {"fusion": "off"}


def never_acts(levels: dict[str, Level]) -> dict[str, Level]:
    return levels | {"fusion": "off"}


def evidence_of(built_as: object, workloads: tuple[str, ...] = ("encoder",), noise: float = 0.0) -> Evidence:
    records = make_records(workloads=workloads, modes=["hot"], blocks=5, noise=noise, built_as=built_as)  # type: ignore[arg-type]
    (found,) = gather(tidied(records), Question(metrics=("run_ms_p50",)))
    return found


def test_effect_of_knob_that_acts_in_part_is_mean_over_those_pairs() -> None:
    """Fusion takes 0.6 of the time in the 4 pairs with partition=whole, and is the same program in the 4 others."""
    effects = {one.knob: one for one in evidence_of(acts_when_whole).effects if one.kind == "main"}
    fusion = effects["fusion"]
    assert (fusion.pairs, fusion.pairs_same, fusion.pairs_acting, fusion.is_no_op) == (4, 4, (4, 8), False)
    assert fusion.ratio is not None
    assert fusion.ratio.value == pytest.approx(0.6)
    assert {one["partition"] for pair in fusion.same_program for one in pair} == {"regions"}
    assert effects["reuse"].pairs_acting[1] == 8


def test_effect_of_knob_that_never_acts_is_no_op_without_verdict_on_speed() -> None:
    evidence = evidence_of(never_acts, noise=0.01)
    found = {
        one.knob: (one, judgement)
        for one, judgement in zip(evidence.effects, evidence.judgements, strict=True)
        if one.kind == "main"
    }
    fusion, judgement = found["fusion"]
    assert judgement is not None
    assert (fusion.is_no_op, fusion.pairs_acting, judgement.verdict, judgement.p_holm) == (True, (0, 8), "no-op", None)


def test_mean_over_workloads_is_over_those_where_the_knob_acts() -> None:
    records = [
        *make_records(workloads=["attention"], modes=["hot"], blocks=4, noise=0.0, built_as=never_acts),
        *make_records(workloads=["encoder", "resnet"], modes=["hot"], blocks=4, noise=0.0),
    ]
    digest = records[0].study_digest
    (evidence,) = gather(
        tidied(one.model_copy(update={"study_digest": digest}) for one in records), Question(metrics=("run_ms_p50",))
    )
    (mean,) = [one for one in evidence.means if (one.kind, one.knob) == ("main", "fusion")]
    assert mean.workloads == ("encoder", "resnet")
    assert set(mean.missing) == {"attention"}
    assert mean.ratio is not None
    assert math.log(mean.ratio.value) == pytest.approx(math.log(0.6))
