"""Squares of knobs: what two of them do together, of screenings and of factorials."""

from pathlib import Path

import pytest

from ablatrix.analysis.effects import Crossed, CrossedKnobs, crossed_frame, crossed_knobs
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.paper.figures.interactions import compose_interactions
from ablatrix.plotting.figure import Width, house_style
from ablatrix.plotting.labels import ENGLISH
from ablatrix.statistics.ratio import Ratio
from tests.legibility import faults
from tests.screened_study import STAGES, write_screened

FRACTION = [{"name": "screen", "screen": "all", "design": "fraction"}, STAGES[1]]


def square(count: int, aliases: tuple[str, ...] = ()) -> CrossedKnobs:
    knobs = tuple(f"knob_{number}" for number in range(count))
    pairs = {
        frozenset((one, other)): Crossed(Ratio(0.9 + 0.01 * number, 0.89, 1.2, 5), number % 3 == 0, aliases)
        for number, (one, other) in enumerate((a, b) for a in knobs for b in knobs if a < b)
    }
    return CrossedKnobs(
        origin=(), workload="mlp", digest="d", compiler="tvm", metric="run_ms_paired", stage="screen",
        is_screened=True, blocks=5, knobs=knobs[:16], others=max(0, count - 16), pairs=pairs,
    )  # fmt: skip


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize(("count", "aliases"), [(3, ()), (8, ()), (16, ("a x b",)), (20, ())])
def test_squares_are_legible(count: int, aliases: tuple[str, ...], width: Width) -> None:
    with house_style():
        for page in compose_interactions([square(count, aliases), square(4)], width, ENGLISH):
            assert faults(page) == []


def test_squares_are_of_screening_with_its_sums_and_of_confirmation(tmp_path: Path) -> None:
    made = write_screened(tmp_path, {"k0": 0.8, "k3": 1.1, "k5": 0.95}, 12, 10, stages=FRACTION)
    found = Findings(tidy([made.results / "results.jsonl"]))
    screens, parts = found.screenings("run_ms_paired", "hot"), found.attributions("run_ms_paired", "hot", {}, {})
    screen, confirm = crossed_knobs(screens, parts)
    assert (screen.stage, screen.is_screened, len(screen.knobs), len(screen.pairs)) == ("screen", True, 10, 45)
    assert (confirm.stage, confirm.is_screened, len(confirm.knobs), len(confirm.pairs)) == ("confirm", False, 3, 3)
    frame = crossed_frame([screen, confirm])
    assert frame.height == 48
    assert frame["ratio"].to_list() == pytest.approx([1.0] * 48, abs=0.01)  # factors multiply: nothing interacts


def test_two_knobs_are_no_square() -> None:
    assert crossed_knobs([], []) == []
