"""Blocks to run on the fork server of the fixture `bench`, which stands one room up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.study.design import Cell, Trial, make_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.block import BlockInput
from ablatrix.trials.environment import place_runs
from ablatrix.trials.server import WorkloadServer
from tests.trials.faulty import FAULTY


def small_study(**protocol: Any) -> Study:
    return Study.model_validate(
        {
            "name": "small",
            "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
            "compilers": ["tvm"],
            "modes": ["cold", "hot"],
            "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
            "checks": {"draws": 2},
            "protocol": {
                "cold": {"replicates": 1, "timeout_s": 60},
                "hot": {"blocks": 1, "most_blocks": 1, "rounds": 3, "burst_ms": 1, "warm_up_ms": 1, "timeout_s": 60},
                **protocol,
            },
        }
    )


@dataclass(frozen=True)
class Bench:
    """A workload server, and blocks to run on it."""

    server: WorkloadServer
    directory: Path

    def block(self, faults: list[str], mode: str = "cold", **protocol: Any) -> BlockInput:
        resolved = resolve_study(small_study(**protocol))
        design = make_design(resolved)
        trial = next(trial for trial in design.trials if trial.mode == mode and trial.role == "measured")
        cell = design.cell(trial.cell_id)
        return BlockInput(
            resolved.study,
            resolved.catalogue.including(FAULTY, "bench"),
            tuple(self._pair(trial, cell, fault) for fault in faults),
            1,
            tuple(place_runs(1, None)[1]),
            self.directory / "hot",
            self.directory / "tags",
            self.directory / "scratch",
        )

    def _pair(self, trial: Trial, cell: Cell, fault: str) -> tuple[Trial, Cell]:
        knobs = {"partition": "whole", "reuse": "keep", "fault": fault}
        name = fault.replace(" ", "-")
        return replace(trial, trial_id=name), replace(cell, compiler="faulty", knobs=knobs)
