"""Of many changes the largest are shown, and the others are one line; of few all are, in their order."""

import random
from pathlib import Path

import pytest

from ablatrix.analysis.effects import Largest, largest
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.paper.figures.attribution import compose_attribution, waterfalls
from ablatrix.paper.figures.main_effects import MainEffectsData, compose_main_effects
from ablatrix.paper.figures.steps import compose_steps, step_bars
from ablatrix.paper.largest import others_line
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.spec import TableSpec
from ablatrix.plotting.figure import house_style
from ablatrix.plotting.labels import ENGLISH
from tests.legibility import faults
from tests.made_study import Truth, write_results
from tests.screened_study import many_knobs


def test_few_changes_are_all_shown_in_their_order() -> None:
    assert largest({"b": [1.5], "a": [None], "c": [2.0]}) == Largest(("b", "a", "c"))


def test_largest_of_many_are_shown_and_others_have_their_ends() -> None:
    ratios: dict[int, list[float | None]] = {number: [1.0 + number / 1000] for number in range(30)}
    found = largest(ratios | {30: [0.5, 1.0], 31: [None]})
    assert found.shown[:2] == (30, 29)
    assert (len(found.shown), found.others) == (16, 16)
    assert found.ends == (1.0, 1.014)
    assert others_line(found, ENGLISH) == "16 further changes: 1 to 1.01"


def test_line_about_changes_without_a_value_or_alike() -> None:
    assert others_line(Largest((1,), 3), ENGLISH) == "3 further changes without a value"
    assert others_line(Largest((1,), 3, (1.0, 1.0)), ENGLISH) == "3 further changes: 1"
    assert others_line(Largest((1,)), ENGLISH) is None


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Return a study of 55 knobs, each changed by itself, of which three do something."""
    truth = Truth({("k9", "on"): 0.8, ("k30", "on"): 1.1, ("k50", "on"): 0.9}, frozenset({"k9"}), noise=0.002)
    stages = [{"name": "each", "around": {}, "vary": "all"}]
    directory: Path = tmp_path_factory.mktemp("alone")
    made = write_results(random.Random(7), many_knobs(55, stages), directory, truth, live=[None])
    return Findings(tidy([made.results / "results.jsonl"]))


def test_figures_of_55_knobs_are_a_page_each_and_legible(alone: Findings) -> None:
    metric = "run_ms_paired"
    effects = alone.effects(metric, "hot", [f"k{number}" for number in range(55)])
    data = MainEffectsData.of(metric, effects, alone.controls(metric, "hot"), [])
    around = waterfalls(alone.changes_around(metric, "hot"), [])
    with house_style():
        pages = [compose_main_effects(data), compose_attribution(around, metric)]
        pages.append(compose_steps(step_bars(alone.ablations(metric, "hot")), ENGLISH))
        assert [len(held) for held in pages] == [1, 1, 1]
        assert [faults(page) for held in pages for page in held] == [[], [], []]
    titles = [panel.get_title() for panel in pages[0][0].axes]
    assert titles[:3] == ["k9\noff → on", "k50\noff → on", "k30\noff → on"]


def test_table_of_effects_has_largest_changes_and_a_line_for_others(alone: Findings) -> None:
    spec = next(one for one in load_template().tables if one.number == 4)
    assert isinstance(spec, TableSpec)
    table = build_table(alone, spec)
    changes = [row[[*table.headings].index("change")] for row in table.rows]
    assert len(changes) == 16
    assert [str(change).split(":")[0].split(" ")[0] for change in changes[:3]] == ["k9", "k50", "k30"]
    (note,) = (note for note in table.notes if "largest changes" in note)
    assert note.startswith("mlp, mine, each: the 16 largest changes. 39 further changes: ")
