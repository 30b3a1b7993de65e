"""Which design a screening gets, by the number of knobs and what it may cost."""

import pytest

from ablatrix.study.screen_choice import choose_design


@pytest.mark.parametrize(
    ("factors", "most", "kind", "runs"),
    [
        (1, 2, "full_factorial", 2),
        (7, 128, "full_factorial", 128),
        (8, 128, "regular_fraction", 64),
        (24, 128, "folded_plackett_burman", 56),
        (55, 128, "folded_plackett_burman", 120),
        (55, 100, "one_at_a_time", 56),
    ],
)
def test_design_is_first_that_is_small_enough(factors: int, most: int, kind: str, runs: int) -> None:
    chosen = choose_design(factors, most)
    assert (chosen.design.kind, len(chosen.design.runs)) == (kind, runs)
    assert chosen.design.factors == factors


def test_numbers_alone_get_three_levels() -> None:
    chosen = choose_design(10, 128, numeric=True)
    assert chosen.design.kind == "definitive"
    assert {code for run in chosen.design.runs for code in run} == {-1, 0, 1}


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ("factorial", "full_factorial"),
        ("fraction", "regular_fraction"),
        ("plackett_burman", "folded_plackett_burman"),
        ("one_at_a_time", "one_at_a_time"),
        ("definitive", "full_factorial"),  # the knobs are no numbers, so it is chosen
    ],
)
def test_design_that_study_asks_for_is_taken_where_there_is_one(wanted: str, kind: str) -> None:
    assert choose_design(6, 128, wanted=wanted).design.kind == kind


def test_why_names_numbers_that_decided() -> None:
    assert choose_design(24, 128).why.startswith(
        "every combination of 24 knobs would be 16,777,216 configurations; 56 "
    )
    assert "which shows no interaction" in choose_design(55, 100).why
