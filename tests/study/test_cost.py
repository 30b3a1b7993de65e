"""What a study is expected to take: rough costs that hold for the shipped study, and costs learnt from its records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ablatrix.records.model import Record
from ablatrix.study.cost import StudyCosts, estimate, learn_costs
from ablatrix.study.design import make_design
from ablatrix.study.load import load_study
from tests.synthetic import make_records

QUICK = Path(__file__).parents[2] / "studies" / "quick.yaml"
QUICK_S = 498.0
"""Wall time of a run of the study on 2 cores of a small server: 880 trials, of which 180 in blocks that were added."""
BEGUN = datetime(2026, 11, 28, tzinfo=UTC)


def timed(records: list[Record], *, wall_s: float, gap_s: float, pause_s: float = 0.0) -> list[Record]:
    """Return records that follow each other with a gap, and with a pause of the run before the last block."""
    made: list[Record] = []
    moment = BEGUN
    for record in records:
        if pause_s and record.block_id == records[-1].block_id and made[-1].block_id != record.block_id:
            moment += timedelta(seconds=pause_s)
        meta = record.meta.model_copy(update={"time_utc": moment.isoformat()})
        made.append(record.model_copy(update={"meta": meta, "wall_s": wall_s}))
        moment += timedelta(seconds=wall_s + gap_s)
    return made


def test_estimate_of_quick_study_is_within_half_of_its_real_time() -> None:
    resolved = load_study(QUICK)
    design = make_design(resolved)
    found = estimate(resolved, design, design.trials, ())
    assert 1 / 1.5 <= found.total / QUICK_S <= 1.5
    assert found.longest > found.total
    alone = estimate(resolved, design, design.trials, (), further=False)
    assert (alone.expected, alone.limit) == (0.0, 0.0)


def test_costs_of_records_have_their_part_of_what_lies_between_trials() -> None:
    records = timed(make_records(workloads=["encoder"], modes=["cold"], blocks=3), wall_s=2.0, gap_s=0.5)
    costs = learn_costs(records)
    assert costs.of_unit("encoder", "tvm", "cold") == pytest.approx(
        (2.5 + 2.5 + 2.0) / 3
    )  # nothing follows the last block
    assert costs.of_unit("encoder", "tvm", "hot") is None
    assert costs.cells[records[0].cell_id, "cold"] == pytest.approx(2.5)


def test_pause_of_a_run_is_no_cost_of_its_trials() -> None:
    records = timed(make_records(workloads=["encoder"], modes=["hot"], blocks=3), wall_s=2.0, gap_s=0.0, pause_s=7200.0)
    assert learn_costs(records).of_unit("encoder", "tvm", "hot") == pytest.approx(2.0)


def test_measured_cells_replace_rough_costs_of_a_study() -> None:
    resolved = load_study(QUICK)
    design = make_design(resolved)
    first = next(trial for trial in design.trials if trial.mode == "cold" and trial.role == "measured")
    cell = design.cell(first.cell_id)
    record = make_records(workloads=["encoder"], modes=["cold"], blocks=1)[0]
    workload = record.workload.model_copy(update={"name": cell.workload})
    same = record.model_copy(update={"cell_id": cell.cell_id, "workload": workload, "wall_s": 77.0})
    rough, costs = StudyCosts(resolved), StudyCosts(resolved, [same])
    assert (rough.is_measured, costs.is_measured) == (False, True)
    assert costs.trial(first, cell) == 77.0
    assert rough.trial(first, cell) < 10
