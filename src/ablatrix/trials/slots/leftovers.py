"""What runs left on a host: caches and prepared programs of runs that ended, or whose driver never came back.

Who prunes has the host's lock, so that no other run's slot is at work here. A run that is only elsewhere for a while
loses caches at most, which are made again; spools that it may still ask for stay for a month.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)

CACHES_S, SPOOLS_S = 24 * 3600.0, 30 * 24 * 3600.0
"""For how long caches of another run stay, and spools that nobody has acknowledged."""
MOST_RUNS = 8
"""Other runs whose caches stay at all."""


def prune_runs(runs: Path, keep: str, now: float, spools: str) -> list[str]:
    """Remove what nobody will ask for, and return the ids of the runs whose directories went.

    Args:
        runs: Directory with one directory a run.
        keep: The run that is being set up.
        now: Seconds since the epoch.
        spools: Name of the directory of spools in that of a run.
    """
    others = [(_last_used(one), one) for one in runs.glob("*") if one.is_dir() and one.name != keep]
    gone, kept = [], 0
    for used, run in sorted(others, reverse=True):
        has_spools = any((run / spools).glob("*"))
        kept += not has_spools
        if now - used > (SPOOLS_S if has_spools else CACHES_S) or (not has_spools and kept > MOST_RUNS):
            shutil.rmtree(run, ignore_errors=True)
            gone.append(run.name)
    if gone:
        _log.info("removed what was left of runs %s", ", ".join(gone))
    return gone


def _last_used(run: Path) -> float:
    """Return when a run last did something here, by what it writes at each offer and trial."""
    return max(_times(run), default=0.0)


def _times(run: Path) -> Iterator[float]:
    for one in (run, *run.glob("*"), *run.glob("*/*")):
        try:
            yield one.stat().st_mtime
        except FileNotFoundError:
            continue
