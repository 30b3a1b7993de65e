"""Looks at configurations by ordinary runs, and the predicate that asks them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablatrix.errors import StudyError
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
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
def test_looks_at_times_find_what_the_same_configuration_built(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(SMALL))
    resolved = load_study(tmp_path / "study.yaml")
    slow = Configuration(resolved=resolved, workload="mlp", compiler="onnxruntime", levels={"fusion": "on"})
    levels = [{"fusion": "on"}, {"fusion": "on"}, {"fusion": "on", "reuse": "release"}]
    with Looks(tmp_path / "looks") as looks:
        sights = [
            looks.see(slow.at(one), f"{number}", "hot", reference={"fusion": "off"})
            for number, one in enumerate(levels)
        ]
        kept = {one.name for one in (tmp_path / "looks" / "built").iterdir()}
    held = [list(read_records(tmp_path / "looks" / one.results / "results.jsonl")) for one in sights]
    assert [len(one.logs) for one in sights] == [1, 1, 1]
    assert [sorted(one.role for one in records) for records in held] == [["measured", "measured", "twin"]] * 3
    misses = [_built(records) for records in held]
    assert all(misses[0].values()), "each configuration was built in the first look"
    assert [*misses[1].values()] == [0, 0]
    assert {cell for cell, count in misses[2].items() if count} == misses[2].keys() - misses[0].keys()
    assert kept == {*misses[2]}
    assert not (tmp_path / "looks" / "built").exists()


def _built(records: list[Record]) -> dict[str, int]:
    """Return how many tasks were built, by configuration."""
    found: dict[str, int] = {}
    for one in records:
        assert one.compile is not None
        found[one.cell_id] = found.get(one.cell_id, 0) + one.compile.compile_cache_miss_delta_first_run
    return found


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
