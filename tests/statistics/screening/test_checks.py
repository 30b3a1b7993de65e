"""What breaks a design is seen, and what does not is not called so."""

import math

import numpy as np
import pytest

from ablatrix.statistics.screening import (
    DesignCheck,
    ScreeningDesign,
    definitive_screening,
    design_checks,
    fractional_factorial,
    lenth,
    one_at_a_time,
    plackett_burman_folded,
    screened_effects,
)
from ablatrix.statistics.screening.design import Array, word_columns


def measured(
    design: ScreeningDesign, effects: dict[tuple[int, ...], float], seed: int = 1, noise: float = 0.002, blocks: int = 4
) -> Array:
    words = list(effects)
    clean = word_columns(design, words) @ np.array([effects[word] for word in words])
    rng = np.random.default_rng(seed)
    found: Array = clean + rng.normal(0.0, 0.05, (blocks, 1)) + rng.normal(0.0, noise, (blocks, len(clean)))
    return found


def broken(checks: tuple[DesignCheck, ...]) -> dict[str, bool]:
    return {one.departure: one.is_broken for one in checks}


def test_checks_of_additive_factors_find_nothing() -> None:
    design = plackett_burman_folded(10)
    checks = design_checks(design, measured(design, {(0,): 0.1, (4,): -0.05}))
    assert broken(checks) == {"even": False, "odd": False}
    assert [one.freedom for one in checks] == [(11, 69), (2, 69)]


def test_checks_see_pairs_in_even_half_alone() -> None:
    design = plackett_burman_folded(10)
    checks = design_checks(design, measured(design, {(0,): 0.1, (0, 4): 0.01}))
    assert broken(checks) == {"even": True, "odd": False}
    assert checks[0].size == pytest.approx(0.01, rel=0.2)


def test_checks_see_three_factors_in_odd_half_alone() -> None:
    design = plackett_burman_folded(10)
    checks = design_checks(design, measured(design, {(0,): 0.1, (0, 4, 6): 0.02}))
    assert broken(checks) == {"even": False, "odd": True}


def test_checks_leave_out_pairs_that_were_estimated() -> None:
    design = plackett_burman_folded(10)
    values = measured(design, {(0,): 0.1, (4,): 0.1, (0, 4): 0.01})
    effects = screened_effects(design, values, among=[0, 4])
    assert broken(design_checks(design, values, effects)) == {"even": False, "odd": False}


def test_checks_see_curves_by_the_centre() -> None:
    design = definitive_screening(6)
    assert broken(design_checks(design, measured(design, {(0,): 0.1}))) == {
        "even": False,
        "odd": False,
        "curved": False,
    }
    curves = {(0,): 0.1, (0, 0): 0.02, (1, 1): 0.02, (2, 2): 0.02}
    assert broken(design_checks(design, measured(design, curves)))["curved"]


def test_checks_of_third_resolution_see_what_nothing_explains() -> None:
    design = fractional_factorial(6, 3, 8)
    assert design is not None
    assert broken(design_checks(design, measured(design, {(0,): 0.1}))) == {"rest": False}
    assert design.aliased_with((0, 5)) == ((1, 4), (2, 3))
    assert broken(design_checks(design, measured(design, {(0,): 0.1, (0, 5): 0.05}))) == {"rest": True}


def test_checks_with_gaps_still_see_pairs() -> None:
    design = plackett_burman_folded(10)
    values = measured(design, {(0, 4): 0.02}, blocks=6)
    for block in range(6):
        values[block, 1 + block : 24 : 4] = math.nan
    assert broken(design_checks(design, values)) == {"even": True, "odd": False}


def test_checks_need_blocks_that_repeat_and_runs_to_spare() -> None:
    design = plackett_burman_folded(10)
    assert [one.p_value for one in design_checks(design, measured(design, {(0,): 0.1}, blocks=1))] == [None, None]
    alone = one_at_a_time(4, "baseline")
    assert design_checks(alone, measured(alone, {(0,): 0.1})) == ()
    full = fractional_factorial(2, 5, 4)
    assert full is not None
    assert broken(design_checks(full, measured(full, {(0,): 0.1}))) == {"even": False}


def test_checks_without_noise_are_certain() -> None:
    design = plackett_burman_folded(10)
    clean = np.tile(word_columns(design, [(0, 4)])[:, 0] * 0.01, (3, 1))
    assert {one.departure: one.p_value for one in design_checks(design, clean)} == {"even": 0.0, "odd": 1.0}


def test_checks_of_sound_designs_are_rarely_broken() -> None:
    """At 1 %, two tests in each of 150 designs: 3 are expected, more than 10 come once in a thousand."""
    design = plackett_burman_folded(8)
    found = [one for seed in range(150) for one in design_checks(design, measured(design, {(1,): 0.02}, seed))]
    assert sum(one.is_broken for one in found) <= 10
    assert 0.4 < float(np.mean([one.p_value or 0.0 for one in found])) < 0.6


def test_lenth_takes_noise_from_the_middle() -> None:
    """Median size 0.3, so 1.125 bounds the noise: 0.1 to 0.4, with a median of 0.25."""
    found = lenth([0.1, -0.2, 0.3, -0.4, 5.0])
    assert found.pseudo_error == pytest.approx(0.375)
    assert found.margin == pytest.approx(0.375 * 5.24227, rel=1e-5)
    assert found.simultaneous > found.margin
    with pytest.raises(ValueError, match="at least 5 effects"):
        lenth([1.0] * 4)
