"""Looks at configurations by ordinary runs, and the predicate that asks them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablatrix.errors import StudyError
from ablatrix.records.journal import read_records
from ablatrix.study.load import load_study
from ablatrix.troubles import Configuration, Looks, Predicate

EXAMPLES = Path(__file__).parents[2] / "examples" / "complaints"


@pytest.fixture(scope="module")
def invalid(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """Two optimisers of ONNX Runtime that make an invalid model together."""
    directory = tmp_path_factory.mktemp("invalid")
    for name in ("cast_and_divide.onnx", "cast_and_divide.yaml"):
        shutil.copy(EXAMPLES / name, directory)
    resolved = load_study(directory / "cast_and_divide.yaml")
    return Configuration(resolved=resolved, workload="cast_and_divide", compiler="onnxruntime")


@pytest.mark.compiler
@pytest.mark.slow
def test_predicate_tells_a_trouble_from_none(invalid: Configuration, tmp_path: Path) -> None:
    with Looks(tmp_path) as looks:
        first = looks.see(invalid, "first", "cold")
        assert first.trouble is not None
        predicate = Predicate(looks=looks, trouble=first.trouble)
        answers = [
            predicate.ask(invalid.at(levels), f"look-{number}").answer
            for number, levels in enumerate([{}, {"divide": "off"}, {"fold": "off"}])
        ]
    assert first.statuses == ("compile_error",)
    assert answers == ["yes", "no", "yes"]
    assert (tmp_path / "look-2" / "results.jsonl").exists()
    assert not (tmp_path / "look-2" / "work" / "cache").exists()


SMALL = {
    "name": "small",
    "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
    "compilers": ["onnxruntime"],
    "modes": ["hot"],
    "stages": [{"name": "fusion", "factorial": {"fusion": ["off", "on"]}}],
    "checks": {"input_sets": 1},
    "protocol": {"hot": {"rounds": 4, "burst_ms": 1, "warm_up_ms": 1}},
}


@pytest.mark.compiler
@pytest.mark.slow
def test_looks_at_times_run_what_they_compare_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(SMALL))
    resolved = load_study(tmp_path / "study.yaml")
    on = Configuration(resolved=resolved, workload="mlp", compiler="onnxruntime", levels={"fusion": "on"})
    with Looks(tmp_path / "looks") as looks:
        sight = looks.see(on, "first", "hot", reference={"fusion": "off"}, blocks=2)
        each = looks.see_each(on, "each", {"fusion": "off", "arena": "off"})
    records = list(read_records(tmp_path / "looks" / "first" / "results.jsonl"))
    assert (sight.trials, len(sight.logs), sight.why) == (2, 2, "")
    assert sorted(one.role for one in records) == ["measured"] * 4 + ["twin"] * 2
    assert {name: len(logs) for name, logs in each.items()} == {"fusion": 1, "arena": 1}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"workload": "mlp"}, "has no workload 'mlp'; it has: cast_and_divide"),
        ({"compiler": "tvm"}, "has no compiler 'tvm'; it has: onnxruntime"),
        ({"levels": {"spin": "on"}}, "has no knob 'spin'"),
        ({"levels": {"cast": "maybe"}}, "has no level 'maybe'; it has: off, on"),
    ],
)
def test_check_refuses_what_the_study_does_not_have(
    invalid: Configuration, changed: dict[str, object], message: str
) -> None:
    wrong = Configuration(**{**{name: getattr(invalid, name) for name in invalid.__dataclass_fields__}, **changed})
    with pytest.raises(StudyError, match=message):
        wrong.check()
