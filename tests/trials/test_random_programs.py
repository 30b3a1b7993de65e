"""Random programs of hard operations: no right output is called wrong, and every planted fault is found."""

from __future__ import annotations

import pytest

from tests.trials.random_programs import Found, RandomProgram, drawn_programs

EXAMPLES = 40
FEWER = 12  # in the other types


@pytest.fixture(scope="module", params=["float32", "float16", "bfloat16"])
def found(request: pytest.FixtureRequest) -> Found:
    """What a fixed number of programs of a type gave; benchmarks/check_errors.py looks at more."""
    found = Found()

    @drawn_programs(EXAMPLES if request.param == "float32" else FEWER, 7, request.param)
    def look(program: RandomProgram) -> None:
        found.look_at(program)

    look()
    return found


def test_check_of_random_programs_calls_no_right_output_wrong(found: Found) -> None:
    assert found.programs >= FEWER
    assert found.false_alarms == []


def test_check_of_random_programs_finds_every_planted_fault(found: Found) -> None:
    assert {"element zero", "element negated", "row", "NaN", "integer"} <= found.planted.keys()
    assert sum(found.planted.values()) > FEWER
    assert found.missed == []


def test_check_of_random_programs_judges_most_outputs(found: Found) -> None:
    assert found.ill_conditioned < found.outputs / 4
    assert found.undetermined < found.elements / 4
