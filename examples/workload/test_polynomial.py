"""The workload beside this file can be prepared, is the same each time, and is answered for each of its sizes."""

import pytest
from polynomial import ENTRY

from ablatrix.plugin import WorkloadError, prepare


def test_polynomial_prepared_twice_is_same() -> None:
    """Weights and inputs follow from seeds: the digest covers them."""
    first, again = (prepare(ENTRY, {"degree": 5}) for _ in range(2))
    assert first.facts.digest == again.facts.digest
    assert first.facts.parameter_count == 6


def test_polynomial_input_sets_cover_every_size() -> None:
    """The timed size comes first, then the smallest and the largest."""
    program = prepare(ENTRY)
    assert [draw.sizes["points"] for draw in program.input_sets] == [8, 2, 64]
    assert [tuple(draw.expected[0].shape) for draw in program.input_sets] == [(8,), (2,), (64,)]


def test_polynomial_with_too_few_points_is_refused() -> None:
    """A size that breaks a rule of its `ParameterSpec` is refused before anything is built."""
    with pytest.raises(WorkloadError, match="points >= 2 must hold, but got points=1"):
        prepare(ENTRY, {"points": 1})
