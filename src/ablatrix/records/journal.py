"""The journal: an append-only file of records, one JSON object a line, that survives a kill at any byte.

A line counts once its newline is on disk. A tail that a kill or a power cut left behind (no newline, or no
JSON) is
*torn*: readers pass over it and report it; opening the journal for writing moves it to a side file,
``results.jsonl.torn-<n>``, so that nothing is ever deleted.
"""

import fcntl
import json
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from ablatrix.errors import RecordError
from ablatrix.records.disk import new_beside, refusal, sync_directory
from ablatrix.records.held import hold_records
from ablatrix.records.model import SCHEMA_VERSION, Record
from ablatrix.records.schema import LONGEST_LINE, ValidLine, parse_object, read_line
from ablatrix.regular_files import open_regular

Report = Callable[[str], None]
BLOCK_BYTES = 2**20


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)


def record_line(record: Record) -> str:
    """Return the line of one record, newline included: fields in the model's order, UTF-8, no NaN."""
    value = record.model_dump(mode="json")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Scan:
    """What a journal's file looks like.

    Attributes:
        whole_bytes: Bytes of the whole lines, the torn one not counted.
        torn_bytes: Bytes after them, 0 for a sound file.
    """

    path: Path
    whole_bytes: int
    torn_bytes: int

    @cached_property
    def lines(self) -> int:
        """The whole lines, counted when they are asked for: that is a pass over the file.

        Raises:
            RecordError: The file cannot be read.
        """
        count, left = 0, self.whole_bytes
        try:
            with self.path.open("rb") as file:
                while block := file.read(min(BLOCK_BYTES, left)):
                    count += block.count(b"\n")
                    left -= len(block)
        except OSError as error:
            raise RecordError(f"{self.path}: records cannot be read: {error.strerror}") from error
        return count


