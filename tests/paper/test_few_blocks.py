"""Where blocks are few, no sentence takes what is not significant for what is not there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.paper.english import ENGLISH
from ablatrix.paper.estimates import Interval
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import RATIO, Form, Number
from ablatrix.paper.text import plain_text
from ablatrix.paper.views import farthest, half_width
from ablatrix.provenance.rows import Rows
from ablatrix.records.model import Record
from ablatrix.statistics.ratio import Ratio
from tests.paper import recompute
from tests.paper.written import Paper, each, write_paper
from tests.synthetic import make_records, tidied


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """Two blocks of times that scatter by a third."""
    records = make_records(workloads=["attention", "encoder"], noise=0.35)
    paper = write_paper(tmp_path_factory.mktemp("wide"), each(records, asked(0.01)), claims=False)
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
    return paper


def asked(target: float) -> Callable[[Record], Record]:
    """Return a change of hot records: how narrow the study wanted intervals, and that it allowed two blocks."""

    def change(record: Record) -> Record:
        runtime = record.runtime
        if record.mode != "hot" or record.role != "measured" or runtime is None:
            return record
        told = {
            "blocks": 2, "least_blocks": 2, "most_blocks": 2, "effect_target": target, "cell_target": 0.02,
            "effect_half_width": None, "cell_half_width": None, "short_of": None, "decision": "most_blocks",
        }  # fmt: skip
        changed = runtime.model_dump() | {"stopping": told}
        return record.model_copy(update={"runtime": type(runtime).model_validate(changed)})

    return change


def test_wide_intervals_leave_interactions_open(wide: Paper) -> None:
    said = wide.sentences["benefit: interaction"]
    assert said.startswith("No interaction between two of the crossed knobs is significant, but with CIs extending to ")
    assert "multiply" not in said


def test_wide_intervals_leave_effects_open_and_count_blocks(wide: Paper) -> None:
    said = wide.sentences["benefit: nothing_earned"]
    assert said.startswith(
        "After Holm correction, no single knob has a significant effect on the run time of any workload; with only 2 "
        "blocks and CIs extending to "
    )
    assert "benefit: losses" not in wide.sentences
    assert "benefit: losses" not in wide.left_out


def test_wide_intervals_are_factors_and_miss_the_target(wide: Paper) -> None:
    said = wide.sentences["fairness: precision"]
    assert said.startswith("The CI of every single-knob effect lies within a factor of ")
    assert said.endswith(
        "This misses the preset target of ±1% for the run time, as the number of hot blocks was limited to 2."
    )


def test_target_that_was_reached_is_said_so(tmp_path: Path) -> None:
    paper = write_paper(tmp_path, each(make_records(workloads=["encoder"], blocks=3), asked(0.5)), claims=False)
    assert paper.sentences["fairness: precision"].endswith(
        "of its estimate. This meets the preset target of ±50% for the run time."
    )


def test_wide_control_says_that_it_shows_large_differences_only(wide: Paper) -> None:
    said = wide.sentences["fairness: control/run_ms_paired"]
    assert "for any of the 2 workloads, but with 2 blocks each, only large differences could have been detected" in said


@pytest.mark.parametrize(
    ("ends", "said", "far"),
    [
        ([(0.99, 1.019), (0.995, 1.01)], "CIs within ±1.9% of no effect", False),
        ([(0.99, 1.019)], "CI -1.0% to 1.9%", False),
        ([(0.9, 1.3)], "CI -10% to 30%", True),
        ([(0.9, 1.3), (0.8, 1.2)], "CIs extending to increases by up to a factor of 1.30", True),
        ([(0.5, 1.1), (0.9, 1.3)], "CIs extending to reductions by up to a factor of 2.00", True),
    ],
)
def test_farthest_end_of_intervals_is_a_factor_where_it_is_far(
    ends: list[tuple[float, float]], said: str, far: bool
) -> None:
    ledger = ledger_of_one_trial()
    found = [interval(ledger, place, *pair) for place, pair in enumerate(ends)]
    fragment, is_far = farthest(ledger, "reach", found)
    assert (plain_text(fragment, ENGLISH), is_far) == (said, far)


@pytest.mark.parametrize(("width", "said"), [(0.015, "±1.5%"), (0.5, "a factor of 1.65")])
def test_half_width_is_a_factor_where_percent_would_differ_by_side(width: float, said: str) -> None:
    ledger = ledger_of_one_trial()
    form = "z.1f" if width < 0.1 else ".0f"
    number = ledger.constant("width", width, "test", Form(form, 0.01, "%"))
    assert plain_text(half_width(ledger, number), ENGLISH) == said


def ledger_of_one_trial() -> Ledger:
    return Ledger(Rows(tidied(make_records(workloads=["attention"], blocks=1)[:1]).trials.with_row_index("row")))


def interval(ledger: Ledger, place: int, low: float, high: float) -> Interval:
    def number(name: str, value: float) -> Number:
        return ledger.constant(f"{place}/{name}", value, "test", RATIO)

    middle = (low * high) ** 0.5
    ratio = Ratio(middle, low, high, 3)
    return Interval(ratio, number("ratio", middle), number("low", low), number("high", high), None)
