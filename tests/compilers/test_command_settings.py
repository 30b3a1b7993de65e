"""Settings that a program offers, its knobs that are numbers, and a tolerance that a knob of it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.command.compiler import CommandCompiler
from ablatrix.compilers.command.description import read_description
from ablatrix.compilers.command.replies import read_settings
from ablatrix.compilers.settings import ask_addresses
from ablatrix.errors import CompilerError, StudyError
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.study.design import make_cells
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.testing.subject import Subject
from ablatrix.trials.run.runner import run

PROGRAM = Path(__file__).parent / "adjustable_program.py"
STUDY = f"""\
name: adjusted
workloads:
  - name: mlp
    parameters: {{layers: 1, hidden: 16, batch: 2}}
compilers:
  - name: mine
    command: [python3, {PROGRAM}]
    knobs:
      limit: {{setting: "flag:limit", levels: [1, 4, 16]}}
      half: {{setting: "flag:half", tolerance: 1.0e+6}}
      short: {{setting: "flag:short"}}
      spin: {{setting: "run:spin"}}
modes: [cold]
stages:
  - {{name: one, around: {{}}, vary: {{limit: [4], half: [on], short: [on], spin: [on]}}}}
  - {{name: rates, around: {{}}, vary: {{rate: [4]}}}}
checks: {{input_sets: 1}}
protocol: {{threads: 1, repeats: 0, cold: {{replicates: 1, timeout_s: 60}}}}
"""


def written(directory: Path, text: str = STUDY) -> Path:
    file = directory / "study.yaml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> ResolvedStudy:
    return load_study(written(tmp_path_factory.mktemp("adjusted")))


def test_settings_that_program_describes_are_knobs_of_study(resolved: ResolvedStudy) -> None:
    entry = resolved.catalogue.compiler("mine")
    limit, spin, half = (entry.knob(name) for name in ("limit", "spin", "half"))
    assert limit is not None
    assert spin is not None
    assert half is not None
    assert ([level.name for level in limit.levels], limit.default, limit.affects) == ([1, 4, 16], 1, "code")
    assert (spin.default, spin.affects, half.tolerance) == ("off", "run_time", 1e6)
    assert entry.addresses["limit"] == ["flag:limit"]
    found = ask_addresses(entry)
    assert found.kinds == ["flag", "run", "env"]
    assert found.names("flag") == ["limit", "half", "short", "mode"]


def test_levels_of_program_are_numbers_in_their_order(resolved: ResolvedStudy) -> None:
    cells = make_cells(resolved, "mlp", "mine")
    assert [cell.knobs["rate"] for cell in cells if cell.stage == "rates"] == [4]
    assert cells[0].baseline["rate"] == 0.5
    rate = resolved.catalogue.compiler("mine").knob("rate")
    assert rate is not None
    assert [level.name for level in rate.levels] == [0.5, 1, 4]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flag:limit", "flag:limt", r":9: compiler 'mine', as installed, has no flag 'limt' .* nearest: limit"),
        ("flag:limit", "config:limit", r":9: compiler 'mine' has no settings of kind 'config'; it has: flag, run, env"),
        ("levels: [1, 4, 16]", "levels: [1, many]", r":9: 'flag:limit' has no level 'many': it must be a whole number"),
        ('setting: "flag:short"', 'setting: "flag:mode", levels: [fra]', r"must be one of near, far; nearest: far"),
        (
            'setting: "flag:short"',
            'pass: "a.py:b", after: c',
            r"knob 'short' of a program has a 'pass'; a program is given",
        ),
    ],
)
def test_wrong_setting_of_program_is_one_message_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in STUDY
    with pytest.raises(StudyError, match=message) as caught:
        load_study(written(tmp_path, STUDY.replace(old, new)))
    assert len(caught.value.args) == 1


def test_program_gets_its_settings_and_reads_them_back(resolved: ResolvedStudy, tmp_path: Path) -> None:
    entry = resolved.catalogue.compiler("mine")
    made = Subject(CommandCompiler(entry), entry, tmp_path)
    one = made.case()
    assert made.compiler.settings_in_force() == {"run:spin": "false"}  # type: ignore[attr-defined]
    spinning = made.compile({"spin": "on", "rate": 4}, one.directory)
    assert made.compiler.settings_in_force() == {"run:spin": "true"}  # type: ignore[attr-defined]
    assert (spinning.counters.hits_disk, spinning.digest) == (1, one.digest)
    other = made.compile({"limit": 16}, one.directory)
    assert other.counters.misses == 1
    assert other.digest != one.digest


@pytest.fixture(scope="module")
def outcomes(resolved: ResolvedStudy, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    summary = run(resolved, tmp_path_factory.mktemp("ran") / "out")
    return [one for one in read_records(summary.results, report=lambda _: None) if one.role == "measured"]


def test_tolerance_that_knob_promises_holds_for_its_levels_alone(outcomes: list[Record]) -> None:
    """Two switches round to half precision: one says that it may, by how much, and the other does not."""
    found = {}
    for one in outcomes:
        moved = [knob for knob, level in one.config.knobs.items() if level != one.config.baseline[knob]]
        assert one.correctness is not None
        found["".join(moved)] = (str(one.status), one.correctness.rms_factor, one.correctness.tolerance_by)
    assert found == {
        "": ("ok", 2.0, None),
        "limit": ("ok", 2.0, None),
        "half": ("ok", 1e6, "half"),
        "short": ("wrong_output", 2.0, None),
        "spin": ("ok", 2.0, None),
        "rate": ("ok", 2.0, None),
    }


def test_record_has_settings_of_program_and_that_baseline_is_as_described(outcomes: list[Record]) -> None:
    spinning = next(one for one in outcomes if one.config.knobs["spin"] == "on")
    assert spinning.meta.settings_in_force == {"run:spin": "true"}
    assert spinning.config.settings["limit"] == "flag:limit"
    assert spinning.config.departures == {}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"settings": [{"kind": "env", "name": "A", "type": "text"}]}, "every program has them"),
        ({"settings": [{"kind": "a", "name": "b", "type": "switch", "value": 1}]}, "value 1 of setting 'a:b' is no"),
        ({"settings": [{"kind": "a", "name": "b", "type": "text"}] * 2}, "two settings have one address"),
        ({"settings": [{"kind": "a", "name": "b", "type": "list"}]}, "settings.0.type"),
        ({"knobs": [{"name": "k", "free": "number", "default": "x"}]}, "default 'x' of knob 'k' is no number"),
        ({"knobs": [{"name": "k", "free": "name", "default": 1}]}, "default '1' of knob 'k' is no name"),
        ({"knobs": [{"name": "k", "levels": ["a"], "default": "a", "tolerance": 0}]}, "tolerance: .*greater than 0"),
    ],
)
def test_description_with_wrong_setting_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        read_description({"protocol": 1, **changed}, "mine")


def test_whole_number_is_value_of_number() -> None:
    settings = [{"kind": "a", "name": "b", "type": "number", "value": 2}]
    assert read_description({"protocol": 1, "settings": settings}, "mine").settings[0].value == 2


def test_settings_in_force_are_plain_values_that_were_asked_for() -> None:
    asked = [("run", "spin"), ("run", "wait")]
    assert read_settings({"settings": {"run:spin": 0.5, "flag:x": 1}}, asked, "mine") == {"run:spin": "0.5"}
    assert read_settings({}, asked, "mine") == {}
    with pytest.raises(CompilerError, match="mine: 'load' may answer"):
        read_settings({"settings": {"run:spin": [1]}}, asked, "mine")
