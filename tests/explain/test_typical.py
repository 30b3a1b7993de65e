"""Speeds of blocks, and processes that differ from others of their configuration."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.explain.typical import fit_blocks

CONFIGURATIONS = (0, 0, 0, 1, 1)
BLOCK = (8.0, 8.0, 8.0, 6.0, 6.0)


def test_fit_blocks_slow_block_is_brought_to_the_median_speed() -> None:
    fit = fit_blocks([BLOCK, [3 * one for one in BLOCK], BLOCK], CONFIGURATIONS)
    assert np.allclose(fit.factors, [1.0, 1 / 3, 1.0])
    assert fit.kept.all()


def test_fit_blocks_both_processes_of_a_configuration_slow_in_one_block_are_left_out() -> None:
    fit = fit_blocks([BLOCK, (8.0, 8.0, 8.0, 9.0, 9.1), BLOCK, BLOCK], CONFIGURATIONS)
    assert fit.kept.tolist() == [[True] * 5, [True, True, True, False, False], [True] * 5, [True] * 5]
    assert np.array_equal(fit.at_one_speed([6.0, 9.0, 6.0, 6.0], 3), [6.0, np.nan, 6.0, 6.0], equal_nan=True)


def test_fit_blocks_five_percent_is_left_where_it_is() -> None:
    assert fit_blocks([BLOCK, (8.35, 8.0, 8.0, 6.0, 6.0), BLOCK], CONFIGURATIONS).kept.all()


def test_fit_blocks_where_all_processes_differ_none_is_left_out() -> None:
    draw = np.random.default_rng(1)
    times = np.asarray([BLOCK] * 6) * np.exp(draw.uniform(-0.2, 0.2, (6, 5)))
    assert fit_blocks(times.tolist(), CONFIGURATIONS).kept.all()


def test_fit_blocks_two_blocks_do_not_say_which_process_differs() -> None:
    assert fit_blocks([BLOCK, (8.0, 8.0, 8.0, 9.0, 6.0)], CONFIGURATIONS).kept.all()


@given(
    st.lists(st.floats(0.2, 5.0), min_size=3, max_size=8),
    st.lists(st.floats(0.01, 100.0), min_size=2, max_size=2),
)
def test_fit_blocks_speeds_and_levels_are_found_exactly(speeds: list[float], levels: list[float]) -> None:
    times = [[speed * levels[one] for one in CONFIGURATIONS] for speed in speeds]
    fit = fit_blocks(times, CONFIGURATIONS)
    assert fit.kept.all()
    middle = float(np.exp(np.median(np.log(speeds))))
    for process, one in enumerate(CONFIGURATIONS):
        column = [row[process] for row in times]
        assert np.allclose(fit.at_one_speed(column, process), middle * levels[one], rtol=1e-6)


@given(st.lists(st.lists(st.floats(0.01, 100.0), min_size=5, max_size=5), min_size=1, max_size=6))
def test_fit_blocks_whatever_was_measured_every_process_has_a_time(times: list[list[float]]) -> None:
    fit = fit_blocks(times, CONFIGURATIONS)
    assert fit.kept.any(axis=0).all()
    assert np.isfinite(fit.factors).all()


def test_fit_blocks_of_two_parts_keep_one_of_each_process_in_both() -> None:
    """Else a sum over one part would be of nothing. Half of the second configuration's times are unlike the others."""
    times = [[8.0, 8.0, 7.0], [8.0, 8.0, 14.0], [8.0, 8.1, 7.0], [8.0, 8.0, 12.0], [8.1, 8.0, 7.1], [8.0, 8.0, 13.0]]
    fit = fit_blocks(times, (0, 0, 1), parts=2)
    assert list(fit.part(0, 2).kept[:, 2]) == [False, False, True]
    assert list(fit.part(1, 2).kept[:, 2]) == [False, True, False]
