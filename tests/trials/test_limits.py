"""What a worker may take, what its ending means, and that none escapes."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.records.status import Status
from ablatrix.study.model import Protocol
from ablatrix.trials.host.limits import (
    Ending,
    describe_ending,
    describe_exception,
    max_live_workers,
    record_phase,
    set_limits,
)
from ablatrix.trials.host.linux import is_dead
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.run.block import run_cold, run_hot
from tests.trials.conftest import Bench


def cold(bench: Bench, fault: str, timeout_s: float = 60.0) -> Outcome:
    block = bench.block([fault], cold={"replicates": 1, "timeout_s": timeout_s})
    return run_cold(block, *block.trials[0], bench.server)


def in_a_fork(check: Callable[[], None]) -> int:
    """Run something whose effects stay in its process, and return that process's exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            check()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "stage", "status"),
    [
        (ValueError("no"), "plan", "plan_error"),
        (ValueError("no"), "validate", "plan_error"),
        (ValueError("no"), "import", "compile_error"),
        (CompilerError("no"), "link", "compile_error"),
        (ValueError("no"), "load", "compile_error"),
        (ValueError("no"), "first_run", "run_error"),
        (ValueError("no"), "check", "run_error"),
        (ValueError("no"), "run", "run_error"),
        (ValueError("no"), None, "run_error"),
        (UnsupportedError("no such level"), "compile", "unsupported"),
        (MemoryError(), "compile", "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 byte"), "load", "out_of_memory"),
        (RuntimeError("std::bad_alloc"), "compile", "out_of_memory"),
        (OSError(12, "Cannot allocate memory"), "link", "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "compile", "place_failed"),
        (OSError(errno.EMFILE, "Too many open files"), "load", "place_failed"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "first_run", "place_failed"),
        (CompilerError("g++ ended with 1: cannot write x.o: No space left on device"), "link", "place_failed"),
        (RuntimeError("can't start new thread"), "run", "place_failed"),
        (CompilerError("tvm failed on task 0: No working C++ compiler found: no g++"), "compile", "place_failed"),
        (OSError(errno.ENOENT, "No such file"), "compile", "compile_error"),
        (SystemExit(3), "compile", "compile_error"),
        (KeyboardInterrupt(), "run", "run_error"),
    ],
)
def test_exception_is_typed_by_its_class_and_phase(error: BaseException, stage: str | None, status: str) -> None:
    found, part = describe_exception(raised(error), stage)
    assert found == status
    assert part.type == type(error).__name__
    assert part.phase == record_phase(stage)
    assert part.message
    assert type(error).__name__ in (part.traceback or "")


def test_error_that_was_raised_from_a_full_disk_is_of_the_machine() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise CompilerError("the task was not built") from cause
    except CompilerError as error:
        assert describe_exception(error, "compile")[0] == "place_failed"


def test_failure_digest_does_not_depend_on_addresses_and_sizes() -> None:
    errors = (RuntimeError(f"object at 0x{address:x} of 123{address} bytes") for address in (4096, 65536))
    digests = {describe_exception(raised(error), "compile")[1].traceback_digest for error in errors}
    assert len(digests) == 1
    other = describe_exception(raised(RuntimeError("something else")), "compile")[1].traceback_digest
    assert other not in digests


def test_message_that_is_very_long_is_cut() -> None:
    _, part = describe_exception(raised(ValueError("x" * 100_000)), "compile")
    assert len(part.message) == 2000
    assert len(part.traceback or "") == 20_000


@pytest.mark.parametrize(
    ("ending", "killed_for", "status", "type_"),
    [
        (Ending(signal=11), None, "crashed", "SIGSEGV"),
        (Ending(signal=9), None, "place_failed", "SIGKILL"),
        (Ending(signal=9, forced=True), None, "crashed", "SIGKILL"),
        (Ending(exit_code=0), None, "crashed", "exit"),
        (Ending(exit_code=70), None, "crashed", "exit"),
        (Ending(exit_code=71), None, "place_failed", "exit"),
        (Ending(signal=9), Status.TIMEOUT, "timeout", "timeout"),
        (Ending(signal=9), Status.INTERRUPTED, "interrupted", "interrupted"),
        (Ending(signal=9, killed_for=Status.OUT_OF_MEMORY, message="too much"), None, "out_of_memory", "out_of_memory"),
        (Ending(), None, "crashed", "exit"),
    ],
)
def test_worker_that_ends_without_result_is_typed(
    ending: Ending, killed_for: Status | None, status: str, type_: str
) -> None:
    found, part = describe_ending(ending, "link", killed_for)
    assert (found, part.type, part.phase) == (status, type_, "compile")
    assert (part.signal, part.exit_code) == (ending.signal, ending.exit_code)


