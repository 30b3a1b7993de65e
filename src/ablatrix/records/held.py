"""Files of records that are there as long as their value is held: what a zip was unpacked to goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ablatrix.records.location import find_records
from ablatrix.records.names import RECORDS_NAME

SUFFIX = Path(RECORDS_NAME).suffix


@dataclass(frozen=True)
class RecordsFile:
    """A file of records, with what lies beside it.

    Attributes:
        path: The file.
        given: What was named.
        unpacked: Where it was unpacked to, if a zip was named; removed when this value is no longer held.
    """

    path: Path
    given: Path
    unpacked: "TemporaryDirectory[str] | None" = None


def hold_records(given: str | Path) -> RecordsFile:
    """Return the file of records that a path leads to; see `find_records` for what it may be.

    A file that is named as records are is not looked into: whoever reads it knows which line is at fault.

    Raises:
        RecordError: It leads to no records, or is a zip that cannot be unpacked.
    """
    path = Path(given)
    if path.suffix == SUFFIX and not path.is_dir():
        return RecordsFile(path, path)
    made: list[TemporaryDirectory[str]] = []

    def scratch() -> Path:
        made.append(TemporaryDirectory(prefix="ablatrix-", ignore_cleanup_errors=True))
        return Path(made[0].name)

    return RecordsFile(find_records(path, scratch), path, made[0] if made else None)


def hold_all_records(given: Sequence[str | Path]) -> list[RecordsFile]:
    """Return the file of records that each path leads to; see `hold_records`."""
    return [hold_records(path) for path in given]
