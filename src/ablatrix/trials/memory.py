"""Peak resident set of one phase of this process.

``ru_maxrss`` is a peak since the process began, and a forked child starts with its parent's; a phase needs a
peak of its own. Writing 5 to ``/proc/self/clear_refs`` sets the peak (``VmHWM``) back to the present level
(proc(5)). The kernel keeps the count per core, so a reading is good to some dozen pages a core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROCESS = Path("/proc/self")


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
    """Return the resident set now and its peak since the last reset; None when not told."""
    try:
        status = (process / "status").read_text()
    except OSError:
        return None
    resident, peak = (re.search(rf"^{field}:\s*(\d+) kB$", status, re.M) for field in ("VmRSS", "VmHWM"))
    if resident is None or peak is None:
        return None
    return MemoryReading(int(resident[1]) * 1024, int(peak[1]) * 1024)
