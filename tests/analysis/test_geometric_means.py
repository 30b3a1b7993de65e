"""Means over workloads say who is in them and who is not."""

import math

import pytest

from ablatrix.analysis.effects.estimates import attribution, effects_of_levels
from ablatrix.analysis.effects.geometric_means import GeometricMean, mean_effects
from ablatrix.analysis.effects.grid import factorial_grids
from ablatrix.analysis.reasons.wording import text_of
from tests.analysis.made import table
from tests.synthetic import HOT_EFFECT, Plant, make_records

PLANT = Plant("crashed", "encoder", "hot", {"fusion": "on", "reuse": "keep"})


def means(**arguments: object) -> dict[str, GeometricMean]:
    settings: dict[str, object] = {"modes": ["hot"], "workloads": ["attention", "encoder", "resnet"], **arguments}
    trials = table(make_records(**settings))  # type: ignore[arg-type]
    effects = [
        effect
        for grid in factorial_grids(trials, "run_ms_p50", "hot")
        for effect in (*effects_of_levels(grid), *attribution(grid))
    ]
    return {f"{mean.kind} {mean.knob} {mean.other}": mean for mean in mean_effects(effects)}


def test_geometric_mean_is_over_workloads_that_have_the_effect() -> None:
    found = means(noise=0.0)
    mean = found["shapley fusion None"]
    assert (mean.workloads, dict(mean.missing)) == (("attention", "encoder", "resnet"), {})
    assert mean.ratio is not None
    assert mean.ratio.value == pytest.approx(HOT_EFFECT["fusion"])
    total = found["total None None"].ratio
    assert total is not None
    assert total.value == pytest.approx(math.prod(HOT_EFFECT.values()))


def test_geometric_mean_names_omitted_workload_with_reason() -> None:
    mean = means(plants=[PLANT])["shapley fusion None"]
    assert mean.workloads == ("attention", "resnet")
    assert list(mean.missing) == ["encoder"]
    assert text_of(mean.missing["encoder"]).startswith("crashed in 2 of 2 blocks: fusion=on")


def test_geometric_mean_of_effect_in_no_workload_is_none() -> None:
    mean = means(
        workloads=["encoder", "attention"], plants=[PLANT, Plant("timeout", "attention", "hot", {"fusion": "on"})]
    )
    lost = mean["main fusion None"]
    assert (lost.ratio is None, lost.workloads, set(lost.missing)) == (False, ("encoder",), {"attention"})
    lost = mean["shapley fusion None"]
    assert (lost.ratio, lost.exact, lost.workloads) == (None, False, ())


def test_geometric_mean_over_one_workload_is_none() -> None:
    assert means(workloads=["encoder"]) == {}
