"""Limits set inside a worker before anything runs, and what an ending or an exception means."""

import errno
import os
import re
import resource
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablatrix.canonical import digest_bytes
from ablatrix.errors import ProgramEndedError, TrialError, UnsupportedError
from ablatrix.records.model import Failure, Phase
from ablatrix.records.status import Status
from ablatrix.study.model import MIN_LIVE, Protocol

COMPILE: Phase = "compile"
# Any other stage is a phase of the compiler's, whatever its name.
PHASE_OF_STAGE: dict[str, Phase] = {
    "plan": "plan",
    "validate": "plan",
    "load": "load",
    "first_run": "first_run",
    "check": "check",
    "run": "run",
}
STATUS_OF_PHASE: dict[Phase, Status] = {
    "load": Status.COMPILE_ERROR,
    "plan": Status.PLAN_ERROR,
    "compile": Status.COMPILE_ERROR,
    "first_run": Status.RUN_ERROR,
    "check": Status.RUN_ERROR,
    "run": Status.RUN_ERROR,
}
_NO_MEMORY = re.compile(r"can't allocate memory|out of memory|bad_alloc|cannot allocate memory", re.IGNORECASE)
PLACE_EXIT = 71
"""Exit code of a worker that an error of the system ended outside its task: EX_OSERR of sysexits(3)."""
_PLACE_ERRORS = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
)
"""What the system answers where the disk is full or gone, or no descriptor or process is left."""
_PLACE_WORDS = re.compile(
    "No space left on device|Disk quota exceeded|Read-only file system|Too many open files|can't start new thread"
    "|Resource temporarily unavailable|PytorchStreamWriter failed writing|No working C\\+\\+ compiler found"
)
"""The same in messages of programs and libraries that keep no number, the last in those of Inductor and our TVM."""
_VOLATILE = re.compile(r"line \d+|0x[0-9a-fA-F]+|\d{3,}")


@dataclass(frozen=True)
class Ending:
    """How a worker's process ended.

    Attributes:
        signal: The signal that ended it, None when it exited by itself.
        exit_code: Its exit code, None when a signal ended it.
        killed_for: The status for which the runner killed it, None when it did not.
        message: Why the runner killed it.
        forced: Whether its server ended it, since it did not end when it should have.
    """

    signal: int | None = None
    exit_code: int | None = None
    killed_for: Status | None = None
    message: str | None = None
    forced: bool = False


def set_limits(memory_limit_mb: int | None, cpus: Sequence[int] | None = None) -> list[int]:
    """Set this process's limits, and return the CPUs that it may use, read back.

    The data segment is limited (private writable memory, threads' stacks included) and core dumps are off.
    ``RLIMIT_AS`` misfires with torch, which reserves address space that it never uses. Neither limit counts shared
    memory: the runner watches that, see ``Worker.receive``. Threads that start later inherit the CPUs.

    Args:
        memory_limit_mb: Limit of the data segment in MiB, None for no limit.
        cpus: Numbers of the CPUs to run on, None for all that are allowed.

    Raises:
        TrialError: A CPU is not among those that this process may use.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if cpus is not None:
        if not cpus or not set(cpus) <= set(allowed):
            raise TrialError(f"cpus {sorted(cpus)}: must be some of those that the trial's process may use: {allowed}")
        os.sched_setaffinity(0, cpus)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit_mb is not None:
        limit = memory_limit_mb * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    return sorted(os.sched_getaffinity(0))


def max_live_workers(protocol: Protocol, available_bytes: int | None) -> int:
    """Return how many workers may be alive at once: ``max_live``, or as many as the free memory holds at their limit.

    Args:
        protocol: Of the study. Without ``memory_limit_mb`` there is no bound on what a worker may hold.
        available_bytes: Memory that can be used without swapping, None where the kernel does not report it.
    """
    if protocol.memory_limit_mb is None or available_bytes is None:
        return protocol.hot.max_live
    return max(MIN_LIVE, min(protocol.hot.max_live, available_bytes // (protocol.memory_limit_mb * 2**20)))


def record_phase(stage: str | None) -> Phase | None:
    """Return the record's phase for a stage of the clock."""
    return None if stage is None else PHASE_OF_STAGE.get(stage, COMPILE)


def describe_exception(error: BaseException, stage: str | None) -> tuple[Status, Failure]:
    """Return the status and the record's error part for an exception that ended a trial."""
    phase = record_phase(stage)
    text = "".join(traceback.format_exception(error))
    message = str(error) or type(error).__name__
    status: Status
    if isinstance(error, UnsupportedError):
        status = Status.UNSUPPORTED
    elif isinstance(error, ProgramEndedError):
        status = Status.CRASHED
    elif isinstance(error, MemoryError) or _NO_MEMORY.search(message):
        status = Status.OUT_OF_MEMORY
    elif is_of_place(error):
        status = Status.PLACE_FAILED
    else:
        status = Status.RUN_ERROR if phase is None else STATUS_OF_PHASE[phase]
    failure = Failure(
        type=type(error).__name__,
        message=message[:2000],
        phase=phase,
        traceback=text[-20_000:],
        traceback_digest=digest_bytes(_VOLATILE.sub("", text).encode()),
    )
    if isinstance(error, ProgramEndedError):
        failure = failure.model_copy(update={"signal": error.signal, "exit_code": error.exit_code})
    return status, failure


def describe_ending(ending: Ending, stage: str | None, killed_for: Status | None) -> tuple[Status, Failure]:
    """Return the status and the record's error part for a worker that ended without a result.

    Args:
        ending: How its process ended.
        stage: The last stage that it reported.
        killed_for: Why the runner killed it (``timeout``, ``interrupted``), None when it did not.
    """
    number, code = ending.signal, ending.exit_code
    type_: str
    status = killed_for or ending.killed_for
    if status is not None:
        type_, message = status, f"ended by the runner: {ending.message or status}"
    elif number == signal.SIGKILL and not ending.forced:
        status, type_ = Status.PLACE_FAILED, "SIGKILL"
        message = (
            "the process was ended by SIGKILL, which ablatrix did not send: the kernel does so where memory is short; "
            "protocol.memory_limit_mb makes too much memory a result"
        )
    elif number is not None:
        type_ = _signal_name(number)
        message = f"the process was ended by {type_}"
    elif code == PLACE_EXIT:
        status, type_ = Status.PLACE_FAILED, "exit"
        message = f"the machine did not let the process begin or end (exit code {code}): see the end of what it printed"
    else:
        type_, message = "exit", f"the process left with exit code {code} before its result"
    failure = Failure(type=type_, message=message, phase=record_phase(stage), signal=number, exit_code=code)
    return status or Status.CRASHED, failure


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it was raised from, and so on."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def is_of_place(error: BaseException) -> bool:
    """Return whether an error says something of the machine, and nothing of what was compiled."""
    return any(
        (isinstance(one, OSError) and one.errno in _PLACE_ERRORS) or _PLACE_WORDS.search(str(one)) is not None
        for one in _with_causes(error)
    )


def _signal_name(number: int) -> str:
    """Return a signal's name; most real-time signals have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
