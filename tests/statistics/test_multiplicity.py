"""Adjusted p-values: examples by hand, and their laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.multiplicity import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_adjustment_is_strongest_for_smallest_p_and_stays_monotone() -> None:
    # Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.04 * 1 = 0.04, which the one before raises to 0.06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == [pytest.approx(p) for p in (0.06, 0.04, 0.06, 0.06)]
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(P_VALUES)
def test_adjusted_p_is_between_plain_and_bonferroni_and_keeps_rank(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for plain, new in zip(p_values, adjusted, strict=True):
        assert plain <= new <= min(1.0, len(p_values) * plain)
    by_rank = [new for _, new in sorted(zip(p_values, adjusted, strict=True))]
    assert by_rank == sorted(by_rank)


@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.3]))
def test_adjusted_p_is_significant_where_stepwise_procedure_rejects(p_values: list[float], alpha: float) -> None:
    refused = []
    for rank, (p_value, place) in enumerate(sorted((p, place) for place, p in enumerate(p_values))):
        if (len(p_values) - rank) * p_value > alpha:
            break
        refused.append(place)
    assert [place for place, p in enumerate(holm(p_values)) if p <= alpha] == sorted(refused)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_adjustment_of_non_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, wrong])
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.5, wrong])


def test_false_discovery_adjustment_divides_by_rank_and_stays_monotone() -> None:
    # Sorted: 0.01 * 4 / 1, 0.02 * 4 / 2 = 0.04 below it, 0.03 * 4 / 3 = 0.04, 0.9.
    assert benjamini_hochberg([0.9, 0.01, 0.03, 0.02]) == [pytest.approx(p) for p in (0.9, 0.04, 0.04, 0.04)]
    assert benjamini_hochberg([]) == []


@given(P_VALUES)
def test_false_discovery_adjustment_is_that_of_scipy(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values).tolist())
