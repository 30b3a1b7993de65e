"""Peak resident set of one phase of this process, and the memory that a whole process group holds.

``ru_maxrss`` is a peak since the process began, and a forked child starts with its parent's; a phase needs a
peak of its own. Writing 5 to ``/proc/self/clear_refs`` sets the peak (``VmHWM``) back to the present level
(proc(5)). The kernel counts per core, so a reading is accurate to a few dozen pages per core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ablatrix.trials.host.linux import group_members

PROC = Path("/proc")
PROCESS = PROC / "self"


@dataclass(frozen=True)
class MemoryReading:
    """Resident set of this process in bytes: now, and its peak since the meter's reset."""

    resident_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class PeakMeter:
    """A phase whose peak is metered, from :meth:`reset` on. A later reset ends the earlier meter's phase.

    Attributes:
        start_bytes: Resident set at the reset; None when the peak could not be reset: nothing is read.
        process: The process's directory under ``/proc``.
    """

    start_bytes: int | None
    process: Path = PROCESS

    @classmethod
    def reset(cls, process: Path = PROCESS) -> PeakMeter:
        """Set the peak back to the present level and return the meter of the phase that begins here."""
        try:
            (process / "clear_refs").write_text("5")
        except OSError:  # not permitted, or not Linux
            return cls(None, process)
        reading = read_memory(process)
        return cls(reading.resident_bytes if reading else None, process)

    def read(self) -> MemoryReading | None:
        """Return the present level and the phase's peak; None when the peak could not be reset."""
        return None if self.start_bytes is None else read_memory(self.process)

    def growth_bytes(self) -> int | None:
        """Return how far the phase's peak rose over its start; None when it could not be reset."""
        reading = self.read()
        if reading is None or self.start_bytes is None:
            return None
        return max(0, reading.peak_bytes - self.start_bytes)


def read_memory(process: Path = PROCESS) -> MemoryReading | None:
    """Return the resident set now and its peak since the last reset; None when the kernel does not report them."""
    try:
        status = (process / "status").read_text()
    except OSError:
        return None
    resident, peak = (re.search(rf"^{field}:\s*(\d+) kB$", status, re.M) for field in ("VmRSS", "VmHWM"))
    if resident is None or peak is None:
        return None
    return MemoryReading(int(resident[1]) * 1024, int(peak[1]) * 1024)


def group_bytes_above(group: int, limit_bytes: int) -> int | None:
    """Return the memory in bytes that a process group holds, when that is above a limit; None when it is not.

    The sum of resident sets counts a page that processes share once for each of them, and a forked worker shares
    most of its pages with the fork server. That sum is cheap and never too small, so it is taken first. Only when it
    is above the limit are the proportional shares added up, in which a page shared by n processes counts 1/n to
    each (``Pss`` in proc(5), ``smaps_rollup``).
    """
    members = [PROC / str(pid) for pid in group_members(group)]
    readings = [reading for member in members if (reading := read_memory(member)) is not None]
    if sum(reading.resident_bytes for reading in readings) <= limit_bytes:
        return None
    held = sum(map(_proportional_bytes, members))
    return held if held > limit_bytes else None


def _proportional_bytes(process: Path) -> int:
    """Return a process's proportional share; 0 for one that has just ended."""
    try:
        found = re.search(r"^Pss:\s*(\d+) kB$", (process / "smaps_rollup").read_text(), re.M)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0
