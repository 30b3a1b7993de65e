"""Up to how many records tables, figures and text are made again without being asked.

Checking records takes the same memory however many there are; making what follows from them takes memory in proportion
to their number, and of a stranger's artifact nobody knows that beforehand.
"""

from dataclasses import dataclass
from pathlib import Path

from ablatrix.artifact.contents import Recorded
from ablatrix.regular_files import MEBIBYTE

MOST_RECORDS = 100_000
MOST_BYTES = 512 * MEBIBYTE
MOST_CELLS = 30_000_000
"""Lines and bytes of the records, and cells of the table that they become: it has some 250 columns, and two more for
each knob."""
PROCESSES = 2
"""Processes that read the records at once: each is an interpreter with Polars, and keeps what lines share."""
BASE_MIB, MIB_A_THOUSAND = 470, 3.0
"""Memory of making everything again, with few records and for each thousand more: a line through 0.46 GiB for 2,000
(benchmarks/verify_memory.py, 2026-11-29) and 3.4 GiB for a million (benchmarks/paper_scale.py). By it `MOST_RECORDS`
take 0.75 GiB, which leaves room for records that are larger than those."""
OPTION = "--any-size"


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Most records whose tables, figures and text are made again without being asked.

    Attributes:
        records: Their number.
        bytes: The size of their file.
        cells: The cells of their table.
        processes: Most processes that read them at once.
    """

    records: int = MOST_RECORDS
    bytes: int = MOST_BYTES
    cells: int = MOST_CELLS
    processes: int = PROCESSES

    def excess(self, file: Path, recorded: Recorded) -> str | None:
        """Return what there is too much of, what it would take, and how to ask for it; None where it is within.

        Args:
            file: The records.
            recorded: What they say.
        """
        count, size = recorded.count, file.stat().st_size
        cells = count * recorded.columns
        if count <= self.records and size <= self.bytes and cells <= self.cells:
            return None
        usual = max(count, size / MOST_BYTES * MOST_RECORDS, cells / MOST_CELLS * MOST_RECORDS)
        memory = (BASE_MIB + usual / 1000 * MIB_A_THOUSAND) / 1024
        there = _words(count, size, cells)
        most = _words(self.records, self.bytes, self.cells)
        return (
            f"there are {there}, and tables, figures, text and page are made again from at most {most}: that would "
            f"take some {memory:.1f} GiB of memory; {OPTION} does it"
        )


def _words(records: int, size: int, cells: int) -> str:
    return f"{records:,} records with {size / MEBIBYTE:.0f} MiB and {cells / 1e6:.1f} million cells"
