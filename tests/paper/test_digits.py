"""A number is printed with as many digits as its interval supports."""

import math

import pytest

from ablatrix.paper.digits import interval_form
from ablatrix.paper.number import WHOLE, error_size, large_count, multiple, runs
from ablatrix.paper.tables.aligned import aligned_cells
from ablatrix.paper.tables.cells import NOTHING


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.9234, 0.882, 0.963, "0.92"),
        (0.9234, 0.902, 0.943, "0.923"),  # half a width of 0.0205: two digits, as they are below 3.55
        (0.95103, 0.94940, 0.95266, "0.9510"),
        (2.7142, 2.62, 2.81, "2.71"),
        (31.04, 30.2, 31.9, "31.0"),
        (31.04, 30.8, 31.3, "31.04"),
        (473.4, 450.0, 498.0, "473"),
        (1.0, None, None, "1.00"),
        (0.0624, None, None, "0.0624"),
        (5200.0, None, None, "5200"),
        (0.6, 0.6, 0.6, "0.600"),
        (0.95123456, 0.9512345, 0.9512346, "0.9512"),
        (0.0, None, None, "0.00"),
        (1.4, 0.3, 6.9, "1.4"),
        (-2.1, -5.3, 1.1, "-2.1"),
        (-0.02, -1.5, 1.4, "0.0"),
    ],
)
def test_form_has_digits_that_interval_supports(value: float, low: float | None, high: float | None, text: str) -> None:
    assert interval_form(value, low, high).printed(value) == text


def test_form_changes_unit_before_it_counts_digits() -> None:
    form = interval_form(3.0 * 2**20, 2.9 * 2**20, 3.1 * 2**20, 2.0**20, "MiB")
    assert (form.printed(3.0 * 2**20), form.unit) == ("3.00", "MiB")


def test_form_of_infinite_interval_has_three_digits() -> None:
    assert interval_form(1.5, 1.0, math.inf).printed(1.5) == "1.50"


def test_aligned_numbers_have_points_below_each_other() -> None:
    assert aligned_cells(["0.92", "1.0123", "12", NOTHING]) == [
        r"\phantom{0}0.92\phantom{00}",
        r"\phantom{0}1.0123",
        r"12\phantom{.0000}",
        r"\textendash{}",
    ]


def test_aligned_numbers_with_intervals_have_points_of_values_below_each_other() -> None:
    assert aligned_cells(["1.00", "0.92 [0.90, 0.94]", "1.019 [1.006, 12.1]"]) == [
        r"1.00\phantom{0}\phantom{ [1.006, 12.1]}",
        r"0.92\phantom{0} [0.90, 0.94]\phantom{0}",
        "1.019 [1.006, 12.1]",
    ]


def test_aligned_words_and_exponents_stay_as_they_are() -> None:
    assert aligned_cells(["crashed", "1.0e-03", "8.0e-05"])[0] == "crashed"
    assert aligned_cells([]) == []
    assert aligned_cells(["≤ 0.125", "4.3"]) == [r"$\le$ 0.125", r"4.3\phantom{00}"]


@pytest.mark.parametrize(
    ("value", "text", "unit"),
    [(7, "7", None), (999.4, "999", None), (1099, "1.1", "k"), (16_200, "16", "k"), (2_345_678, "2.3", "M")],
)
def test_large_count_has_two_digits_and_a_unit(value: float, text: str, unit: str | None) -> None:
    form = large_count(value, 2)
    assert (form.printed(value), form.unit) == (text, unit)


@pytest.mark.parametrize(("value", "text"), [(8374, "8.4"), (120.4, "120"), (3.14, "3.1")])
def test_runs_have_no_digits_that_no_interval_supports(value: float, text: str) -> None:
    assert runs(value).printed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (1.87e-6, "1.9e-06"), (0.03, "0.03"), (3.5, "3.5"), (9e5, "9.0e+05")]
)
def test_error_size_has_exponent_where_small_or_large(value: float, text: str) -> None:
    assert error_size(value).printed(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.2061, "0.206"), (46.0, "46"), (1234.4, "1,234")])
def test_multiple_has_no_exponent(value: float, text: str) -> None:
    assert multiple(value).printed(value) == text


def test_count_has_separators_of_thousands() -> None:
    assert WHOLE.printed(2532) == "2,532"
