"""How far hosts differ, whether it is more than noise, and which of them do; and that intervals over hosts cover."""

import math
import random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.hosts import disagreeing_hosts, same_value_p, spread_over_hosts
from ablatrix.statistics.ratio import nested_mean_estimate, paired_ratio

LIKE = [[0.10, 0.12, 0.11, 0.09], [0.11, 0.10, 0.13, 0.10], [0.12, 0.09, 0.10, 0.11]]
ODD = [0.31, 0.30, 0.33, 0.29]
HOSTS = st.lists(
    st.lists(st.floats(-1.0, 1.0).map(lambda x: round(x, 6)), min_size=2, max_size=6), min_size=2, max_size=6
)


def test_spread_of_two_hosts_is_the_moment_estimate() -> None:
    """Means 0 and 1 have variance 1/2; squared errors are 0.02 / 2 and 0.08 / 2, their mean 0.025; tau^2 = 0.475."""
    found = spread_over_hosts([[-0.1, 0.1], [0.8, 1.2]])
    assert found.tau == pytest.approx(math.sqrt(0.475))
    assert [(one.mean, one.blocks) for one in found.hosts] == [(0.0, 2), (1.0, 2)]
    assert [one.error for one in found.hosts] == pytest.approx([0.1, 0.2])


def test_spread_of_host_with_one_block_takes_the_noise_of_others() -> None:
    """Variance of means 1/2; the first host's squared error 0.01, the second's that of one block, 0.02: 0.5 - 0.015."""
    assert spread_over_hosts([[-0.1, 0.1], [1.0]]).tau == pytest.approx(math.sqrt(0.485))


@pytest.mark.parametrize(
    ("groups", "tau", "p_value"),
    [
        ([[0.1, 0.2]], None, None),
        ([[0.1], [0.2]], None, None),
        ([[0.1, 0.1], [0.1, 0.1]], 0.0, 1.0),
        ([[0.1, 0.1], [0.3, 0.3]], math.sqrt(0.02), None),
    ],
)
def test_spread_at_its_edges(groups: list[list[float]], tau: float | None, p_value: float | None) -> None:
    found = spread_over_hosts(groups)
    assert found.tau == (None if tau is None else pytest.approx(tau))
    assert found.p_value == p_value


def test_same_value_is_the_larger_p_of_scipys_two_tests() -> None:
    groups = [[0.1, 0.3, 0.2, 0.25], [0.4, 0.1, 0.35, 0.5], [0.15, 0.6, 0.45]]
    both = stats.alexandergovern(*groups).pvalue, stats.f_oneway(*groups).pvalue
    assert same_value_p(groups) == pytest.approx(max(both), rel=1e-9)
    assert same_value_p([*groups, [9.9]]) == same_value_p(groups)  # one block says nothing of its host's noise


@given(HOSTS, st.integers(0, 1000))
def test_spread_ignores_order_and_shift(groups: list[list[float]], seed: int) -> None:
    mixed = [list(group) for group in groups]
    random.Random(seed).shuffle(mixed)
    for group in mixed:
        random.Random(seed).shuffle(group)
    one, other = spread_over_hosts(groups), spread_over_hosts([[x + 0.5 for x in group] for group in mixed])
    assert (one.tau is None) == (other.tau is None)
    if one.tau is not None and other.tau is not None:
        assert other.tau == pytest.approx(one.tau, abs=1e-7)
    if one.p_value is not None and other.p_value is not None and min(map(np.std, groups)) > 1e-6:
        assert other.p_value == pytest.approx(one.p_value, abs=1e-6)


@given(HOSTS)
def test_disagreeing_hosts_are_hosts_and_none_where_they_agree(groups: list[list[float]]) -> None:
    odd = disagreeing_hosts(groups)
    assert set(odd) <= set(range(len(groups)))
    p_value = same_value_p(groups)
    assert bool(odd) == (p_value is None or p_value <= 0.05)


def test_disagreeing_host_is_named_alone() -> None:
    assert disagreeing_hosts([LIKE[0], ODD, *LIKE[1:]]) == (1,)
    assert disagreeing_hosts(LIKE) == ()


def test_disagreeing_hosts_without_a_majority_are_all_named() -> None:
    assert disagreeing_hosts([LIKE[0], ODD]) == (0, 1)
    further = [x + 0.2 for x in ODD]
    assert disagreeing_hosts([LIKE[0], ODD, further]) == (0, 1, 2)


def test_mean_over_workloads_of_shared_hosts_is_taken_on_each_host() -> None:
    """Hosts 0.1, 0.3 and 0.2, 0.4: means 0.15 and 0.35 by host. Independent groups would have a smaller error."""
    shared = nested_mean_estimate([[[0.1, 0.3]], [[0.2, 0.4]]], shared=True)
    assert shared.mean == pytest.approx(0.25)
    assert shared.error == pytest.approx(0.1)
    assert shared.freedom == 1
    alone = nested_mean_estimate([[[0.1, 0.3]], [[0.2, 0.4]]])
    assert alone.error is not None
    assert alone.error < 0.1


@pytest.mark.parametrize("hosts", [2, 4, 8, 16])
@pytest.mark.parametrize("noisy", [1.0, 4.0])
@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_interval_over_hosts_covers_and_tests_keep_their_level(hosts: int, noisy: float, tau: float) -> None:
    """In 500 draws a rate of 5 % is below 8.5 % but for one time in 2,000; blocks pooled miss in up to half."""
    rng = np.random.default_rng(hosts)
    missed = false = 0
    for _ in range(500):
        values = rng.normal(0.0, 1.0, (hosts, 3)) * np.array([noisy, *[1.0] * (hosts - 1)])[:, np.newaxis]
        values += rng.normal(0.0, tau, (hosts, 1))
        ratio = paired_ratio([fmean(one) for one in values.tolist()])
        assert ratio.low is not None
        assert ratio.high is not None
        missed += not ratio.low <= 1.0 <= ratio.high
        p_value = same_value_p(values.tolist()) if tau == 0.0 else 1.0
        false += p_value is not None and p_value <= 0.05
    assert missed <= 42
    assert false <= 47
