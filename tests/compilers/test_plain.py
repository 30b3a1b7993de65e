"""What adapters report is plain, or is refused with one message that names it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ablatrix.compilers.adapter import CompileFacts
from ablatrix.compilers.catalogue import KnobEntry, LevelEntry
from ablatrix.compilers.command.description import read_description
from ablatrix.compilers.plain import plain_facts, plain_value
from ablatrix.errors import CompilerError

FACTS = CompileFacts(artifact_digest="0" * 64, reasons={"estimator": "it has none"})


def test_numbers_of_numpy_become_plain() -> None:
    given = {"count": np.int64(3), "share": np.float32(0.5), "sizes": (np.int32(2), 4), "flag": True, "none": None}
    plain = plain_value(given, "facts")
    assert plain == {"count": 3, "share": 0.5, "sizes": [2, 4], "flag": True, "none": None}
    assert [type(plain[name]) for name in ("count", "share", "flag")] == [int, float, bool]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"path": {1, 2}}, r"facts\['path'\] is \{1, 2\}, of type set; it must be plain"),
        ([float("nan")], r"facts\[0\] is nan"),
        ({3: "three"}, r"facts is \{3: 'three'\}, of type dict; .* mapping whose names are text"),
    ],
)
def test_value_that_is_not_plain_is_refused(value: Any, message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        plain_value(value, "facts")


def test_facts_with_numbers_of_numpy_become_plain() -> None:
    given: dict[str, Any] = {"generated_calls": np.int64(3), "estimator": {"bytes": np.float64(2.0)}}
    found = plain_facts(replace(FACTS, **given), "mine")
    assert type(found.generated_calls) is int
    assert found == replace(FACTS, generated_calls=3, estimator={"bytes": 2.0})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"artifact_digest": "abc"}, "artifact_digest must be a SHA-256 in 64 hexadecimal digits .* but it is 'abc'"),
        ({"artifact_digest": "G" * 64}, "artifact_digest must be a SHA-256"),
        ({"artifact_digest": None}, "artifact_digest must be a SHA-256"),
        ({"generated_calls": -1}, "generated_calls must be a whole number, 0 or more, or None, but it is -1"),
        ({"generated_kernels": 2.5}, "generated_kernels must be a whole number, 0 or more, or None, but it is 2.5"),
        ({"estimator": {"bytes": "many"}}, r"estimator\['bytes'\] must be a number, but it is 'many'"),
        ({"reasons": {"estimator": 3}}, r"reasons\['estimator'\] must be text, but it is 3"),
    ],
)
def test_facts_that_are_wrong_are_refused_by_name(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(CompilerError, match=f"compiler 'mine': its facts: {message}"):
        plain_facts(replace(FACTS, **wrong), "mine")


def test_numbers_are_levels_of_a_described_knob() -> None:
    knob = {"name": "tile", "levels": [2, 4, {"name": 8, "summary": "Large."}], "default": 4}
    (found,) = read_description({"protocol": 1, "knobs": [knob]}, "mine").knobs
    assert [level.name for level in found.levels] == [2, 4, 8]
    with pytest.raises(CompilerError, match=r"knobs[.]0[.]levels[.]0"):
        read_description({"protocol": 1, "knobs": [{**knob, "levels": [True], "default": 1}]}, "mine")


def test_number_is_level_of_knob_and_its_text_is_not() -> None:
    levels = tuple(LevelEntry(level, "One.") for level in (2, 4, "auto"))
    knob = KnobEntry(name="tile", kind="primary", summary="", levels=levels, default=4, affects="code")
    assert [knob.has(level) for level in (2, 4, "auto")] == [True] * 3
    assert [knob.has(level) for level in ("2", 8, True)] == [False] * 3
    assert knob.choices() == "2, 4, auto"
