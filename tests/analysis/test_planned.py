"""Planned = ok + failed + unsupported + not run; what has no record is named and counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablatrix.analysis.table.choice import SUPERSEDED
from ablatrix.analysis.table.planned import PlannedTrials, count_planned, load_design
from ablatrix.analysis.table.trials_table import NOT_RECORDED, tidy
from tests.synthetic import Plant, make_records, write_records

PLANTS = [
    Plant("crashed", "encoder", "hot", {"fusion": "on", "reuse": "keep"}, block=0),
    Plant("unsupported", "encoder", "hot", {"memory_plan": "on", "fusion": "off"}),
    Plant("not_run_budget", "encoder", "hot", {"partition": "regions", "memory_plan": "off", "fusion": "off"}, block=1),
]


def planned_run(tmp_path: Path, lost: int) -> tuple[Path, dict[str, Any]]:
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=2, plants=PLANTS, superseded=2)
    keys = ("trial_id", "cell_id", "mode", "role")
    design = {"trials": [{key: getattr(record, key) for key in keys} for record in records if record.final]}
    (tmp_path / "design.json").write_text(json.dumps(design))
    return write_records(tmp_path / "results.jsonl", records[: len(records) - lost]), design


def test_planned_trials_are_reported_with_their_outcome(tmp_path: Path) -> None:
    path, design = planned_run(tmp_path, lost=3)
    table = count_planned(tidy([path]).trials, PlannedTrials.of(design))
    sums = table.select("planned", "ok", "failed", "unsupported", "not_run").sum().row(0)
    assert sums[0] == 2 * 18 == sum(sums[1:])
    assert (table["planned"] == table["ok"] + table["failed"] + table["unsupported"] + table["not_run"]).all()
    lost = [trial["trial_id"] for trial in design["trials"][-3:]]
    assert sorted(table["without_record"].explode().drop_nulls().to_list()) == sorted(lost)
    assert table["unsupported"].sum() > 0
    assert table["not_run"].sum() > 3


def test_planned_trials_without_record_are_counted(tmp_path: Path) -> None:
    path, _ = planned_run(tmp_path, lost=3)
    assert tidy([path]).excluded == {SUPERSEDED: 2, NOT_RECORDED: 3}
    (tmp_path / "design.json").unlink()
    assert tidy([path]).excluded == {SUPERSEDED: 2}


def test_planned_trials_with_unreadable_design_are_noted(tmp_path: Path) -> None:
    path, _ = planned_run(tmp_path, lost=3)
    (tmp_path / "design.json").write_text('{"trials": [{"trial_id": 5}]}')
    found = tidy([path])
    assert NOT_RECORDED not in found.excluded
    assert len(found.notes) == 1
    assert "not a design" in found.notes[0]
    with pytest.raises(ValueError, match="not a design"):
        load_design(tmp_path / "design.json")
