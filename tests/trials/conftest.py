"""Blocks to run on the fork server of the fixture `bench`, which stands one room up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import EAGER
from ablatrix.study.design import Cell, Trial, make_design
from ablatrix.study.model import Checks, Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.client.client import WorkloadServer
from ablatrix.trials.host.environment import place_runs
from ablatrix.trials.messages.task import TrialTask
from ablatrix.trials.run.block import BlockInput
from tests.trials.faulty import FAULTY


def small_study(**protocol: Any) -> Study:
    return Study.model_validate(
        {
            "name": "small",
            "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
            "compilers": ["tvm"],
            "modes": ["cold", "hot"],
            "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
            "checks": {"input_sets": 2},
            "protocol": {
                "cold": {"replicates": 1, "timeout_s": 60},
                "hot": {"blocks": 1, "max_blocks": 1, "rounds": 3, "burst_ms": 1, "warm_up_ms": 1, "timeout_s": 60},
                **protocol,
            },
        }
    )


def make_task(directory: Path, **changed: Any) -> TrialTask:
    """Return the task of a cold reference trial, with some of its values changed."""
    task = TrialTask(
        mode="cold",
        role="reference",
        entry=EAGER,
        device="cpu",
        knobs={},
        threads=1,
        seed=0,
        padding_seed=None,
        checks=Checks(input_sets=2, rms_factor=2.0, rms_floor=1e-6),
        cache_dir=directory / "cache",
        publish_dir=None,
        work_dir=directory,
        memory_limit_mb=None,
        cpus=None,
    )
    return replace(task, **changed)


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
            study=resolved.study,
            catalogue=resolved.catalogue.including(FAULTY, "bench"),
            trials=tuple(self._pair(trial, cell, fault) for fault in faults),
            threads=1,
            cpus=tuple(place_runs(1, None)[1]),
            hot_cache=self.directory / "hot",
            tag_caches=self.directory / "tags",
            scratch=self.directory / "scratch",
        )

    def _pair(self, trial: Trial, cell: Cell, fault: str) -> tuple[Trial, Cell]:
        knobs = {"partition": "whole", "reuse": "keep", "fault": fault}
        name = fault.replace(" ", "-")
        return replace(trial, trial_id=name), replace(cell, compiler="faulty", knobs=knobs)
