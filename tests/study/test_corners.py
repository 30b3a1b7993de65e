"""Equal programs of all corners are found by what was built; knobs that can act without it keep them apart."""

from ablatrix.study.corners import are_cheap, find_programs, moved_in
from tests.study.test_activity import Moved, built, entry

LEVELS = {"a": ("off", "on"), "b": ("off", "on")}


def test_corner_moves_knobs_by_its_bits() -> None:
    assert moved_in(0b101, ("x", "y", "z")) == {"x", "z"}


def test_corners_of_one_program_are_timed_at_fewest_moved() -> None:
    held = {Moved(): built("0"), Moved("a"): built("1"), Moved("b"): built("0"), Moved("ab"): built("1")}
    found = find_programs(entry(a="code", b="code"), LEVELS, held)
    assert found is not None
    assert (found.timed, found.corners) == ((0, 1), ((0, 2), (1, 3)))


def test_knob_of_run_time_keeps_corners_of_same_code_apart() -> None:
    held = {Moved(): built("0"), Moved("a"): built("1"), Moved("b"): built("0"), Moved("ab"): built("1")}
    found = find_programs(entry(a="code", b="run_time"), LEVELS, held)
    assert found is not None
    assert found.timed == (0, 1, 2, 3)


def test_corner_that_was_not_compiled_leaves_no_programs() -> None:
    held = {Moved(): built("0"), Moved("a"): built("1"), Moved("b"): built("0")}
    assert find_programs(entry(a="code", b="code"), LEVELS, held) is None


def test_corners_are_compiled_within_half_of_time_and_up_to_ten_knobs() -> None:
    assert are_cheap(10, 1.0, 1800, 2)
    assert not are_cheap(10, 2.0, 1800, 2)
    assert not are_cheap(11, 0.0, 1800, 2)
