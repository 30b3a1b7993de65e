"""Room on disk for what hot trials built: a run of thousands of configurations keeps a cache for each of them.

All together take no more than is left free beside them. Those that were used longest ago go first; their next trial
builds its code again, as its first one did. When nothing is left to run, all go.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from ablatrix.compilers.cache import CONTENTS


def free_bytes(directory: Path) -> int:
    """Return how much of the disk of a directory is free."""
    return shutil.disk_usage(directory).free


class HotCaches:
    """The caches of a run, below one directory, each named by its cell.

    Args:
        directory: What hot trials of each cell built; it need not exist.
        free: Returns how many bytes of a directory's disk are free.
    """

    def __init__(self, directory: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._directory, self._free = directory, free
        held = sorted(_caches(directory), key=lambda one: one.stat().st_mtime_ns)
        self._sizes = {one.name: _size(one) for one in held}  # the one that was used longest ago first

    def used(self, cell_ids: Iterable[str]) -> list[str]:
        """Note that trials of some cells ran, make room, and return the cells whose caches were removed.

        Args:
            cell_ids: Their caches stay.
        """
        now = dict.fromkeys(cell_ids)
        for cell_id in now:
            self._sizes.pop(cell_id, None)
            self._sizes[cell_id] = _size(self._directory / cell_id)
        gone: list[str] = []
        for cell_id in [one for one in self._sizes if one not in now]:
            if not self._directory.is_dir() or sum(self._sizes.values()) <= self._free(self._directory):
                break
            shutil.rmtree(self._directory / cell_id, ignore_errors=True)
            _forget_unused(self._directory / CONTENTS)
            del self._sizes[cell_id]
            gone.append(cell_id)
        return gone


def clear_caches(directory: Path) -> None:
    """Remove the caches below a directory, which need not exist."""
    shutil.rmtree(directory, ignore_errors=True)


def _caches(directory: Path) -> list[Path]:
    """Return the cache of each cell; names that begin with a dot are no cells'."""
    return [one for one in directory.iterdir() if one.is_dir() and one.name[0] != "."] if directory.is_dir() else []


def _forget_unused(contents: Path) -> None:
    """Remove files that no cache has any more, of those that caches share."""
    for one in contents.iterdir() if contents.is_dir() else ():
        if one.stat().st_nlink == 1:
            one.unlink()


def _size(directory: Path) -> int:
    """Return the bytes of the files below a directory; of a file with several names this one has its part."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                found = (Path(folder) / name).lstat()
            except OSError:  # a trial that was ended may have left a draft that another process removes
                continue
            total += found.st_size // found.st_nlink
    return total
