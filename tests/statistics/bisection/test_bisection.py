"""Which commit brought a trouble: beliefs against plainly computed likelihoods, and searches that end right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.bisection import Belief, Suspects, Votes, decide, failing_belief, slower_belief
from ablatrix.statistics.bisection.belief import find_suspects
from ablatrix.statistics.bisection.slower import LAYOUT_SCALE, STEP_SCALE

LOGS = st.floats(-0.05, 0.05).map(lambda value: round(value, 4))
COMMITS = 5
LEAST = 0.01
SOME = np.array([(noise, layout) for noise in (0.004, 0.02) for layout in (0.002, 0.005, 0.02)])
MEASURED = st.dictionaries(st.integers(1, COMMITS), st.lists(LOGS, min_size=1, max_size=3), max_size=3)


def plainly(values: dict[int, list[float]]) -> list[float]:
    """The same model, value by value: a multivariate normal density for each culprit, pair of spreads, and step."""
    order = [(commit, value) for commit, held in sorted(values.items()) for value in held]
    logs = []
    for culprit in range(1, COMMITS + 2):
        has = np.array([commit >= culprit for commit, _ in order], float)
        same = np.array([[one == other for other, _ in order] for one, _ in order], float)
        steps = LEAST + (np.arange(1200) + 0.5) * 5e-4 if has.any() else np.zeros(1)
        log_steps = stats.norm.logpdf(steps, 0.0, STEP_SCALE) if has.any() else np.zeros(1)
        log_steps -= np.logaddexp.reduce(log_steps)
        densities = []
        for noise, layout in SOME:
            covariance = noise**2 * np.eye(len(order)) + layout**2 * same + layout**2
            shifted = np.array([value for _, value in order]) - steps[:, np.newaxis] * has
            density = stats.multivariate_normal.logpdf(shifted, None, covariance) if order else np.zeros(1)
            weight = stats.halfcauchy.pdf(layout, scale=LAYOUT_SCALE) * layout
            densities.append(np.logaddexp.reduce(np.atleast_1d(density) + log_steps) + math.log(weight))
        logs.append(np.logaddexp.reduce(densities))
    priors = np.append(np.full(COMMITS, 0.95 / COMMITS), 0.05)
    weights = priors * np.exp(np.array(logs) - max(logs))
    return [float(value) for value in weights / weights.sum()]


@settings(max_examples=5)
@given(MEASURED)
def test_belief_of_slow_down_is_that_of_plain_densities(values: dict[int, list[float]]) -> None:
    with pytest.MonkeyPatch.context() as patched:  # fewer pairs, none so narrow that a sum over steps misses its peak
        patched.setattr("ablatrix.statistics.bisection.slower.SPREADS", SOME)
        found = slower_belief(values, COMMITS, 2, LEAST).culprits
    assert found == pytest.approx(plainly(values), abs=2e-3)


@given(MEASURED)
def test_gain_is_at_most_entropy_of_being_behind(values: dict[int, list[float]]) -> None:
    belief = slower_belief(values, COMMITS, 2, LEAST)
    behind = np.clip(np.cumsum(belief.culprits[:-1]), 1e-300, 1 - 1e-16)
    entropy = -(behind * np.log2(behind) + (1 - behind) * np.log2(1 - behind))
    assert (belief.gains >= 0).all()
    assert (belief.gains <= entropy + 1e-9).all()


def test_clear_values_name_culprit() -> None:
    belief = slower_belief({8: [0.030, 0.031], 4: [0.001, 0.0], 6: [0.030, 0.029], 5: [-0.001, 0.0]}, 8, 2, LEAST)
    assert int(np.argmax(belief.culprits)) + 1 == 6
    assert belief.culprits[5] > 0.95
    assert belief.none < 0.01


def test_equal_values_leave_no_culprit() -> None:
    belief = slower_belief({8: [0.0001, -0.0002, 0.0001, 0.0], 4: [0.0, 0.0002], 2: [0.0001, -0.0001]}, 8, 2, LEAST)
    assert belief.none > 0.8


def test_second_look_at_commit_tells_less_than_neighbour_where_layouts_scatter() -> None:
    values = {16: [0.03, 0.031] * 4, 2: [0.012, 0.0121] * 4, 8: [0.018, 0.0181] * 4, 14: [0.021, 0.0211] * 4}
    belief = slower_belief(values, 16, 2, LEAST)
    assert belief.gains[8 - 1] < belief.gains[9 - 1]


def test_first_look_is_at_bad_commit() -> None:
    found = decide(slower_belief({}, 8, 2, LEAST), (), (), [1.0] * 8, 0.95)
    assert (found.state, found.commit) == ("look", 8)


def test_second_look_is_in_the_middle() -> None:
    found = decide(slower_belief({8: [0.03, 0.031, 0.03]}, 8, 2, LEAST), (8,), (), [1.0] * 8, 0.95)
    assert found.state == "look"
    assert found.commit in (4, 5)


def test_dear_build_gives_way_to_neighbour_that_is_there() -> None:
    costs = [100.0, 100.0, 100.0, 100.0, 1.0, 100.0, 100.0, 1.0]
    found = decide(slower_belief({8: [0.03, 0.031, 0.03]}, 8, 2, LEAST), (8,), (), costs, 0.95)
    assert found.commit == 5


@pytest.mark.parametrize(
    ("skipped", "expected"),
    [
        ((), Suspects(3, 3, 0.96)),
        ((3,), Suspects(3, 4, 0.97)),
        ((2,), Suspects(2, 3, 0.97)),
        ((2, 3), Suspects(2, 4, 0.98)),
    ],
)
def test_skipped_commits_are_named_with_next_one(skipped: tuple[int, ...], expected: Suspects) -> None:
    found = find_suspects(np.array([0.005, 0.01, 0.96, 0.01, 0.005, 0.01]), skipped, 0.95)
    assert (found.first, found.last) == (expected.first, expected.last)
    assert found.probability == pytest.approx(expected.probability)


def test_confidence_that_is_spread_names_range() -> None:
    found = find_suspects(np.array([0.02, 0.5, 0.46, 0.02, 0.0]), (), 0.95)
    assert (found.first, found.last) == (2, 3)
    assert found.probability == pytest.approx(0.96)


def test_search_without_gain_is_stalled() -> None:
    belief = Belief(np.array([0.5, 0.45, 0.05]), np.array([0.001, 0.0]))
    assert decide(belief, (1, 2), (), [1.0, 1.0], 0.95).state == "stalled"


def test_suspects_that_no_look_can_part_are_found() -> None:
    belief = Belief(np.array([0.5, 0.49, 0.01]), np.array([1.0, 0.0]))
    found = decide(belief, (2,), (1,), [1.0, 1.0], 0.95)
    assert (found.state, found.suspects) == ("found", Suspects(1, 2, 0.99))


def test_failure_that_always_shows_is_found_by_halves() -> None:
    votes: dict[int, Votes] = {}
    looks = 0
    while (found := decide(failing_belief(votes, 64), votes, (), [1.0] * 64, 0.95)).commit is not None:
        before = votes.get(found.commit, Votes())
        has = found.commit >= 23
        votes[found.commit] = Votes(before.shown + has, before.not_shown + (not has))
        looks += 1
    assert (found.state, found.suspects.first, found.suspects.last) == ("found", 23, 23)
    assert looks <= 16


def test_bad_commit_without_failure_is_no_trouble() -> None:
    found = decide(failing_belief({4: Votes(0, 40)}, 4), (4,), (), [1.0] * 4, 0.95)
    assert found.state == "no_trouble"


@given(st.dictionaries(st.integers(0, 6), st.builds(Votes, st.integers(0, 4), st.integers(0, 4))))
def test_belief_of_failure_is_bayes_rule(votes: dict[int, Votes]) -> None:
    def marginal(held: list[Votes], before: tuple[float, float]) -> float:
        shown, missed = sum(one.shown for one in held), sum(one.not_shown for one in held)
        log = (
            math.lgamma(before[0] + shown) + math.lgamma(before[1] + missed) - math.lgamma(sum(before) + shown + missed)
        )
        return log - math.lgamma(before[0]) - math.lgamma(before[1]) + math.lgamma(sum(before))

    weights = []
    for culprit in range(1, 8):
        left = [held for commit, held in votes.items() if commit < culprit]
        right = [held for commit, held in votes.items() if commit >= culprit]
        log = marginal(left, (0.1, 9.9)) + marginal(right, (2.0, 1.0))
        weights.append((0.05 if culprit == 7 else 0.95 / 6) * math.exp(log))
    expected = [one / sum(weights) for one in weights]
    assert failing_belief(votes, 6).culprits == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({0: [0.1]}, "not on the line"),
        ({9: [0.1]}, "not on the line"),
        ({1: []}, "at least one"),
        ({1: [math.nan]}, "finite"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[int, list[float]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        slower_belief(values, 8, 2, LEAST)
