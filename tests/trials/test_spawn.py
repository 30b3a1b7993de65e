"""Where a fork is not safe the trial runs in a new interpreter, and everything else is as with a fork."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from ablatrix.compilers.settings import AddressList, add_settings
from ablatrix.study.design import make_design
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.client.client import ForkServer
from ablatrix.trials.fork_server.fork_safety import find_fork_hazard
from ablatrix.trials.fork_server.serve import failed_reply
from ablatrix.trials.messages.interrupt import Interrupt
from ablatrix.trials.messages.result import plain_result
from ablatrix.trials.run.block import run_cold, run_hot
from ablatrix.trials.run.task_making import prepare_task
from tests.trials.conftest import Bench, small_study
from tests.trials.faulty import FAULTY
from tests.trials.reads_environment import NAME


@pytest.fixture(scope="module")
def threaded(bench: Bench) -> Iterator[Bench]:
    """The bench of this room, under a fork server with a thread of its own."""
    program = next((bench.directory / "work" / "programs").iterdir())
    entry = replace(FAULTY, adapter="tests.trials.threaded:ThreadedCompiler")
    with Interrupt() as interrupt, ForkServer([entry], bench.directory / "threaded.log", interrupt) as server:
        yield Bench(server.load(program), bench.directory)


def test_trial_is_spawned_with_reason_when_fork_server_has_thread(threaded: Bench, bench: Bench) -> None:
    block = threaded.block(["none"])
    spawned = run_cold(block, *block.trials[0], threaded.server)
    forked = run_cold(block, *block.trials[0], bench.server)
    assert (spawned.result.status, spawned.process) == ("ok", "spawned"), spawned
    assert (forked.result.status, forked.process) == ("ok", "forked")
    assert spawned.result.correctness == forked.result.correctness
    assert set(plain_result(spawned.result)) == set(plain_result(forked.result))
    runtime = spawned.result.runtime
    assert runtime is not None
    assert runtime.compile_first_run_ms is not None
    assert runtime.compile_first_run_ms < 1000  # importing the frameworks is no part of it


def test_spawned_workers_take_turns_crash_and_time_out_like_forked_ones(threaded: Bench) -> None:
    hot = {**threaded.block(["none"], "hot").study.protocol.hot.model_dump(), "timeout_s": 30, "max_live": 4}
    block = threaded.block(["none", "crash in a burst"], "hot", hot=hot)
    good, crashed = run_hot(block, lambda cell: threaded.server, lambda trial, what: None)
    assert (good.result.status, crashed.result.status) == ("ok", "crashed")
    assert len(good.bursts_ms) == 3
    assert good.process == "spawned"
    error = crashed.result.error
    assert error is not None
    assert (error.type, error.phase) == ("SIGSEGV", "run")


def test_spawned_worker_is_paused_and_gives_reason_for_spawning(threaded: Bench) -> None:
    log = threaded.directory / "log"
    resolved = resolve_study(small_study())
    task = prepare_task(resolved, make_design(resolved).cells[0], threads=1, directory=threaded.directory / "prepared")
    worker = threaded.server.start(task, log)
    assert worker.process == "spawned"
    assert worker.hazard is not None
    assert "threads beside the main one" in worker.hazard
    assert worker.pause()
    assert Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    assert worker.resume()
    assert worker.end(kill=True).signal == 9


def test_spawned_worker_at_memory_limit_ends_before_program_loads(threaded: Bench) -> None:
    block = threaded.block(["allocate"], memory_limit_mb=64)
    outcome = run_cold(block, *block.trials[0], threaded.server)
    assert outcome.result.status in {"out_of_memory", "crashed"}  # torch's libraries may abort on it
    assert outcome.result.error is not None
    assert outcome.result.error.phase == "load"


def test_fork_is_safe_from_main_thread_only() -> None:
    code = (
        "import threading; from ablatrix.trials.fork_server.fork_safety import find_fork_hazard as f;"
        "print(f()); threading.Thread(target=threading.Event().wait, daemon=True).start(); print(f())"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after = done.stdout.splitlines()
    assert before == "None"
    assert after.startswith("threads beside the main one: ")


def test_fork_is_unsafe_with_jax_or_open_cuda_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ablatrix.trials.fork_server.fork_safety.threads_of", lambda pid: [])
    assert find_fork_hazard() is None
    monkeypatch.setattr("ablatrix.trials.fork_server.fork_safety.CUDA_DEVICES", str(tmp_path))
    with (tmp_path / "nvidia0").open("w"):
        assert find_fork_hazard() == "CUDA is initialised"
    monkeypatch.setitem(sys.modules, "jax", ModuleType("jax"))
    assert find_fork_hazard() == "imported: jax"


def test_fork_aware_thread_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablatrix.trials.fork_server.fork_safety.threads_of", lambda pid: [(-1, "jemalloc_bg_thd")])
    assert find_fork_hazard() is None


def test_workers_of_environment_knob_begin_with_variable(bench: Bench) -> None:
    words = {"it": {"setting": f"env:{NAME}", "levels": ["a", 2]}}
    reading = replace(FAULTY, adapter="tests.trials.reads_environment:ReadingCompiler")
    entry, faults = add_settings(reading, words, AddressList(()), Path())
    assert not faults
    program = next((bench.directory / "work" / "programs").iterdir())
    block = bench.block(["none"])
    block = replace(block, catalogue=block.catalogue.holding(compilers={"faulty": entry}))
    (trial, cell) = block.trials[0]
    seen = {}
    with Interrupt() as interrupt, ForkServer([entry], bench.directory / "environment.log", interrupt) as server:
        loaded = server.load(program)
        for level in ("default", 2):
            outcome = run_cold(block, trial, replace(cell, knobs={**cell.knobs, "it": level}), loaded)
            assert (outcome.result.status, outcome.process) == ("ok", "spawned"), outcome
            assert outcome.spawned_because == f"an environment of its own: {NAME}"
            assert NAME not in (outcome.result.environment or {})
            seen[level] = (outcome.result.versions or {})["seen"]
    assert seen == {"default": "not set", 2: "2"}


def test_order_that_no_process_was_left_for_names_what_to_raise() -> None:
    told = failed_reply(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")).error
    assert "raise `ulimit -u` or the control group's pids.max" in told
    assert "ulimit" not in failed_reply(FileNotFoundError(errno.ENOENT, "No such file or directory")).error
