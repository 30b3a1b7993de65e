"""What needs a CUDA device: a whole study on it, its times, its memory, and fork servers that have not touched it.

Skipped where there is none, with the reason. docs/cuda.md has the commands, and what is to be looked at besides.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.trials.worker.cuda import find_refusal
from tests.cli.conftest import run_ablatrix

ROOT = Path(__file__).parents[2]
STUDY = Path(__file__).with_name("on_a_gpu.yaml")


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """What was measured in a process of its own; without a device the test is skipped."""
    if torch.version.cuda is None:
        pytest.skip(str(find_refusal()))
    command = [sys.executable, "-m", "tests.trials.on_a_gpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["refusal"] is not None:
        pytest.skip(found["refusal"])
    return found


@pytest.fixture(scope="module")
def records(measured: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    out = tmp_path_factory.mktemp("gpu")
    done = run_ablatrix("run", STUDY, "--out", out, "--only", "workload=encoder,resnet")
    assert done.returncode == 0, done.stderr.decode()
    return list(read_records(out / "results.jsonl"))


def test_device_query_does_not_open_it_and_opening_is_noticed(measured: dict[str, Any]) -> None:
    assert measured["initialised_by_asking"] is False
    assert measured["hazard_when_open"] is not None


def test_gpu_trials_are_all_right_and_forked(records: list[Record]) -> None:
    assert {record.status for record in records} == {"ok"}, [record.error for record in records if record.error]
    assert {record.meta.process for record in records} == {"forked"}, [one.meta.spawned_because for one in records]
    assert all(record.correctness and record.correctness.ok for record in records)


def test_gpu_record_has_clocks_and_peak(records: list[Record], measured: dict[str, Any]) -> None:
    for record in records:
        assert record.runtime is not None
        assert record.runtime.allocator_peak_bytes is not None
        assert record.runtime.allocator_peak_bytes >= 4 * record.workload.parameter_count
        assert record.meta.machine.gpu is not None
        assert record.meta.machine.gpu.model_dump() == {
            key: measured[key] for key in record.meta.machine.gpu.model_dump()
        }
        told = record.meta.noise.gpu
        assert told is not None
        assert told.source is not None, told.reason
        assert told.after is not None and (told.after.sm_mhz or 0) > 0


def test_gpu_hot_trial_is_timed_by_device_and_double_work_is_longer(records: list[Record]) -> None:
    for workload in ("encoder", "resnet"):
        times = {
            str(one.config.knobs["passes"]): one.runtime.run_ms_p50 or 0.0
            for one in records
            if (one.mode, one.role, one.workload.name) == ("hot", "measured", workload)
            and one.runtime
            and one.runtime.timed_by == "device"
        }
        assert 1.3 * times["once"] < times["twice"] < 3 * times["once"]


def test_gpu_device_times_agree_with_host_times_for_long_runs(measured: dict[str, Any]) -> None:
    assert measured["product_device_ms"] == pytest.approx(measured["product_host_ms"], rel=0.1)


def test_gpu_run_does_not_find_its_inputs_in_l2_cache(measured: dict[str, Any]) -> None:
    assert measured["flushed_ms"] > 1.05 * measured["kept_ms"]
