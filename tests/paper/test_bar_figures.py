"""Speed-up, steps, phases and memory: bars that can be read for any number of knobs, workloads and compilers."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablatrix.analysis.effects import Ablation, Move, SpeedUp
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.paper.figures.shares import ShareBar, compose_memory, compose_phases, memory_bars, phase_bars
from ablatrix.paper.figures.speed_up import bars_of, compose_speed_up
from ablatrix.paper.figures.steps import compose_steps, step_bars
from ablatrix.paper.figures.write import figure_lack, write_figure
from ablatrix.paper.template.load import load_template
from ablatrix.plotting.figure import Width, house_style
from ablatrix.plotting.labels import Labels
from ablatrix.statistics.ratio import Allowance, paired_ratio
from tests.legibility import faults
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied

ENGLISH = Labels("en")
LONG = "a_workload_with_a_name_of_forty_letters_"
SHAPES: list[tuple[int, int, int, Width]] = [  # knobs, workloads, compilers
    (1, 1, 1, "column"),
    (4, 4, 1, "column"),
    (12, 4, 1, "page"),
    (4, 25, 1, "page"),
    (4, 4, 6, "page"),
    (12, 25, 1, "column"),
]


def speed_up(value: float, moved: dict[str, str]) -> SpeedUp:
    logs = (math.log(value) - 0.01, math.log(value) + 0.01, math.log(value))
    ratio = paired_ratio(logs)
    return SpeedUp(moved=KnobLevels(moved), ratio=ratio, logs=logs, allowance=Allowance(), repeats=3, base="net")


def ablation(workload: str, compiler: str, knobs: int) -> Ablation:
    moves = tuple(Move(f"knob_number_{index}", "off", "on") for index in range(knobs))
    alone = tuple(speed_up(1 + 0.1 * (index + 1), {move.knob: "on"}) for index, move in enumerate(moves))
    added = tuple(speed_up(1 + 0.15 * (index + 1), {}) for index in range(knobs))
    return Ablation(
        workload=workload,
        digest=workload,
        compiler=compiler,
        mode="hot",
        metric="run_ms_paired",
        base=KnobLevels({move.knob: "off" for move in moves}),
        moves=moves,
        alone=alone,
        path=moves,
        added=added,
        without=tuple(speed_up(1.2, {}) for _ in moves) if knobs > 1 else (),
        base_over_eager=speed_up(1.4, {}),
        whole_over_eager=speed_up(2.4, {}),
    )


def many(knobs: int, workloads: int, compilers: int) -> list[Ablation]:
    return [
        ablation(f"{LONG[:38]}{number:02d}", f"compiler_{letter}", knobs)
        for letter in range(compilers)
        for number in range(workloads)
    ]


def shares(found: list[Ablation], with_phases: bool) -> list[ShareBar]:
    bars = []
    for one in found:
        moves = {f"{move.knob}=on": {move.knob: "on"} for move in one.moves}
        for index, (name, moved) in enumerate({"": {}, **moves, "all": {}}.items()):
            parts = {"compile_ms": 60.0 + index, "import_ms": 20.0, "run_ms_cold": 9.0, "plan_ms": 5.0, "load_ms": 3.0}
            held = parts if with_phases else {"planned_bytes": 1e6 / (index + 1)}
            bars.append(
                ShareBar(
                    workload=one.workload,
                    compiler=one.compiler,
                    name=name,
                    moved=moved,
                    parts=held,
                    base=97.0 if with_phases else 1e6,
                    whole=sum(held.values()),
                )
            )
    return bars


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        pytest.param(
            kind, shape, id=f"{kind}-{'-'.join(map(str, shape))}", marks=[] if (row + at) % 2 else pytest.mark.long
        )
        for row, kind in enumerate(["speed_up", "steps", "phases", "memory"])
        for at, shape in enumerate(SHAPES)
    ],
)
def test_bars_of_any_shape_are_legible(kind: str, shape: tuple[int, int, int, Width]) -> None:
    *counts, width = shape
    found = many(*counts)
    with house_style():
        pages: list[Figure] = {
            "speed_up": lambda: compose_speed_up(bars_of(found), ENGLISH, width),
            "steps": lambda: compose_steps(step_bars(found), ENGLISH, width),
            "phases": lambda: compose_phases(shares(found, with_phases=True), ENGLISH, width),
            "memory": lambda: compose_memory(shares(found, with_phases=False), ENGLISH, width),
        }[kind]()
        assert faults(pages[0]) == []
        assert faults(pages[-1]) == []


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bars")
    plants = [Plant("crashed", "attention", "hot", {"fusion": "on", "reuse": "keep"})]
    found = Findings(tidied(make_records(blocks=3, noise=0.0, plants=plants)))
    for spec in load_template().figures:
        if spec.number in (1, 2, 3, 9):
            write_figure(found, spec, directory)
    return directory


def test_speed_up_figure_has_both_comparisons_and_mean(written: Path) -> None:
    rows = {(row["workload"], row["configuration"], row["over"]): row for row in rows_of(written / "fig1.csv")}
    whole = 1 / math.prod(HOT_EFFECT.values())
    assert float(rows["encoder", "all", "baseline"]["speed_up"]) == pytest.approx(whole)
    assert float(rows["encoder", "all", "eager"]["speed_up"]) == pytest.approx(whole * 24 / 31)
    assert float(rows["geometric mean", "all", "baseline"]["speed_up"]) == pytest.approx(whole)
    assert rows["geometric mean", "all", "baseline"]["workloads"] == "2"


def test_steps_figure_adds_and_removes_each_knob(written: Path) -> None:
    rows = {(row["workload"], row["configuration"], row["knob"]): row for row in rows_of(written / "fig2.csv")}
    assert [knob for workload, group, knob in rows if (workload, group) == ("encoder", "added")] == list(PRIMARY)
    first = float(rows["encoder", "added", "partition"]["speed_up"])
    assert first == pytest.approx(1 / HOT_EFFECT["partition"])
    assert rows["attention", "without", "reuse"]["speed_up"] == ""
    assert "crashed" in rows["attention", "without", "reuse"]["reason"]


def test_phases_figure_has_medians_of_each_phase(written: Path) -> None:
    (base,) = (
        row
        for row in rows_of(written / "fig3.csv")
        if (row["workload"], row["configuration"]) == ("encoder", "baseline")
    )
    assert float(base["compile_ms"]) == pytest.approx(5200 * 0.6, rel=0.01)
    assert float(base["whole"]) == pytest.approx(5200)


def test_memory_figure_has_each_knob_and_all(written: Path) -> None:
    rows = [row["configuration"] for row in rows_of(written / "fig9.csv") if row["workload"] == "encoder"]
    assert rows == ["baseline", *(f"{knob}={levels[1]}" for knob, levels in PRIMARY.items()), "all"]


def test_bars_of_study_without_moving_knob_are_left_out_with_reason() -> None:
    base = {knob: levels[0] for knob, levels in PRIMARY.items()}
    records = [
        one
        for one in make_records(workloads=["encoder"])
        if one.role == "measured" and all(one.config.knobs[knob] == level for knob, level in base.items())
    ]
    found = Findings(tidied(records))
    specs = {spec.number: spec for spec in load_template().figures}
    assert figure_lack(found, specs[1]) == "figure/no_grid"
    assert figure_lack(found, specs[2]) == "figure/no_knob"


def test_speed_up_figure_in_chinese_has_chinese_words() -> None:
    with house_style():
        (page,) = compose_speed_up(bars_of(many(4, 2, 1)), Labels("zh"))
        texts = {text.get_text() for text in page.findobj(Text) if isinstance(text, Text)}
    assert {"几何平均", "相对基线", "加速比"} <= texts


def test_speed_up_without_ratio_is_a_cross() -> None:
    one = ablation("encoder", "tvm", 2)
    lost = replace(one.added[-1], ratio=None, logs=())
    with house_style():
        (page,) = compose_speed_up(bars_of([replace(one, added=(one.added[0], lost))]), ENGLISH)
        assert faults(page) == []
    assert "x" in {line.get_marker() for axes in page.axes for line in axes.lines}


def test_bars_of_phases_and_memory_are_made_from_ok_trials() -> None:
    found = Findings(tidied(make_records(workloads=["encoder"], noise=0.0)))
    phases = phase_bars(found.ablations("compile_first_run_ms", "cold"), found.trials)
    assert [one.name for one in phases] == ["", "all"]
    assert {one.base for one in phases} == {5200.0}
    planned = memory_bars(found.ablations("run_ms_paired", "hot"), found.trials)
    assert len(planned) == 6
    assert planned[0].whole == planned[0].base
