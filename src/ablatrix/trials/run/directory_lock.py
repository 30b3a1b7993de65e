"""The lock of a directory of results: two runs into one exclude each other, also where ``flock`` does nothing.

``flock`` goes with whoever held it, however it died, so it comes first. Some network file systems answer it without
locking anything, or each host for itself. So whoever has it also writes down who it is, in a file that only one can
create: host, process, and when that process began, by which a process is told from a later one of the same number.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ablatrix.errors import TrialError

LOCK, OWNER = "lock", "owner.json"
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who runs into a directory.

    Attributes:
        host: Name of its host.
        boot: Id of the boot of its kernel, empty where that is not known.
        pid: Its process.
        began: When the process began, in clock ticks since the boot; empty where that is not known.
    """

    host: str
    boot: str
    pid: int
    began: str

    @classmethod
    def own(cls) -> Owner:
        """Return this process as one."""
        return cls(host=socket.gethostname(), boot=_boot(), pid=os.getpid(), began=_began(os.getpid()))

    def runs_here(self) -> bool:
        """Return whether it is a process of this machine that is still there, and not this one."""
        same_kernel = bool(self.boot) and self.boot == _boot()
        return same_kernel and self.pid != os.getpid() and bool(self.began) and self.began == _began(self.pid)

    def is_elsewhere(self) -> bool:
        """Return whether it is of another host, about whose processes nobody here can know."""
        return self.host != socket.gethostname() and self.boot != _boot()


def hold_directory(directory: Path, work: Path) -> ExitStack:
    """Hold a directory of results until the stack that is returned is closed.

    Args:
        directory: For messages.
        work: Its folder for working files, which is made.

    Raises:
        TrialError: Another run holds it, or it cannot be written.
    """
    stack = ExitStack()
    try:
        work.mkdir(parents=True, exist_ok=True)
        stream = stack.enter_context((work / LOCK).open("w"))
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _own(directory, work / OWNER)
        stack.callback(_forget, work / OWNER)
    except BlockingIOError:
        stack.close()
        raise TrialError(f"{directory}: another run is writing there; wait for it or choose another --out") from None
    except OSError as error:
        stack.close()
        place = error.filename or directory
        raise TrialError(f"{place}: cannot be written: {error.strerror}; choose another --out") from None
    except TrialError:
        stack.close()
        raise
    return stack


def _own(directory: Path, file: Path) -> None:
    """Write down that this process has the directory, unless somebody has it who may still be there."""
    held = _read(file)
    if held is not None and held.runs_here():
        raise TrialError(
            f"{directory}: another run is writing there (process {held.pid} of this host, though the file system locks "
            "nothing); wait for it or choose another --out"
        )
    if held is not None and held.is_elsewhere():
        raise TrialError(
            f"{directory}: process {held.pid} of host {held.host!r} began a run there and has not ended it; if it is "
            f"gone, remove {file} and run again"
        )
    file.unlink(missing_ok=True)  # of a run that was killed
    with file.open("x", encoding="utf-8") as stream:
        json.dump(asdict(Owner.own()), stream)


def _forget(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _read(file: Path) -> Owner | None:
    """Return who has a directory; None where nobody has, or a kill left half of a file."""
    try:
        held = json.loads(file.read_bytes())
        return Owner(host=str(held["host"]), boot=str(held["boot"]), pid=int(held["pid"]), began=str(held["began"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def _began(pid: int) -> str:
    """Return when a process began; empty where there is none."""
    try:  # proc(5): after the name comes the third field, and the time is the 22nd
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
