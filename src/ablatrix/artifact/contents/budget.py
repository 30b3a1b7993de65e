"""How much is kept of the records of an artifact: a stranger's may name whatever they like."""

from dataclasses import dataclass

from ablatrix.regular_files import MEBIBYTE

MOST_NAMES = 20_000
"""Distinct versions, levels, threads, machines, workloads, builds, models, compilers and keys in all. A screening of a
thousand knobs has some 5,000; tables and documents of more can be neither read nor made in bounded memory."""
MOST_HELD_BYTES = 320 * MEBIBYTE
"""What is kept of all records, by the costs below: that of 1,500,000 ordinary ones. Of a million, half of them hot, it
is 205 MiB, and the peak of reading the design, gathering and comparing is 598 MiB (Python 3.11, 2026-11-29)."""
MOST_FAILED_BYTES = 48 * MEBIBYTE
"""What is kept of failed trials: the crate's objects and text of them take ten times as much."""

LINE_COST, NAME_COST, FAILED_COST = 140, 300, 700
"""Bytes of a record, of a distinct name and of a failed trial without their texts, as measured with Python 3.11."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What is kept at most: distinct names, bytes in all, and bytes of failed trials."""

    names: int = MOST_NAMES
    held_bytes: int = MOST_HELD_BYTES
    failed_bytes: int = MOST_FAILED_BYTES


class Budget:
    """What is kept so far."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._names = self._held = self._failed = 0

    def hold(self, size: int) -> None:
        """Count bytes that are kept."""
        self._held += size

    def name(self, *texts: str) -> None:
        """Count one more distinct name, which is kept with these texts."""
        self._names += 1
        self._held += NAME_COST + sum(map(len, texts))

    def fail(self, *texts: str | None) -> None:
        """Count one more failed trial, which is kept with these texts."""
        size = FAILED_COST + sum(len(text or "") for text in texts)
        self._failed += size
        self._held += size

    @property
    def excess(self) -> str | None:
        """What is more than is kept, in words; None as long as nothing is."""
        if self._names > self._bounds.names:
            what = "versions, levels, threads, machines, workloads, builds, models, compilers and keys"
            return f"they name more than {self._bounds.names} different {what}"
        if self._failed > self._bounds.failed_bytes:
            return f"their failed trials take more than {self._bounds.failed_bytes / MEBIBYTE:g} MiB"
        if self._held > self._bounds.held_bytes:
            return f"their ids and names take more than {self._bounds.held_bytes / MEBIBYTE:g} MiB"
        return None
