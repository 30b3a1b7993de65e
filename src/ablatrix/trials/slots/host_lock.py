"""The lock of a host: one slot at a time measures there, of whichever run, cluster or user it is."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from pathlib import Path

from ablatrix.errors import TrialError


def lock_path(host: str = "", directory: Path | None = None) -> Path:
    """Return the file that a slot locks on its host.

    Args:
        host: Name of a part of the machine that counts as a host of its own; empty for the machine.
        directory: Where it lies; default: the directory for temporary files, which all users of the machine share.
    """
    part = re.sub(r"[^\w.-]", "_", host)
    return (directory or Path(tempfile.gettempdir())) / f"ablatrix-host{'-' if part else ''}{part}.lock"


class HostLock:
    """A lock on a file of the host; it goes with the last process that has its descriptor."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            TrialError: Somebody else has it; or the file cannot be opened.
        """
        self.path = path
        try:
            try:
                self.descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:  # only then: a shared directory may forbid creating over another user's file
                self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
                os.fchmod(self.descriptor, 0o666)
        except OSError as error:
            raise TrialError(f"{path}: the lock of this host cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.descriptor)
            raise TrialError(f"{path}: another slot measures on this host; one at a time does") from None

    def release(self) -> None:
        """Let it go here; a runner that has it goes on holding it."""
        os.close(self.descriptor)
