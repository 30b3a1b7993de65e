"""Limits of a trial's process: memory that the kernel's own limit does not see, and CPUs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.trials.host.limits import describe_ending
from ablatrix.trials.host.linux import group_members
from ablatrix.trials.host.memory import group_bytes_above
from ablatrix.trials.messages.requests import BurstRequest, FinishRequest
from ablatrix.trials.messages.result import TrialResult
from ablatrix.trials.run.block import block_task, run_cold
from tests.trials.conftest import Bench

MEBIBYTE = 2**20


def run_task(bench: Bench, fault: str, **changed: Any) -> TrialResult:
    """Run one cold task with some of its values changed, and return its result."""
    block = bench.block([fault])
    place = bench.directory / "limits"
    (place / "work").mkdir(parents=True, exist_ok=True)
    worker = bench.server.start(replace(block_task(block, *block.trials[0], place), **changed), place / "log")
    try:
        result = worker.receive(30)
    finally:
        worker.end(kill=True)
    assert isinstance(result, TrialResult)
    return result


def test_shared_memory_below_data_limit_is_limited(bench: Bench) -> None:
    block = bench.block(["share"], memory_limit_mb=500)
    outcome = run_cold(block, *block.trials[0], bench.server)
    assert outcome.result.status == "out_of_memory", outcome.result
    error = outcome.result.error
    assert error is not None
    assert (error.type, error.phase) == ("out_of_memory", "compile")
    assert "protocol.memory_limit_mb allows 500" in error.message
    assert outcome.wall_s < 10


def test_memory_is_not_inspected_during_burst(bench: Bench) -> None:
    block = bench.block(["hang"])  # it must be there to be looked at
    worker = bench.server.start(block_task(block, *block.trials[0], bench.directory), bench.directory / "log")
    worker.limit_bytes = 1
    worker.send(BurstRequest(rewarm=0, ms=1.0, iterations=1))
    worker._check_memory()
    worker.send(FinishRequest())
    with pytest.raises(Exception, match="memory_limit_mb allows 0"):
        worker._check_memory()
    ending = worker.end(kill=False)
    assert describe_ending(ending, "check", None)[0] == "out_of_memory"


def test_trial_runs_on_cpus_of_its_task_and_reads_them_back(bench: Bench) -> None:
    cpu = max(os.sched_getaffinity(0))
    assert run_task(bench, "none", cpus=(cpu,)).cpus == (cpu,)
    assert run_task(bench, "none", cpus=None).cpus == tuple(sorted(os.sched_getaffinity(0)))


def test_trial_with_disallowed_cpu_fails_and_names_allowed_ones(bench: Bench) -> None:
    result = run_task(bench, "none", cpus=(9999,))
    assert result.status != "ok"
    assert result.error is not None
    assert "cpus [9999]: must be some of" in result.error.message


def test_result_has_noise_of_its_own_process_even_when_failed(bench: Bench) -> None:
    for fault in ("none", "raise"):
        noise = run_task(bench, fault).noise
        assert noise is not None
        assert noise.cpu_s > 0
        assert min(noise.voluntary_switches, noise.involuntary_switches) >= 0


def test_peak_while_compiling_is_separate_from_peak_while_running(bench: Bench) -> None:
    # 192 MiB in blocks that are freed before the run; the program itself is tiny.
    runtime = run_task(bench, "use memory").runtime
    assert runtime is not None
    assert (runtime.peak_rss_compile_bytes or 0) > 190 * MEBIBYTE
    assert runtime.peak_rss_delta_bytes is not None
    assert runtime.peak_rss_delta_bytes < 64 * MEBIBYTE
    assert "allocator_peak_bytes" in runtime.reasons


@pytest.fixture
def family(tmp_path: Path) -> Iterator[int]:
    """A process group of two that share 64 MiB, as a fork server and its worker do."""
    code = (
        "import os, sys, time; held = bytearray(64 << 20); pid = os.fork(); pid and sys.stdout.write('ready\\n');"
        "sys.stdout.flush(); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, process_group=0)
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    os.killpg(process.pid, 9)
    process.wait()
    process.stdout.close()


def test_memory_shared_by_group_counts_once(family: int) -> None:
    assert len(group_members(family)) == 2
    held = group_bytes_above(family, 32 * MEBIBYTE)
    assert held is not None
    assert 64 * MEBIBYTE < held < 110 * MEBIBYTE  # two interpreters, and the block once
    assert group_bytes_above(family, 120 * MEBIBYTE) is None