def scan(path: str | Path) -> Scan:
    """Find where the whole lines of a journal end, and recognise a torn tail.

    The tail is torn when the last line lacks its newline or is no JSON object. A line that is JSON but breaks
    the schema is not torn: it is a fault, which reading raises.

    Raises:
        RecordError: The file cannot be read.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            last = _last_line(file)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise RecordError(f"{path}: records cannot be read: {error.strerror}") from error
    if len(last) > LONGEST_LINE:
        raise RecordError(f"{path}: its last line has more than {LONGEST_LINE} bytes, which no record has")
    if not last or _is_whole(last):
        return Scan(path, size, 0)
    return Scan(path, size - len(last), len(last))


def read_lines(path: str | Path, report: Report = _warn) -> Iterator[ValidLine]:
    """Yield every whole line of a journal, validated, in file order.

    Args:
        path: The file.
        report: Called once about a torn tail, and once about fields of a newer minor version that were ignored.

    Raises:
        RecordError: The file cannot be read, or a line breaks the schema (``file:line`` leads the message).
    """
    found = scan(path)
    report_torn(found, report)
    ignored: Counter[str] = Counter()
    with found.path.open("rb") as file:
        for number in range(1, found.lines + 1):
            line = read_encoded(file.readline(LONGEST_LINE + 1), f"{found.path}:{number}")
            ignored.update(line.ignored)
            yield line
    report_ignored(found.path, ignored, report)


def read_encoded(line: bytes, location: str) -> ValidLine:
    """Validate one line as it is in a file; see `read_line`.

    Raises:
        RecordError: It is not UTF-8, longer than any record, or breaks the schema.
    """
    if len(line) > LONGEST_LINE:
        raise RecordError(f"{location}: a line of more than {LONGEST_LINE} bytes, which no record has")
    return read_line(_decoded(line, location), location)


def report_torn(found: Scan, report: Report) -> None:
    """Report a torn tail, if there is one."""
    if found.torn_bytes:
        report(
            f"{found.path}:{found.lines + 1}: the last line is torn ({found.torn_bytes} bytes) and was "
            "passed over; "
            f"the next run into this directory sets it aside"
        )


def report_ignored(path: Path, ignored: Mapping[str, int], report: Report) -> None:
    """Report the fields of a newer minor version that were ignored, each with its count of lines."""
    if ignored:
        fields = ", ".join(f"{field} ({count} lines)" for field, count in sorted(ignored.items()))
        report(f"{path}: written by a newer minor version than {SCHEMA_VERSION}; fields ignored: {fields}")


def read_records(path: str | Path, report: Report = _warn) -> Iterator[Record]:
    """Yield every record of a journal in file order; see `read_lines`.

    Args:
        path: A file of records, a directory of results, a bundle's directory, or a bundle's zip.
        report: As for `read_lines`.
    """
    found = hold_records(path)  # held while lines are read: what a zip was unpacked to goes with it
    for line in read_lines(found.path, report):
        yield line.record


def read_own_records(path: str | Path) -> Iterator[Record]:
    """Yield the records of a journal that runs of this program wrote, in a third of the time of `read_records`.

    Each is validated; only that no key stands twice in an object, which no run writes, is not looked for. A torn tail
    is passed over in silence. One record is in memory at a time.

    Raises:
        RecordError: The file cannot be read, or a line breaks the schema.
    """
    found = scan(path)
    left = found.whole_bytes
    with found.path.open("rb") as file:
        number = 0
        while left > 0:
            line = file.readline(LONGEST_LINE + 1)
            left -= len(line)
            number += 1
            record = read_own_record(line)
            yield read_encoded(line, f"{found.path}:{number}").record if record is None else record


def read_own_record(line: bytes | str) -> Record | None:
    """Return the record of a line that a run wrote; None where only `read_line` can tell: it has a fault, or is old."""
    try:
        record = Record.model_validate_json(line, strict=True)
    except ValidationError:
        return None
    return record if record.schema_version == SCHEMA_VERSION else None


def final_records(records: Iterable[Record]) -> list[Record]:
    """Return the one line that counts for each trial: final, and of the highest attempt; in file order.

    A trial without a final line (it was interrupted, and not run again yet) is not in the answer.
    """
    chosen: dict[str, Record] = {}
    for record in records:
        held = chosen.get(record.trial_id)
        if record.final and (held is None or record.attempt >= held.attempt):
            chosen.pop(record.trial_id, None)
            chosen[record.trial_id] = record
    return list(chosen.values())


class Journal:
    """An open journal. One process writes at a time; a line is on disk when `append` returns.

    Attributes:
        path: The file.
        torn: Side file that a torn tail was moved to when the journal was opened, None when there was none.
    """

    def __init__(self, path: str | Path) -> None:
        """Open or create the file, and set a torn tail aside.

        Raises:
            RecordError: The file cannot be opened, or another process is writing it.
        """
        self.path = Path(path)
        self.torn: Path | None = None
        is_new = not self.path.exists()
        try:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RecordError(f"{self.path}: cannot be opened for records: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_new:
                sync_directory(self.path.parent)
            else:
                self.torn = self._set_torn_tail_aside()
        except BlockingIOError as error:
            self.close()
            raise RecordError(
                f"{self.path}: another run is writing these records; wait for it, or choose another directory"
            ) from error
        except OSError as error:
            self.close()
            raise RecordError(f"{self.path}: cannot be made ready for records: {error}") from error

    def append(self, *records: Record) -> None:
        """Write each record as one line, and wait until all are on disk. A sync takes longest, so it is one for all.

        Raises:
            RecordError: The journal is closed, or the disk refuses a line. The journal closes then, so that
                no later line is glued to half of this one.
        """
        self.append_lines([record.record_id for record in records], list(map(record_line, records)))

    def append_lines(self, names: Sequence[str], texts: Sequence[str]) -> None:
        """Write records, given their ids and lines with newlines, and wait as `append` does."""
        named = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        if self._descriptor < 0:
            raise RecordError(f"{self.path}: the journal is closed; record {named} was not written")
        lines = "".join(texts).encode()
        try:
            written = os.write(self._descriptor, lines)
            if written != len(lines):
                raise OSError(f"{written} of {len(lines)} bytes written")
            os.fsync(self._descriptor)
        except OSError as error:
            self.close()
            raise RecordError(f"{self.path}: record {named} could not be written: {refusal(error)}") from error
        self._refuse_other_file()

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refuse_other_file(self) -> None:
        """Refuse to go on where the file that is written is no longer the one that has its name.

        Raises:
            RecordError: It was removed or replaced; what was written is kept beside it.
        """
        own = os.fstat(self._descriptor)
        try:
            there = self.path.stat()
        except OSError:
            there = None
        # Some network file systems give a file another number each time, but never another size.
        if there is not None and (
            (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino) or there.st_size == own.st_size
        ):
            return
        try:
            kept = f"what was written is kept in {self._keep_elsewhere()}"
        except OSError as error:
            kept = f"what was written could not be kept: {error.strerror}"
        self.close()
        what = "removed" if there is None else "replaced by another file"
        raise RecordError(f"{self.path}: it was {what} while a run was writing it; {kept}; run again to resume")

    def _keep_elsewhere(self) -> Path:
        """Copy all that was written to a file beside the one that is gone, and return that."""
        with Path(f"/proc/self/fd/{self._descriptor}").open("rb") as held, new_beside(self.path, "kept") as file:
            shutil.copyfileobj(held, file)
            file.flush()
            os.fsync(file.fileno())
        return Path(file.name)

    def _set_torn_tail_aside(self) -> Path | None:
        found = scan(self.path)
        if not found.torn_bytes:
            return None
        with self.path.open("rb") as file:
            file.seek(found.whole_bytes)
            tail = file.read()
        with new_beside(self.path, "torn") as aside:
            aside.write(tail)
            aside.flush()
            os.fsync(aside.fileno())
        side = Path(aside.name)
        sync_directory(self.path.parent)  # the copy is safe before the original goes
        os.ftruncate(self._descriptor, found.whole_bytes)
        os.fsync(self._descriptor)
        return side


def _last_line(file: BinaryIO) -> bytes:
    """Return the last line of a file, whole or not, without the lines before it; of one that is too long, its end."""
    size = file.seek(0, os.SEEK_END)
    taken = 0
    tail = b""
    while b"\n" not in tail[:-1] and taken < min(size, LONGEST_LINE + 1):
        taken = min(size, max(4096, 2 * taken))
        file.seek(size - taken)
        tail = file.read(taken)
    return tail[tail.rfind(b"\n", 0, -1) + 1 :]


def _is_whole(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        _object(line)
    except RecordError:
        return False
    return True


def _object(line: bytes) -> dict[str, Any]:
    return parse_object(_decoded(line, "line"), "line")


def _decoded(line: bytes, location: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{location}: not UTF-8: {error}") from None