def test_signal_in_real_time_range_has_description() -> None:
    status, part = describe_ending(Ending(signal=signal.SIGRTMIN + 3), "run", None)
    assert status == "crashed"
    assert str(int(signal.SIGRTMIN) + 3) in part.type + part.message


@pytest.mark.parametrize(
    ("limit_mb", "available_gib", "live"),
    [
        (None, 1, 18),  # what a worker may hold is not known
        (1024, None, 18),  # nor what there is
        (1024, 64, 18),
        (1024, 10, 10),
        (1024, 1, 4),  # fewer make no block
    ],
)
def test_workers_alive_at_once_fit_memory(limit_mb: int | None, available_gib: int | None, live: int) -> None:
    protocol = Protocol(memory_limit_mb=limit_mb)
    assert max_live_workers(protocol, None if available_gib is None else available_gib * 2**30) == live


def test_limits_are_set_and_core_dumps_are_off() -> None:
    def check() -> None:
        set_limits(4096)
        assert resource.getrlimit(resource.RLIMIT_DATA) == (4096 * 2**20, 4096 * 2**20)
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)

    assert in_a_fork(check) == 0


def test_limits_without_memory_limit_set_none() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)

    def check() -> None:
        set_limits(None)
        assert resource.getrlimit(resource.RLIMIT_DATA) == before

    assert in_a_fork(check) == 0


def test_worker_that_closes_its_channel_and_lives_on_is_ended(bench: Bench) -> None:
    started = time.monotonic()
    outcome = cold(bench, "close the channel")
    assert outcome.result.status == "crashed", outcome.result
    assert outcome.result.error is not None
    assert outcome.result.error.phase == "compile"
    assert time.monotonic() - started < 15
    assert is_dead(left_pid(bench, "close-the-channel"))


def test_worker_that_ignores_signals_ends_at_time_limit(bench: Bench) -> None:
    outcome = cold(bench, "ignore signals", timeout_s=1)
    assert outcome.result.status == "timeout", outcome.result
    assert 1 <= outcome.wall_s < 5
    assert is_dead(left_pid(bench, "ignore-signals"))


def test_daemon_left_by_worker_is_ended_and_trial_counts(bench: Bench) -> None:
    outcome = cold(bench, "leave a daemon")
    assert outcome.result.status == "ok", outcome.result
    assert is_dead(left_pid(bench, "leave-a-daemon"))


def test_daemon_that_holds_channel_does_not_hide_death_of_worker(bench: Bench) -> None:
    started = time.monotonic()
    outcome = cold(bench, "leave a daemon and exit")
    assert outcome.result.status == "crashed", outcome.result
    assert outcome.result.error is not None
    assert outcome.result.error.exit_code == 3
    assert time.monotonic() - started < 10
    assert is_dead(left_pid(bench, "leave-a-daemon-and-exit"))


def test_daemon_of_one_worker_in_block_is_ended_and_neighbours_live(bench: Bench) -> None:
    block = bench.block(["none", "leave a daemon"], "hot")
    good, other = run_hot(block, lambda cell: bench.server, lambda trial, what: None)
    assert [good.result.status, other.result.status] == ["ok", "ok"]
    assert len(good.bursts_ms) == len(other.bursts_ms) == 3
    assert is_dead(left_pid(bench, "leave-a-daemon"))


def test_worker_that_writes_garbage_to_channel_has_typed_outcome(bench: Bench) -> None:
    assert cold(bench, "rubbish in the channel", timeout_s=5).result.status in {"crashed", "timeout"}
    assert cold(bench, "none").result.status == "ok"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("strange message", "channel: what was received is not a message: field 'stage.stage': "),
        ("early burst", "it sent 'burst', which was not requested"),
    ],
)
def test_worker_whose_message_is_too_large_crashed_with_reason(bench: Bench, fault: str, why: str) -> None:
    outcome = cold(bench, fault)
    assert outcome.result.status == "crashed", outcome.result
    assert outcome.result.error is not None
    assert outcome.result.error.phase == "compile"
    assert why in outcome.result.error.message
    assert cold(bench, "none").result.status == "ok"


def test_worker_that_stops_itself_ends_at_time_limit(bench: Bench) -> None:
    assert cold(bench, "stop", timeout_s=1).result.status == "timeout"
    assert cold(bench, "none").result.status == "ok"


def left_pid(bench: Bench, name: str) -> int:
    """Return the process that a fault told of, once it is dead or two seconds have passed."""
    pid = int(Path(bench.directory / f"{name}.pid").read_text())
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and not is_dead(pid):
        time.sleep(0.02)
    return pid
