"""Time in which others stopped a trial's process, or the runner: it is told, repeated, and counts in no limit."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ablatrix.records.noise import Noise
from ablatrix.trials.host.environment import disturbance
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.run.block import run_cold
from tests.trials.conftest import Bench

pytestmark = pytest.mark.slow


def cold(bench: Bench, fault: str, timeout_s: float = 60.0) -> Outcome:
    (bench.directory / "lasting.pid").unlink(missing_ok=True)
    block = bench.block([fault], cold={"replicates": 1, "timeout_s": timeout_s})
    return run_cold(block, *block.trials[0], bench.server)


def stop_worker(notes: Path, seconds: float) -> None:
    deadline = time.monotonic() + 20
    while not (notes.exists() and notes.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    pid = int(notes.read_text())
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def test_worker_that_others_stop_is_disturbed(bench: Bench) -> None:
    (bench.directory / "lasting.pid").unlink(missing_ok=True)
    stopping = threading.Thread(target=stop_worker, args=(bench.directory / "lasting.pid", 2.0))
    stopping.start()
    block = bench.block(["last a while"])
    outcome = run_cold(block, *block.trials[0], bench.server)
    stopping.join()
    assert outcome.result.status == "ok"
    assert outcome.noise is not None
    assert outcome.noise.stopped_ms is not None and outcome.noise.stopped_ms >= 500
    assert (outcome.noise.disturbance or "").startswith("stopped: others stopped its process")


def test_worker_that_nobody_stops_is_not_disturbed_by_that(bench: Bench) -> None:
    outcome = cold(bench, "last a while")
    assert outcome.result.status == "ok"
    assert outcome.noise is not None
    assert outcome.noise.stopped_ms == 0


def test_time_in_which_the_runner_was_stopped_is_no_time_out(bench: Bench) -> None:
    """A shell stops this process for three seconds, and lets it go on: the limit is two, and the trial takes longer."""
    own = os.getpid()
    with subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -STOP {own}; sleep 3.2; kill -CONT {own}"]):
        outcome = cold(bench, "last long", timeout_s=2.5)
    assert outcome.result.status == "ok", outcome.result.error
    assert outcome.noise is not None
    assert outcome.noise.stopped_ms is not None and 2000 <= outcome.noise.stopped_ms < 4000


@pytest.mark.parametrize(("stopped_ms", "is_disturbed"), [(None, False), (0.0, False), (500.0, True)])
def test_stopped_time_counts_as_disturbed(stopped_ms: float | None, is_disturbed: bool) -> None:
    nothing = dict.fromkeys(
        ("load_average_before", "load_average_after", "steal_ms", "throttled_ms", "swapped_pages"), None
    )
    noise = Noise.model_validate({**nothing, "stopped_ms": stopped_ms})
    assert (disturbance(noise, 1.0, 2) is not None) == is_disturbed
