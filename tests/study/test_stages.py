"""Forms of stages: knobs without levels, around all on, screenings, and factorials that nobody means."""

from typing import Any

import pytest

from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, Level, LevelEntry
from ablatrix.errors import StudyError
from ablatrix.study.design import make_cells, make_design
from ablatrix.study.design_file import design_text
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.spans import screened_levels
from ablatrix.workloads.shipped import SHIPPED


def knob(name: str, *levels: Level, kind: Any = "primary", affects: Any = "code") -> KnobEntry:
    entries = tuple(LevelEntry(level, "A level.") for level in levels)
    return KnobEntry(name=name, kind=kind, summary="A knob.", levels=entries, default=levels[0], affects=affects)


def study_of(knobs: list[KnobEntry], stages: list[dict[str, Any]], **more: Any) -> ResolvedStudy:
    entry = CompilerEntry(name="mine", summary="Mine.", modules=(), extra="", adapter="a:B", knobs=tuple(knobs))
    catalogue = Catalogue(
        Entries(COMPILER_FAMILY, {"mine": entry, "eager": EAGER}, {}), Entries(WORKLOAD_FAMILY, dict(SHIPPED), {})
    )
    given = {"name": "s", "workloads": ["mlp"], "compilers": ["mine"], "modes": ["hot"], "stages": stages, **more}
    return resolve_study(Study.model_validate(given), catalogue)


def switches(count: int) -> list[KnobEntry]:
    return [knob(f"k{number}", "off", "on") for number in range(count)]


def moved(resolved: ResolvedStudy) -> list[dict[str, Level]]:
    cells = make_cells(resolved, "mlp", "mine")
    return [{name: level for name, level in cell.knobs.items() if level != cell.baseline[name]} for cell in cells]


def test_vary_all_around_all_on_leaves_each_out() -> None:
    first = {"name": "each", "around": {}, "vary": "all"}
    last = {"name": "without", "around": "all_on", "vary": "all"}
    assert moved(study_of(switches(3), [first, last])) == [
        {},
        {"k0": "on"},
        {"k1": "on"},
        {"k2": "on"},
        {"k0": "on", "k1": "on", "k2": "on"},
        {"k1": "on", "k2": "on"},
        {"k0": "on", "k2": "on"},
        {"k0": "on", "k1": "on"},
    ]


def test_all_on_of_knob_without_on_is_its_last_level() -> None:
    knobs = [knob("k", "off", "on"), knob("tile", 8, 16, 32), knob("level", "O2", "O0")]
    stage = {"name": "without", "around": "all_on", "vary": ["k", "tile", "level"]}
    found = moved(study_of(knobs, [{"name": "base", "around": {}, "vary": {"k": ["on"]}}, stage]))
    assert {"k": "on", "tile": 32, "level": "O0"} in found


def test_list_of_knobs_varies_each_of_their_levels() -> None:
    stage = {"name": "each", "around": {}, "vary": ["tile"]}
    assert moved(study_of([knob("tile", 8, 16, 32), knob("k", "off", "on")], [stage])) == [
        {},
        {"tile": 16},
        {"tile": 32},
    ]


@pytest.mark.parametrize(
    ("levels", "base", "screened"),
    [
        (("off", "on"), "off", ("off", "on")),
        (("off", "on"), "on", ("on", "off")),
        (("default", "off", "on"), "default", ("default", "on")),
        (("O0", "O1", "O2"), "O0", ("O0", "O2")),
        ((1, 4, 16), 4, (1, 4, 16)),
        ((1, 4, 16), 1, (1, 16)),
        ((1, 4, 16), 16, (16, 1)),
        (("off",), "off", ("off",)),
    ],
)
def test_screened_levels_are_two_or_three_numbers(
    levels: tuple[Level, ...], base: Level, screened: tuple[Level, ...]
) -> None:
    assert screened_levels(knob("k", *levels), None, base) == screened


def test_screening_begins_with_untimed_compiles_alone_and_last() -> None:
    design = make_design(study_of(switches(4), [{"name": "screen", "screen": "all"}]))
    cells = {cell.cell_id: cell for cell in design.cells}
    sets = [{k for k, level in cells[one.cell_id].knobs.items() if level == "on"} for one in design.trials]
    assert {(one.mode, one.role, one.stage) for one in design.trials} == {("cold", "probe", "screen")}
    every = {"k0", "k1", "k2", "k3"}
    assert sets == [set(), *({one} for one in sorted(every)), every, *(every - {one} for one in sorted(every))]


def test_study_without_screening_has_design_of_ever() -> None:
    text = design_text(make_design(study_of(switches(2), [{"name": "f", "factorial": {"k0": ["off", "on"]}}])))
    assert '"choices"' not in text
    assert '"stage": "screen"' not in text
    assert '"design_version": "1.3"' in text


def test_digest_of_stage_without_new_keys_stays() -> None:
    stage = study_of(switches(2), [{"name": "f", "factorial": {"k0": ["off", "on"]}}]).study.stages[0]
    assert stage.model_dump(mode="json") == {
        "name": "f",
        "factorial": {"k0": ["off", "on"]},
        "around": None,
        "vary": None,
        "workloads": None,
        "compilers": None,
    }


def test_factorial_of_twelve_flags_is_answered_with_proposal() -> None:
    factorial = {f"k{number}": ["off", "on"] for number in range(12)}
    with pytest.raises(StudyError) as refused:
        study_of(switches(12), [{"name": "flags", "factorial": factorial}])
    text = str(refused.value)
    assert "4,096 configurations of 12 knobs take about" in text
    assert "'screen: [k0, k1, ...]'" in text
    assert "factorial_of: {stage: flags, most: 4}" in text
    assert "'configurations: 4096'" in text


def test_factorial_of_so_many_as_study_says_is_taken() -> None:
    factorial = {f"k{number}": ["off", "on"] for number in range(12)}
    resolved = study_of(switches(12), [{"name": "flags", "factorial": factorial, "configurations": 4096}])
    assert resolved.study.stages[0].configurations == 4096


@pytest.mark.parametrize(
    ("stages", "text"),
    [
        ([{"name": "c", "factorial_of": {"stage": "screen"}}], "no stage before it screens under the name 'screen'"),
        ([{"name": "s", "screen": ["cache"]}], "knob 'cache' changes a cache or only observes"),
        ([{"name": "s", "screen": {"k0": ["off"]}}], "knob 'k0' has only the baseline's level, off"),
        ([{"name": "s", "screen": ["free"]}], "knob 'free' of compiler 'mine' lists no levels to choose from"),
        ([{"name": "s", "screen": ["nothing"]}], "compiler 'mine' has no knob 'nothing'"),
    ],
)
def test_stage_that_cannot_be_screened_is_fault(stages: list[dict[str, Any]], text: str) -> None:
    knobs = [*switches(2), knob("cache", "private", "warm", affects="cache"), knob("free", "none")]
    with pytest.raises(StudyError, match=text):
        study_of(knobs, stages)


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ({"name": "s"}, "a stage has either"),
        ({"name": "s", "screen": "all", "factorial": {"k0": ["on"]}}, "only one of them"),
        ({"name": "s", "factorial": {"k0": ["on"]}, "budget_s": 9}, "'design' and 'budget_s' go with 'screen'"),
        ({"name": "s", "around": {}, "vary": "all", "configurations": 9}, "goes with 'screen' or 'factorial'"),
        ({"name": "s", "screen": []}, "name at least one knob"),
    ],
)
def test_stage_of_mixed_forms_is_fault(stage: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        study_of(switches(2), [stage])
