"""The few Linux calls that Python's ``os`` does not have."""

import ctypes
import os
import signal
from pathlib import Path

DEAD, STOPPED = frozenset("ZX"), frozenset("Tt")
"""States of processes, as in proc(5)."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_LARGEST_INT = 2**31 - 1


def die_with_parent(parent: int | None = None) -> None:
    """Have this process killed when its parent ends.

    Args:
        parent: The parent, where it is known: if it has ended before this call, so does this process.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


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


def descendants_of(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def is_dead(pid: int) -> bool:
    """Return whether a process has ended, whether or not its parent has waited for it."""
    return state_of(pid) in DEAD


def is_stopped(pid: int) -> bool:
    """Return whether every thread of a process is stopped, or the process has ended."""
    try:
        threads = [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return True
    return all(state_of(thread) in STOPPED | DEAD for thread in threads)


def state_of(pid: int) -> str:
    """Return the state of a process or thread as in proc(5); ``X``, dead, when there is no such one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"


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
    """Return id and name of each thread of a process; the id of the main thread is that of the process."""
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


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed in this process, and take large arrays from its heap, too.

    By default glibc returns the end of its heap to the system where that is large, and takes large arrays as mappings
    of their own; both thresholds follow what was freed before (mallopt(3)). By where its arrays come to lie, each run
    of a program that makes large ones takes thousands of page faults, or none.

    Returns:
        Whether it does; not where the C library is another one.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)) and bool(mallopt(_M_MMAP_MAX, 0))


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
