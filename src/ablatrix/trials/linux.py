"""The few Linux calls that Python's ``os`` does not have."""

import ctypes
import os
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent() -> None:
    """Have this process killed when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends, so that it can end them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children_of(pid: int) -> list[int]:
    """Return the direct children of a process."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in listing.read_text().split()]
        except OSError:
            continue
    return found


def is_dead(pid: int) -> bool:
    """Return whether a process has ended, whether or not its parent has been told."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state in {"Z", "X"}


def group_members(group: int) -> list[int]:
    """Return the processes of a process group, those whose parent has ended included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:  # proc(5): after the name come state, ppid and pgrp
                found.append(int(entry.name))
    return found


def threads_of(pid: int | str = "self") -> list[tuple[int, str]]:
    """Return number and name of each thread of a process; the main thread has the number of the process."""
    found = []
    for entry in sorted(Path(f"/proc/{pid}/task").iterdir()):
        try:
            found.append((int(entry.name), (entry / "comm").read_text().strip()))
        except OSError:
            continue
    return found


def thread_names(pid: int | str = "self") -> list[str]:
    """Return the names of a process's threads."""
    return [name for _, name in threads_of(pid)]


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
