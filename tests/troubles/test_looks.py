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


@pytest.mark.compiler
@pytest.mark.slow
def test_passes_are_asked_of_the_servers_and_the_program_of_looks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(SMALL))
    resolved = load_study(tmp_path / "study.yaml")
    on = Configuration(resolved=resolved, workload="mlp", compiler="onnxruntime", levels={"fusion": "on"})
    with caplog.at_level("INFO"), Looks(tmp_path / "looks") as looks:
        listed = looks.passes(on)
        looks.see(on, "first", "hot")
    assert "optimizer:MatMulAddFusion" in {one.address for one in listed.passes if one.changed}
    assert len(list((tmp_path / "looks" / "programs").iterdir())) == 1
    assert len([line for line in caplog.messages if line.startswith("starting the fork server")]) == 1
    records = list(read_records(tmp_path / "looks" / "first" / "results.jsonl"))
    first, second = (one.compile.compile_cache_miss_delta_first_run for one in records if one.compile)
    assert first > 0 and second == 0, "the look found what was compiled for the passes"


@pytest.mark.compiler
@pytest.mark.slow
def test_looks_at_times_find_what_the_same_configuration_built_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(json.dumps(SMALL))
    resolved = load_study(tmp_path / "study.yaml")
    on = Configuration(resolved=resolved, workload="mlp", compiler="onnxruntime", levels={"fusion": "on"})
    stale = tmp_path / "looks" / "cache" / "stale"
    stale.mkdir(parents=True)
    with Looks(tmp_path / "looks") as looks:
        assert not stale.exists()
        for place, configuration in (("first", on), ("again", on), ("other", on.at({"arena": "off"}))):
            looks.see(configuration, place, "hot", reference={"fusion": "off"})
        looks.see(on, "failure", "hot")
    assert not (tmp_path / "looks" / "cache").exists()
    assert [_built(tmp_path / "looks" / place) for place in ("first", "again", "other", "failure")] == [
        {"off": [True, False], "on": [True]},
        {"off": [False, False], "on": [False]},
        {"off": [False, False], "on": [True]},
        {"on": [True, False]},
    ]


def _built(results: Path) -> dict[str, list[bool]]:
    """Return by the level of fusion which trials compiled something, those that did first."""
    found: dict[str, list[bool]] = {}
    for one in read_records(results / "results.jsonl"):
        assert one.status == "ok" and one.compile is not None
        found.setdefault(str(one.config.knobs["fusion"]), []).append(one.compile.compile_cache_miss_delta_first_run > 0)
    return {level: sorted(built, reverse=True) for level, built in found.items()}


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
