"""What every child of a fork server does first, forked or spawned."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ablatrix.compilers.adapter import Compiler
from ablatrix.compilers.built_task import class_digest
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.import_spec import import_place

KEPT_DESCRIPTORS = 3


def clean_descriptors(wanted: list[int]) -> list[int]:
    """Close every descriptor but the standard three and the wanted ones, which are moved behind them."""
    # First beyond their places, which others may have; no further, since a process may have few descriptors.
    safe = [fcntl.fcntl(old, fcntl.F_DUPFD, KEPT_DESCRIPTORS + len(wanted)) for old in wanted]
    first = KEPT_DESCRIPTORS
    for one in sorted(safe):
        os.closerange(first, one)
        first = one + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
    kept = [os.dup2(old, KEPT_DESCRIPTORS + index, inheritable=False) for index, old in enumerate(safe)]
    os.closerange(KEPT_DESCRIPTORS + len(kept), max(safe) + 1)
    return kept


def reset_signals() -> None:
    """Give signals their default actions; only a closed channel is an error and not a signal."""
    for name in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with suppress(OSError, ValueError):
            signal.signal(name, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


@contextmanager
def loading(*, holds_tensors: bool = True) -> Iterator[None]:
    """Look for no garbage while modules and programs are loaded, and leave them out of every later search.

    Nearly all of it stays, so that searching it again and again as it grows takes time and finds nothing. A search
    would also write to the memory that forks share. What is left over may hold the weights of a program, so it is
    searched once; where ``holds_tensors`` is false, as of imports, that is not worth its time.
    """
    gc.disable()
    try:
        yield
        if holds_tensors:
            gc.collect()
        gc.freeze()
    finally:
        gc.enable()


def import_compiler(entry: CompilerEntry) -> Compiler:
    """Return the adapter of a compiler, with all imports done; the adapter of a program is made from its entry."""
    make = import_place(entry.adapter)
    compiler: Compiler = make() if entry.program is None else make(entry)
    compiler.preload()
    class_digest(type(compiler))  # kept for every fork: of the code that is loaded, not of later edits
    return compiler
