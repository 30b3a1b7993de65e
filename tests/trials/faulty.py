"""A compiler whose knob ``fault`` says how it fails, in a real worker process; otherwise it runs eager."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablatrix.compilers.adapter import BoundRun, CompileFacts, CompileRequest, Executable
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import UnsupportedError


class FaultyCompiler(EagerCompiler):
    name = "faulty"

    def versions(self) -> Mapping[str, str]:
        return {"faulty": "1"}

    def compile(self, request: CompileRequest) -> Executable:
        fault = str(request.knobs["fault"])
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


def _raise() -> None:
    raise ValueError("the compiler gave up")


def _unsupported() -> None:
    raise UnsupportedError("fault 'unsupported' is not had by this compiler")


def _allocate() -> None:
    held = []
    while True:
        held.append(bytearray(64 * 2**20))


def _print_a_lot() -> None:
    line = b"x" * 99_999 + b"\n"
    for _ in range(1000):
        libc().write(1, line, len(line))


def _fork_and_leave() -> None:
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)
    os._exit(0)


FAULTS: dict[str, Callable[[], None]] = {
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": lambda: libc().abort(),
    "exit": lambda: os._exit(0),
    "hang": lambda: libc().sleep(1000),
    "raise": _raise,
    "unsupported": _unsupported,
    "allocate": _allocate,
    "print a lot": _print_a_lot,
    "fork and leave": _fork_and_leave,
}
