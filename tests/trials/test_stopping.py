"""Blocks are added by the width of intervals, within limits, and what followed is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ablatrix.compilers.catalogue import TVM
from ablatrix.records.journal import read_records
from ablatrix.records.status import Status
from ablatrix.study.design import Design, Trial, extend_design, make_design
from ablatrix.study.design_file import read_design, write_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.results import Finished
from ablatrix.trials.run.stopping import HotProgress
from tests.cli.conftest import STUDY, answer_here, with_programs


def study_of(**hot: Any) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "workloads": ["mlp"],
            "compilers": ["tvm"],
            "modes": ["hot"],
            "stages": [{"name": "p", "factorial": {"partition": ["whole", "regions"], "fusion": ["off", "on"]}}],
            "protocol": {"hot": {"blocks": 5, **hot}},
        }
    )


def finished(trial_id: str, burst_ms: float | None, status: Status = Status.OK) -> Finished:
    bursts = () if burst_ms is None else (burst_ms,) * 3
    return Finished(trial_id=trial_id, block_id="b", attempt=0, status=status, bursts_ms=bursts, is_idle=False)


def fill(progress: HotProgress, design: Design, spread: float, blocks: int) -> None:
    """Add blocks whose log means spread around 0 (baseline) and -0.2 (any other)."""
    noise = Random(1)
    trials: Mapping[str, Trial] = {trial.trial_id: trial for trial in design.trials}
    for block in design.blocks()[:blocks]:
        records = []
        for trial in block:
            cell = design.cell(trial.cell_id)
            level = 0.0 if dict(cell.knobs) == dict(cell.baseline) else -0.2
            mean = exp(level + noise.gauss(0, spread))
            records.append(finished(trial.trial_id, mean))
        progress.add(trials, records)


def progress_of(study: Study, spread: float, blocks: int) -> tuple[HotProgress, Design]:
    resolved = resolve_study(study)
    design = make_design(resolved)
    while len(design.blocks()) < blocks:
        design = extend_design(resolved, design, "mlp", "tvm")
    progress = HotProgress([cell for cell in design.cells if cell.compiler == "tvm"], TVM.primary)
    fill(progress, design, spread, blocks)
    return progress, design


@pytest.mark.parametrize(
    ("spread", "blocks", "budget_spent", "decision"),
    [
        (0.001, 3, False, "continue"),  # narrow, but fewer blocks than are run in any case
        (0.001, 5, False, "continue"),  # narrow for the first time: two more confirm it
        (0.001, 7, False, "precise"),
        (0.1, 7, False, "continue"),
        (0.1, 7, True, "budget"),
        (0.1, 12, False, "most_blocks"),
        (0.1, 3, True, "continue"),  # the least number of blocks is not cut by this rule
    ],
)
def test_stopping_decision_follows_from_widths(spread: float, blocks: int, budget_spent: bool, decision: str) -> None:
    study = study_of(max_blocks=12)
    progress, _ = progress_of(study, spread, blocks)
    stopping = progress.decide(study.protocol.hot, budget_spent)
    assert stopping.decision == decision
    assert stopping.blocks == blocks
    assert (stopping.short_of is None) == (spread == 0.001 and blocks >= 5)


def test_stopping_adds_no_block_to_compiler_without_configurations() -> None:
    study = study_of(max_blocks=12)
    design = make_design(resolve_study(study))
    trials = {trial.trial_id: trial for trial in design.trials}
    progress, _ = progress_of(study, 0.1, 0)
    for roles, decision in (({"reference", "measured"}, "continue"), ({"reference"}, "unsupported")):
        records = [
            finished(one, None, Status.OK if trial.role in roles else Status.UNSUPPORTED)
            for one, trial in trials.items()
        ]
        progress.add(trials, records)
        assert progress.decide(study.protocol.hot, budget_spent=False).decision == decision


def test_stopping_decision_does_not_depend_on_effect_found() -> None:
    study = study_of(max_blocks=12)
    progress, design = progress_of(study, 0.001, 7)
    assert progress.decide(study.protocol.hot, False).decision == "precise"
    equal = HotProgress([cell for cell in design.cells if cell.compiler == "tvm"], TVM.primary)
    trials = {trial.trial_id: trial for trial in design.trials}
    for block in design.blocks():
        equal.add(trials, [finished(trial.trial_id, 1.0) for trial in block])
    assert equal.decide(study.protocol.hot, False).decision == "precise"


def test_stopping_goes_on_where_last_blocks_widen_interval() -> None:
    study = study_of(max_blocks=12)
    progress, design = progress_of(study, 0.001, 7)
    assert progress.decide(study.protocol.hot, False).decision == "precise"
    further = design.blocks()[5]
    progress.add(
        {trial.trial_id: dataclasses.replace(trial, replicate=8) for trial in further},
        [finished(trial.trial_id, exp(0.05 * place)) for place, trial in enumerate(further)],
    )
    after = progress.decide(study.protocol.hot, False)
    assert (after.decision, after.short_of is None) == ("continue", False)


def test_stopping_takes_baseline_from_both_of_its_trials() -> None:
    study = study_of(max_blocks=12)
    progress, design = progress_of(study, 0.001, 0)
    spread = {"measured": 1.0, "twin": -1.0}
    for block in design.blocks():
        off = 0.1 * Random(block[0].replicate).gauss(0, 1)
        records = []
        for trial in block:
            cell = design.cell(trial.cell_id)
            is_base = dict(cell.knobs) == dict(cell.baseline)
            records.append(finished(trial.trial_id, exp(off * spread.get(trial.role, 0.0) if is_base else -0.2)))
        progress.add({trial.trial_id: trial for trial in design.trials}, records)
    width = progress.decide(study.protocol.hot, False).cell_half_width
    assert width is not None
    assert width < 1e-9  # what one of them was off, the other was off to the other side


def test_stopping_ends_for_blocks_that_keep_failing() -> None:
    study = study_of(max_blocks=7)
    progress, _ = progress_of(study, 0.1, 0)
    for _ in range(2):
        assert progress.decide(study.protocol.hot, False).decision == "continue"
        progress.tried()
    assert progress.decide(study.protocol.hot, False).decision == "most_blocks"


def test_further_block_has_its_own_ids_and_survives_file(tmp_path: Path) -> None:
    study = study_of()
    resolved = resolve_study(study)
    design = make_design(resolved)
    longer = extend_design(resolved, extend_design(resolved, design, "mlp", "tvm"), "mlp", "tvm")
    assert longer.trials[: len(design.trials)] == design.trials
    assert len({trial.trial_id for trial in longer.trials}) == len(longer.trials)
    assert [trial.position for trial in longer.trials] == list(range(len(longer.trials)))
    assert [block[0].replicate for block in longer.blocks()] == list(range(7))
    write_design(longer, tmp_path / "design.json")
    assert read_design(tmp_path / "design.json", study) == longer


@pytest.mark.slow
def test_run_adds_blocks_up_to_limit_and_second_run_adds_none(tmp_path: Path, finished: Path) -> None:
    study = tmp_path / "adaptive.yaml"
    wide = "effect_width: 0.000001, cell_width: 0.000001"
    study.write_text(STUDY.replace("blocks: 1, max_blocks: 1,", f"blocks: 1, max_blocks: 3, {wide},"))
    done = answer_here("run", study, "--out", with_programs(finished, tmp_path / "out"))
    assert done.returncode == 0, done.stderr.decode()
    records = list(read_records(tmp_path / "out" / "results.jsonl"))
    hot = [record for record in records if record.mode == "hot" and record.role == "measured"]
    decisions = [record.runtime.stopping.decision for record in hot if record.runtime and record.runtime.stopping]
    assert decisions == ["continue"] * 4 + ["most_blocks"] * 2
    again = answer_here("run", study, "--out", tmp_path / "out")
    assert again.returncode == 0
    assert b"0 trials to run" in again.stderr
    assert len(list(read_records(tmp_path / "out" / "results.jsonl"))) == len(records)
