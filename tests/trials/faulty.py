"""A compiler whose knob ``fault`` says how it fails, in a real worker process; otherwise it runs eager."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablatrix.compilers.adapter import BoundRun, CompileFacts, CompileRequest, Executable, PhaseClock
from ablatrix.compilers.catalogue import PARTITION, CompilerEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import UnsupportedError

NOTES = "ABLATRIX_TEST_NOTES"


FAULTY = CompilerEntry(
    name="faulty",
    summary="Fails as it is asked to.",
    modules=("torch",),
    extra="",
    adapter="tests.trials.faulty:FaultyCompiler",
    knobs=(PARTITION,),
)


class FaultyCompiler(EagerCompiler):
    name = "faulty"

    def versions(self) -> Mapping[str, str]:
        return {"faulty": "1"}

    def compile(self, request: CompileRequest) -> Executable:
        fault = str(request.knobs["fault"])
        os.environ[NOTES] = str(request.work_dir.parents[2])
        deed, _, where = fault.partition(" in ")
        if where and deed in DEEDS:
            _do(request.clock, DEEDS[deed], where)
        else:
            with request.clock.phase("compile"):
                FAULTS.get(fault, _nothing)()
        return FaultyExecutable(super().compile(request), fault)


class FaultyExecutable:
    def __init__(self, inner: Executable, fault: str) -> None:
        self.facts = CompileFacts(artifact_digest="f" * 64, compiler_planned_bytes=0)
        self._inner, self._fault = inner, fault

    def bind(self, inputs: Sequence[Any]) -> BoundRun:
        return FaultyRun(self._inner.bind(inputs), self._fault)


class FaultyRun:
    def __init__(self, inner: BoundRun, fault: str) -> None:
        self._inner, self._fault, self._runs = inner, fault, 0

    def run(self) -> None:
        self._runs += 1
        self._inner.run()
        if self._fault.endswith("fail later"):
            raise RuntimeError("later")
        if self._fault == "hang in a burst" and self._runs > 5:
            libc().sleep(1000)
        if self._fault == "crash in a burst" and self._runs > 5:
            os.kill(os.getpid(), signal.SIGSEGV)

    def outputs(self) -> tuple[Any, ...]:
        outputs = self._inner.outputs()
        if self._fault == "nan output":
            return tuple(output * float("nan") for output in outputs)
        if self._fault == "wrong output":
            return tuple(output + 0.01 for output in outputs)
        if self._fault == "wrong shape":
            return tuple(output.flatten() for output in outputs)
        if self._fault == "no output":
            return ()
        if self._fault == "drift" and self._runs > 1:
            return tuple(output + 0.01 for output in outputs)
        return outputs


def libc() -> Any:
    return ctypes.CDLL(None)


def _nothing() -> None:
    pass


def _do(clock: PhaseClock, deed: Callable[[], None], where: str) -> None:
    """Do something in a phase of any name, or in none."""
    phase = where.partition(",")[0]
    try:
        with contextlib.nullcontext() if phase == "no phase" else clock.phase(phase):
            deed()
    except LookupError:
        pass  # as a compiler that tries another way


def _fail() -> None:
    raise RuntimeError("in a phase")


def _give_up() -> None:
    raise LookupError("this way leads nowhere")


DEEDS: dict[str, Callable[[], None]] = {"sleep": lambda: time.sleep(0.25), "raise": _fail, "catch": _give_up}


def _raise() -> None:
    raise ValueError("the compiler gave up")


def _unsupported() -> None:
    raise UnsupportedError("fault 'unsupported' is not had by this compiler")


def _allocate() -> None:
    held = []
    while True:
        held.append(bytearray(64 * 2**20))


def _use_memory() -> None:
    with mmap.mmap(-1, 192 * 2**20) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1


def _share() -> None:
    """Hold memory that the limit of the data segment does not see."""
    held = [mmap.mmap(-1, 64 * 2**20) for _ in range(12)]
    for block in held:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
    libc().sleep(1000)


def _print_a_lot() -> None:
    line = b"x" * 99_999 + b"\n"
    for _ in range(1000):
        libc().write(1, line, len(line))


def _fork_and_leave() -> None:
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)
    os._exit(0)


def _tell(name: str, pid: int) -> None:
    """Leave a process's id beside the scratch directory, for the test to look for it."""
    (Path(os.environ[NOTES]) / f"{name}.pid").write_text(str(pid))


def _close_the_channel() -> None:
    _tell("close-the-channel", os.getpid())
    os.closerange(3, 256)
    time.sleep(1000)


def _ignore_signals() -> None:
    _tell("ignore-signals", os.getpid())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _leave_a_daemon(name: str = "leave-a-daemon") -> None:
    """Fork a process that leaves the group and the session, and holds every descriptor open."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(1000)
        os._exit(0)
    _tell(name, pid)


def _leave_a_daemon_and_exit() -> None:
    _leave_a_daemon("leave-a-daemon-and-exit")
    os._exit(3)


def _write_rubbish() -> None:
    for descriptor in range(3, 10):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"\x00" * 7 + b"\x05rubbish is no message")


def _write_message(data: bytes) -> None:
    """Send something as the worker's channel does, whichever descriptor that is."""
    for descriptor in range(3, 10):
        with contextlib.suppress(OSError):
            os.write(descriptor, len(data).to_bytes(8, "big") + data)


def _last(seconds: float) -> None:
    """Tell of this process, then take some seconds."""
    _tell("lasting", os.getpid())
    time.sleep(seconds)


FAULTS: dict[str, Callable[[], None]] = {
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": lambda: libc().abort(),
    "exit": lambda: os._exit(0),
    "hang": lambda: libc().sleep(1000),
    "raise": _raise,
    "unsupported": _unsupported,
    "allocate": _allocate,
    "share": _share,
    "use memory": _use_memory,
    "print a lot": _print_a_lot,
    "fork and leave": _fork_and_leave,
    "close the channel": _close_the_channel,
    "ignore signals": _ignore_signals,
    "leave a daemon": _leave_a_daemon,
    "leave a daemon and exit": _leave_a_daemon_and_exit,
    "rubbish in the channel": _write_rubbish,
    "strange message": lambda: _write_message(b'{"event": "stage", "stage": 7}'),
    "early burst": lambda: _write_message(b'{"event": "burst", "rewarming_ms": [], "ms": [1.0]}'),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "last a while": lambda: _last(1.5),
    "last long": lambda: _last(4.5),
}
