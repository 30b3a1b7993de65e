"""The lock of a host: one slot at a time measures there, of whichever run, cluster or user it is, and no run beside it.

A slot has the lock alone. Runs that somebody starts on the host share it: two of them may be meant, on CPUs of their
own, and whoever starts the second is told. Nobody sees what disturbs a slot, so a run beside one is refused.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from ablatrix.errors import TrialError

VARIABLE = "ABLATRIX_LOCK_DIR"
TRIES, TRY_S = 3, 0.1
"""A run that begins has the lock alone for a moment, to see whether it is."""


def lock_path(host: str = "", directory: Path | None = None) -> Path:
    """Return the file that is locked on a host.

    Args:
        host: Name of a part of the machine that counts as a host of its own; empty for the machine.
        directory: Where it lies; default: ``$ABLATRIX_LOCK_DIR``, which containers of one machine can share, else the
            directory for temporary files, which all users of the machine share.
    """
    part = re.sub(r"[^\w.-]", "_", host)
    place = directory or Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
    return place / f"ablatrix-host{'-' if part else ''}{part}.lock"


class HostLock:
    """A slot's lock on a file of the host; it goes with the last process that has its descriptor."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            TrialError: Somebody else has it; or the file cannot be opened.
        """
        self.path = path
        try:
            self.descriptor = _open(path)
        except OSError as error:
            raise TrialError(f"{path}: the lock of this host cannot be opened: {error.strerror}") from None
        if not _took(self.descriptor, fcntl.LOCK_EX):
            os.close(self.descriptor)
            raise TrialError(f"{path}: another slot or run measures on this host; one slot does so alone")

    def release(self) -> None:
        """Let it go here; a runner that has it goes on holding it."""
        os.close(self.descriptor)


@contextmanager
def measuring_here(notice: Callable[[str], None], path: Path | None = None) -> Iterator[None]:
    """Share the lock of this host with other runs that somebody started on it, while a run measures.

    Args:
        notice: Called with one line where another run is measuring, or where nobody can know.
        path: The lock; default: that of this host.

    Raises:
        TrialError: A slot of a cluster measures here.
    """
    path = path or lock_path()
    try:
        descriptor = _open(path)
    except OSError as error:
        notice(f"whether others measure on this machine is not known: {path} cannot be opened: {error.strerror}")
        yield
        return
    try:
        is_alone = _took(descriptor, fcntl.LOCK_EX)
        if not _is_shared(descriptor):
            raise TrialError(
                f"{path}: a slot of a cluster measures on this host, and a run beside it would spoil both; wait for "
                "it, or run on another machine"
            )
        if not is_alone:
            notice("another run measures on this machine, too: each disturbs the other unless their CPUs are apart")
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # only then: a shared directory may forbid creating over another user's file
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        os.fchmod(descriptor, 0o666)
        return descriptor


def _is_shared(descriptor: int) -> bool:
    for _ in range(TRIES):
        if _took(descriptor, fcntl.LOCK_SH):
            return True
        sleep(TRY_S)
    return False


def _took(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
