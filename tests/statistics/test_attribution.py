"""Attribution on factorial_grids whose answers are known by hand, by its laws, and against shapiq."""

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.statistics.attribution import (
    Corner,
    FactorialGrid,
    add_one_in,
    interactions,
    leave_one_out,
    main_effects,
    over_blocks,
    shapley,
    step,
    total,
)
from ablatrix.statistics.ratio import paired_ratio

KNOBS = ("partition", "reuse", "fusion")
OFF: Corner = frozenset()


def grid_of(knobs: Sequence[str], value: Callable[[Corner], float]) -> dict[Corner, float]:
    return {
        frozenset(corner): value(frozenset(corner))
        for size in range(len(knobs) + 1)
        for corner in itertools.combinations(knobs, size)
    }


def random_lattice(knobs: Sequence[str], seed: int) -> dict[Corner, float]:
    rng = random.Random(seed)
    return grid_of(knobs, lambda corner: rng.gauss(0.0, 1.0))


@st.composite
def factorial_grids(draw: st.DrawFn) -> tuple[tuple[str, ...], dict[Corner, float]]:
    knobs = tuple("abcde"[: draw(st.integers(1, 5))])
    values = iter(draw(st.lists(st.floats(-5, 5), min_size=2 ** len(knobs), max_size=2 ** len(knobs))))
    return knobs, grid_of(knobs, lambda corner: next(values))


def test_attribution_of_additive_knobs_agrees_between_all_rules() -> None:
    """v = 1 - 0.5 [partition] + 0.25 [reuse]: fusion does nothing, nothing interacts, the total is -0.25."""
    grid = grid_of(KNOBS, lambda on: 1.0 - 0.5 * ("partition" in on) + 0.25 * ("reuse" in on))
    effects = {"partition": -0.5, "reuse": 0.25, "fusion": 0.0}
    for rule in (shapley, main_effects, leave_one_out, add_one_in):
        assert rule(grid, KNOBS) == effects
    assert set(interactions(grid, KNOBS).values()) == {0.0}
    assert total(grid, KNOBS) == -0.25


def test_attribution_of_pure_interaction_is_shared_in_halves() -> None:
    """v = -1 where both partition and fusion are on, else 0.

    Each does nothing alone and -1 once the other is on: half of it in the mean, whatever reuse is. Of the orders of
    switching on, each is the later of both in half.
    """
    grid = grid_of(KNOBS, lambda on: -1.0 * ({"partition", "fusion"} <= on))
    halves = {"partition": -0.5, "reuse": 0.0, "fusion": -0.5}
    assert shapley(grid, KNOBS) == halves
    assert main_effects(grid, KNOBS) == halves
    assert leave_one_out(grid, KNOBS) == {"partition": -1.0, "reuse": 0.0, "fusion": -1.0}
    assert add_one_in(grid, KNOBS) == dict.fromkeys(KNOBS, 0.0)
    assert interactions(grid, KNOBS) == {
        ("partition", "reuse"): 0.0,
        ("partition", "fusion"): -1.0,
        ("reuse", "fusion"): 0.0,
    }


def test_attribution_of_triple_is_in_thirds_and_main_effects_miss_it() -> None:
    """v = 12 where all three are on, else 0: a third each; the main effect is 12 in one of four settings: 3."""
    grid = grid_of(KNOBS, lambda on: 12.0 * (len(on) == 3))
    assert shapley(grid, KNOBS) == dict.fromkeys(KNOBS, pytest.approx(4.0))
    assert main_effects(grid, KNOBS) == dict.fromkeys(KNOBS, 3.0)
    assert set(interactions(grid, KNOBS).values()) == {6.0}


def test_attribution_example_of_module_is_right() -> None:
    grid: FactorialGrid[float] = {OFF: 0.0, frozenset("a"): -2.0, frozenset("b"): -1.0, frozenset("ab"): -6.0}
    assert shapley(grid, "ab") == main_effects(grid, "ab") == {"a": -3.5, "b": -2.5}
    assert (add_one_in(grid, "ab")["a"], leave_one_out(grid, "ab")["a"]) == (-2.0, -5.0)
    assert interactions(grid, "ab") == {("a", "b"): -3.0}
    assert total(grid, "ab") == -6.0


@given(factorial_grids())
def test_shapley_values_add_up_to_total(drawn: tuple[tuple[str, ...], dict[Corner, float]]) -> None:
    knobs, grid = drawn
    assert math.isclose(math.fsum(shapley(grid, knobs).values()), total(grid, knobs), abs_tol=1e-13)


@given(factorial_grids())
def test_shapley_values_are_mean_over_all_orders(drawn: tuple[tuple[str, ...], dict[Corner, float]]) -> None:
    knobs, grid = drawn
    orders = list(itertools.permutations(knobs))
    for knob, share in shapley(grid, knobs).items():
        steps = [step(grid, knob, order[: order.index(knob)]) for order in orders]
        assert math.isclose(share, math.fsum(steps) / len(orders), abs_tol=1e-12)


@given(factorial_grids())
def test_main_effect_is_mean_of_all_steps(drawn: tuple[tuple[str, ...], dict[Corner, float]]) -> None:
    knobs, grid = drawn
    for knob, effect in main_effects(grid, knobs).items():
        steps = [step(grid, knob, corner) for corner in grid if knob not in corner]
        assert math.isclose(effect, math.fsum(steps) / len(steps), abs_tol=1e-12)


