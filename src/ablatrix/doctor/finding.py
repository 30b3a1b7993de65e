"""One finding about this machine, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "warning", "fatal"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at (``package torch``, ``free disk``).
        level: ``ok``; ``note``: something optional is absent or unknown; ``warning``: studies run, and their numbers
            will differ or scatter; ``fatal``: studies cannot run.
        found: What is there.
        needed: What should be there.
        remedy: What to do about it, empty when it is ok.
    """

    name: str
    level: Level
    found: str
    needed: str
    remedy: str = ""
