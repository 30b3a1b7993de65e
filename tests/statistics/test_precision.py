"""When to stop: widths against hand-computed ones, failures, and what stopping does to false positives."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.precision import (
    Block,
    CellWidth,
    Comparison,
    Configuration,
    EffectWidth,
    Widths,
    find_shortfall,
    measure_widths,
)

T_1, T_2 = 12.706204736432095, 4.302652729911275  # Student's t at 97.5 %, one and two degrees of freedom

OFF, ON = "off", "on"
LATTICE = Comparison(
    ("fusion", "reuse"), ("fusion", "reuse"), (OFF, OFF), tuple(itertools.product((OFF, ON), (OFF, ON)))
)
PAIR = Comparison(("fusion",), ("fusion",), (OFF,), ((OFF,), (ON,)))


def block(base: float, reuse: float, fusion: float, both: float) -> dict[Configuration, float]:
    return {(OFF, OFF): base, (OFF, ON): reuse, (ON, OFF): fusion, (ON, ON): both}


def without(full: Block, *configurations: Configuration) -> dict[Configuration, float]:
    return {key: value for key, value in full.items() if key not in configurations}


FIRST, SECOND = block(1.0, 1.1, 0.8, 0.7), block(2.0, 2.1, 1.9, 1.6)


def test_widths_of_two_blocks_match_hand_calculation() -> None:
    # fusion: block 1 has (-0.2 - 0.4) / 2 = -0.3, block 2 has (-0.1 - 0.5) / 2 = -0.3.
    # reuse: block 1 has (0.1 - 0.1) / 2 = 0, block 2 has (0.1 - 0.3) / 2 = -0.1; standard error 0.05.
    found = measure_widths([FIRST, SECOND], LATTICE)
    fusion, reuse = found.effects
    assert (fusion.name, fusion.pairs, fusion.blocks) == ("fusion=on", 2, 2)
    assert fusion.half_width == pytest.approx(0.0, abs=1e-9)
    assert reuse.half_width == pytest.approx(T_1 * 0.05)
    # Ratios to the baseline: reuse 0.1, 0.1; fusion -0.2, -0.1; both -0.3, -0.4.
    widths = {cell.name: cell.half_width for cell in found.cells}
    assert widths == {
        "reuse=on": pytest.approx(0.0, abs=1e-9),
        "fusion=on": pytest.approx(T_1 * 0.05),
        "fusion=on, reuse=on": pytest.approx(T_1 * 0.05),
    }
    assert (found.blocks, found.missing) == (2, ())


def test_widths_of_three_blocks_use_two_degrees_of_freedom() -> None:
    blocks: list[Block] = [{(OFF,): 0.0, (ON,): value} for value in (0.01, 0.02, 0.03)]
    assert measure_widths(blocks, PAIR).effects[0].half_width == pytest.approx(T_2 * 0.01 / math.sqrt(3))


def test_widths_of_one_or_no_block_are_none() -> None:
    assert measure_widths([FIRST], LATTICE).effects[0].half_width is None
    nothing = measure_widths([{}], LATTICE)
    assert nothing.blocks == 0
    assert nothing.missing == ()
    assert {width.half_width for width in nothing.effects} == {None}
    assert {width.half_width for width in nothing.cells} == {None}


def test_effect_with_cell_failed_once_uses_pairs_of_every_block() -> None:
    found = measure_widths([FIRST, without(SECOND, (ON, ON))], LATTICE)
    fusion, reuse = found.effects
    assert (fusion.pairs, fusion.pairs_partial, fusion.pairs_missing) == (1, 1, 0)
    assert fusion.half_width == pytest.approx(T_1 * 0.05)  # -0.2 and -0.1: the pair without reuse
    assert reuse.half_width == pytest.approx(0.0, abs=1e-9)  # 0.1 and 0.1
    assert found.missing == ((ON, ON),)
    assert next(cell for cell in found.cells if cell.configuration == (ON, ON)).blocks == 1


def test_cell_that_always_fails_is_reported_and_delays_nothing() -> None:
    blocks = [without(FIRST, (ON, ON))] * 5
    found = measure_widths(blocks, LATTICE)
    assert [effect.pairs_missing for effect in found.effects] == [1, 1]
    assert found.missing == ((ON, ON),)
    assert find_shortfall(found) is None


def test_cell_that_sometimes_fails_needs_its_share_of_blocks() -> None:
    blocks: list[Block] = [*[FIRST] * 4, *[without(FIRST, (ON, ON))] * 3]
    short = find_shortfall(measure_widths(blocks, LATTICE))
    assert short is not None
    assert (short.subject, short.half_width) == ("ratio of fusion=on, reuse=on", None)
    assert "has no interval yet" in short.reason
    assert find_shortfall(measure_widths([*blocks, FIRST], LATTICE)) is None


def test_effect_whose_only_pair_lacks_block_is_not_precise() -> None:
    both: Block = {(OFF,): 0.0, (ON,): 0.1}
    blocks: list[Block] = [both, both, both, both, both, both, {(OFF,): 0.0}]
    found = measure_widths(blocks, PAIR)
    assert (found.effects[0].pairs, found.effects[0].pairs_partial) == (0, 1)
    assert find_shortfall(found) is not None


def test_effects_do_not_need_failed_baseline_but_ratios_do() -> None:
    found = measure_widths([without(FIRST, (OFF, OFF)), without(SECOND, (OFF, OFF))], LATTICE)
    assert [effect.pairs for effect in found.effects] == [1, 1]
    assert [cell.blocks for cell in found.cells] == [0, 0, 0]
    assert found.missing == ((OFF, OFF),)


def test_knob_with_one_level_has_no_effect() -> None:
    one = Comparison(("fusion", "reuse"), ("fusion", "reuse"), (OFF, OFF), ((OFF, OFF), (ON, OFF)))
    found = measure_widths([{(OFF, OFF): 0.0, (ON, OFF): 0.1}] * 5, one)
    assert [effect.name for effect in found.effects] == ["fusion=on"]
    assert find_shortfall(found) is None


def test_knob_with_three_levels_has_effect_per_step() -> None:
    three = Comparison(("unroll",), ("unroll",), (1,), ((1,), (2,), (4,)))
    found = measure_widths([{(1,): 0.0, (2,): 0.1, (4,): 0.2}] * 2, three)
    assert [effect.name for effect in found.effects] == ["unroll=2", "unroll=4"]


def test_secondary_knob_has_cells_and_no_effect() -> None:
    found = measure_widths([FIRST, SECOND], replace(LATTICE, primary=("fusion",)))
    assert [effect.name for effect in found.effects] == ["fusion=on"]
    assert len(found.cells) == 3


def test_precision_with_nothing_to_compare_needs_only_minimum_blocks() -> None:
    alone = Comparison(("fusion",), ("fusion",), (OFF,), ((OFF,),))
    assert find_shortfall(measure_widths([{(OFF,): 1.0}] * 4, alone)) is not None
    assert find_shortfall(measure_widths([{(OFF,): 1.0}] * 5, alone)) is None


def widths_of(effect: float, cell: float, blocks: int = 5) -> Widths:
    effects = (EffectWidth("fusion=on", effect, blocks, 1, 0, 0),)
    return Widths(blocks, effects, (CellWidth("fusion=on", (ON,), cell, blocks),), ())


def test_precision_needs_both_targets_and_minimum_blocks() -> None:
    assert find_shortfall(widths_of(0.01, 0.02)) is None
    assert find_shortfall(widths_of(0.0101, 0.02)) is not None
    assert find_shortfall(widths_of(0.01, 0.0201)) is not None
    assert find_shortfall(widths_of(0.001, 0.001, blocks=4)) is not None
    assert find_shortfall(widths_of(0.001, 0.001, blocks=4), least_blocks=4) is None


def test_precision_shortfall_is_widest_relative_to_target() -> None:
    short = find_shortfall(widths_of(0.012, 0.03))
    assert short is not None
    assert (short.subject, short.half_width, short.target) == ("ratio of fusion=on", 0.03, 0.02)
    assert short.reason == "ratio of fusion=on is known to +-3.00%, wanted +-2.00%"
    few = find_shortfall(widths_of(0.012, 0.03, blocks=2))
    assert few is not None
    assert few.reason == "2 of at least 5 blocks"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"configurations": ((OFF,), (ON,))}, "one level for each"),
        ({"baseline": (OFF, "maybe")}, "the baseline must be measured"),
        ({"primary": ("layout",)}, r"every primary knob must be one of .* but got \['layout'\]"),
    ],
)
def test_comparison_with_inconsistent_parts_is_refused(change: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LATTICE, **change)  # type: ignore[arg-type]


LOGS = st.floats(-2, 2)
BLOCKS = st.lists(st.builds(block, LOGS, LOGS, LOGS, LOGS), min_size=2, max_size=8)


def close(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


@given(BLOCKS, st.lists(LOGS, min_size=8, max_size=8))
def test_widths_ignore_whole_block_disturbance(blocks: list[Block], shifts: list[float]) -> None:
    moved = [{key: value + shift for key, value in one.items()} for one, shift in zip(blocks, shifts, strict=False)]
    one, other = measure_widths(blocks, LATTICE), measure_widths(moved, LATTICE)
    assert all(close(a.half_width, b.half_width) for a, b in zip(one.effects, other.effects, strict=True))
    assert all(close(a.half_width, b.half_width) for a, b in zip(one.cells, other.cells, strict=True))


@given(BLOCKS, LOGS)
def test_widths_do_not_depend_on_effect_size(blocks: list[Block], effect: float) -> None:
    # A rule that looked at significance would fail here.
    moved = [{key: value + effect * (key[0] == ON) for key, value in one.items()} for one in blocks]
    one, other = measure_widths(blocks, LATTICE), measure_widths(moved, LATTICE)
    assert all(close(a.half_width, b.half_width) for a, b in zip(one.effects, other.effects, strict=True))
    assert all(close(a.half_width, b.half_width) for a, b in zip(one.cells, other.cells, strict=True))


@given(BLOCKS)
@settings(max_examples=30)
def test_widths_match_scipy(blocks: list[Block]) -> None:
    found = measure_widths(blocks, LATTICE).effects[0].half_width
    steps = [(b[ON, OFF] - b[OFF, OFF] + b[ON, ON] - b[OFF, ON]) / 2 for b in blocks]
    if np.std(steps) > 1e-6:
        interval = stats.ttest_1samp(steps, 0.0).confidence_interval(0.95)
        assert close(found, (interval.high - interval.low) / 2)


@pytest.mark.slow
def test_stopping_on_width_keeps_false_positive_rate_near_nominal() -> None:
    # The same configuration against itself, noise of 1.5 % between blocks, at most 40 blocks.
    rng = np.random.default_rng(5)
    runs, most = 300, 40
    by_width = by_significance = 0
    for _ in range(runs):
        logs = rng.normal(0.0, 0.015, most)
        blocks: list[Block] = [{(OFF,): 0.0, (ON,): float(value)} for value in logs]
        different = {
            n: stats.t.ppf(0.975, n - 1) * logs[:n].std(ddof=1) / math.sqrt(n) < abs(logs[:n].mean())
            for n in range(5, most + 1)
        }
        stop = next((n for n in different if find_shortfall(measure_widths(blocks[:n], PAIR)) is None), most)
        by_width += bool(different[stop])
        by_significance += any(different.values())
    assert by_width / runs <= 0.09
    assert by_significance / runs >= 0.18