@given(factorial_grids())
def test_interaction_is_mean_of_all_differences_of_steps(
    drawn: tuple[tuple[str, ...], dict[Corner, float]],
) -> None:
    knobs, grid = drawn
    for (one, other), found in interactions(grid, knobs).items():
        steps = [
            step(grid, one, {*corner, other}) - step(grid, one, corner) for corner in grid if not {one, other} & corner
        ]
        assert math.isclose(found, math.fsum(steps) / len(steps), abs_tol=1e-12)


@given(factorial_grids(), st.randoms())
def test_attribution_does_not_depend_on_order_of_knobs_or_corners(
    drawn: tuple[tuple[str, ...], dict[Corner, float]], order: random.Random
) -> None:
    knobs, grid = drawn
    shuffled, corners = list(knobs), list(grid)
    order.shuffle(shuffled)
    order.shuffle(corners)
    other = {corner: grid[corner] for corner in corners}
    assert shapley(other, shuffled) == shapley(grid, knobs)
    assert main_effects(other, shuffled) == main_effects(grid, knobs)


@given(factorial_grids())
def test_attribution_of_inert_knob_is_exactly_zero(
    drawn: tuple[tuple[str, ...], dict[Corner, float]],
) -> None:
    knobs, grid = drawn
    wider = {**grid, **{corner | {"no-op"}: value for corner, value in grid.items()}}
    names = (*knobs, "no-op")
    for rule in (shapley, main_effects, leave_one_out, add_one_in):
        assert rule(wider, names)["no-op"] == 0.0
    assert all(value == 0.0 for pair, value in interactions(wider, names).items() if "no-op" in pair)


def test_attribution_without_corner_names_it_and_keeps_other_steps() -> None:
    grid = random_lattice(KNOBS, 1)
    del grid[frozenset({"reuse", "fusion"})]
    for rule in (shapley, main_effects, interactions, leave_one_out):
        with pytest.raises(ValueError, match=r"there is none for fusion \+ reuse$"):
            rule(grid, KNOBS)
    assert add_one_in(grid, KNOBS)["fusion"] == grid[frozenset({"fusion"})] - grid[OFF]
    assert step(grid, "reuse", KNOBS) == grid[frozenset(KNOBS)] - grid[frozenset({"partition", "fusion"})]
    assert total(grid, KNOBS) == grid[frozenset(KNOBS)] - grid[OFF]
    with pytest.raises(ValueError, match="none for all off"):
        total({frozenset({"a"}): 1.0}, ["a"])


def test_attribution_of_non_finite_value_or_repeated_knob_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be finite, but is not for a$"):
        shapley({OFF: 0.0, frozenset("a"): math.nan}, "a")
    with pytest.raises(ValueError, match=r"named once"):
        main_effects({OFF: 0.0, frozenset("a"): 1.0}, "aa")
    with pytest.raises(ValueError, match="and 1016 more"):
        shapley({}, [str(number) for number in range(10)])


def test_attribution_intervals_use_one_value_per_block() -> None:
    blocks = [random_lattice(KNOBS, seed) for seed in range(4)]
    found = over_blocks(blocks, KNOBS, shapley)
    assert list(found) == list(KNOBS)
    assert found["reuse"] == paired_ratio([shapley(block, KNOBS)["reuse"] for block in blocks])
    pairs = over_blocks(blocks, KNOBS, interactions, 0.9)
    assert pairs["partition", "fusion"] == paired_ratio(
        [interactions(block, KNOBS)["partition", "fusion"] for block in blocks], 0.9
    )
    product = math.prod(ratio.value for ratio in found.values())
    assert product == pytest.approx(paired_ratio([total(block, KNOBS) for block in blocks]).value, rel=1e-12)


def test_attribution_intervals_ignore_whole_block_disturbance() -> None:
    blocks = [random_lattice(KNOBS, seed) for seed in range(4)]
    moved = [{corner: value + 3.0 * n for corner, value in block.items()} for n, block in enumerate(blocks)]
    for knob, ratio in over_blocks(moved, KNOBS, shapley).items():
        assert ratio.low == pytest.approx(over_blocks(blocks, KNOBS, shapley)[knob].low, rel=1e-9)


def test_attribution_with_missing_corner_names_its_block() -> None:
    whole = random_lattice(KNOBS, 1)
    with pytest.raises(ValueError, match=r"^block 1: .* none for all off$"):
        over_blocks([whole, {corner: value for corner, value in whole.items() if corner}], KNOBS, shapley)
    with pytest.raises(ValueError, match="at least one block"):
        over_blocks([], KNOBS, shapley)


@pytest.mark.slow
def test_attribution_matches_shapiq() -> None:
    """Shapley and Banzhaf values, and the pairwise Banzhaf interaction index, of five knobs."""
    shapiq: Any = pytest.importorskip("shapiq")
    import numpy as np

    knobs = tuple("abcde")
    grid = random_lattice(knobs, 7)

    def game(coalitions: Any) -> Any:
        rows = np.atleast_2d(coalitions)
        return np.array([grid[frozenset(itertools.compress(knobs, row))] for row in rows])

    computer = shapiq.ExactComputer(game=game, n_players=len(knobs))

    def index(name: str, order: int) -> Mapping[tuple[int, ...], float]:
        found = computer(name, order=order)
        return {players: float(found[players]) for players in itertools.combinations(range(5), order)}

    shares, effects, pairs = (rule(grid, knobs) for rule in (shapley, main_effects, interactions))
    assert list(index("SV", 1).values()) == pytest.approx(list(shares.values()), abs=1e-12)
    assert list(index("BV", 1).values()) == pytest.approx(list(effects.values()), abs=1e-12)
    assert list(index("BII", 2).values()) == pytest.approx(list(pairs.values()), abs=1e-12)
