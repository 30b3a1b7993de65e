"""Columnar copies of large files of records: what was read and validated once is not parsed again.

A copy is used for the very bytes that it was made of, by the code that made it, and only if its own bytes are those
that were written. Each of these is a digest in its name, so that there is nothing else to trust: not a date, not a
size, not an index. A copy that fails is removed, and the records are read: docs/decisions/0008-copies-of-records.md.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import polars as pl

from ablatrix.analysis.table.chunk import Stretch
from ablatrix.canonical import content_id, digest_bytes
from ablatrix.records.machine import cores_allowed
from ablatrix.version import __version__

VARIABLE = "ABLATRIX_CACHE_DIR"
"""Environment variable that names the directory of copies; empty: no copies."""
WORTH_BYTES = 32 * 2**20  # less is read within a second
LIMIT_BYTES = 4 * 2**30
FREE_BYTES = 2**30
HASHED_BYTES = 2**18  # as much as a core's cache holds
SUFFIX = ".arrow"
DRAFT, DRAFT_S = ".draft-", 3600.0
MAKERS = ("records/*.py", "analysis/table/*.py", "canonical.py", "statistics/rounds.py", "statistics/quantile.py")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Copies:
    """A directory of copies.

    Attributes:
        directory: Made when the first copy is kept.
        worth_bytes: Smallest file of records that a copy is made of.
        limit_bytes: Most that all copies may take; those that were not used for longest are removed.
    """

    directory: Path
    worth_bytes: int = WORTH_BYTES
    limit_bytes: int = LIMIT_BYTES

    def find(self, size: int, digests: Callable[[], Sequence[str]]) -> pl.DataFrame | None:
        """Return the rows of a file that was read before; None where there is no copy that holds.

        Args:
            size: Bytes of the file that were read.
            digests: Returns the SHA-256 of each of their pieces.
        """
        if size < self.worth_bytes or not self._is_own():
            return None
        begin = f"{_maker()}-{size}-"
        # Without a candidate of this size the file need not be read a second time for its digest.
        if not any(self.directory.glob(f"{begin}*{SUFFIX}")):
            return None
        try:
            begin += f"{digest_of_pieces(digests())}-"
        except OSError:  # reading it will say so
            return None
        for path in sorted(self.directory.glob(f"{begin}*{SUFFIX}")):
            rows = _read(path)
            if rows is not None:
                _log.debug("rows are taken from the copy %s", path)
                return rows
        return None

    def keep(self, rows: pl.DataFrame, size: int, digests: Sequence[str]) -> None:
        """Keep the rows of a file, if it is large enough; where that is not possible nothing else changes.

        Args:
            rows: What was read of it.
            size: Bytes of the file that were read.
            digests: SHA-256 of each of their pieces, from whoever parsed them.
        """
        if size < self.worth_bytes:
            return
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._is_own():
                self._write(rows, f"{_maker()}-{size}-{digest_of_pieces(digests)}")
                self._bound()
        except (OSError, pl.exceptions.PolarsError) as error:
            _log.debug("%s: no copy of the records was kept: %s", self.directory, error)

    def _write(self, rows: pl.DataFrame, begin: str) -> None:
        descriptor, name = tempfile.mkstemp(prefix=DRAFT, dir=self.directory)
        os.close(descriptor)
        draft = Path(name)
        try:
            # One batch: what is read is in one piece, as every array that is made of a column has to be.
            rows.write_ipc(draft, compression="lz4", record_batch_size=rows.height)
            size = draft.stat().st_size
            if size <= self.limit_bytes and shutil.disk_usage(self.directory).free >= FREE_BYTES:
                with draft.open("rb") as file:
                    digest = _digest_of(iter(lambda: file.read(2**20), b""))
                draft.replace(self.directory / f"{begin}-{digest}{SUFFIX}")
        finally:
            draft.unlink(missing_ok=True)

    def _bound(self) -> None:
        """Remove the copies that were not used for longest, as far as all take more than the limit; and old drafts."""
        left = self.limit_bytes
        found = [(path.stat(), path) for path in self.directory.iterdir()]
        for facts, path in sorted(found, key=lambda one: one[0].st_mtime, reverse=True):
            if path.name.startswith(DRAFT):  # of a process that was killed, or of one that is at it
                if facts.st_mtime < time.time() - DRAFT_S:
                    path.unlink(missing_ok=True)
                continue
            left -= facts.st_size
            if left < 0:
                path.unlink(missing_ok=True)

    def _is_own(self) -> bool:
        """Whether the directory is there and nobody else can have put a copy into it."""
        try:
            found = self.directory.stat()
        except OSError:
            return False
        return found.st_uid == os.getuid() and not found.st_mode & 0o022


def user_copies() -> Copies | None:
    """Return the copies of this user: in ``$ABLATRIX_CACHE_DIR``, else in the cache directory of the account.

    Returns:
        None where there are to be none (the variable is empty), or the account has no home.
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Copies(Path(named) / "records") if named else None
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return Copies(cache / "ablatrix" / "records")


def digest_of_pieces(digests: Iterable[str]) -> str:
    """Return the digest of a file from the SHA-256 of each of its stretches, which its bytes determine."""
    return digest_bytes("".join(digests).encode())


def digests_of(stretches: Sequence[Stretch]) -> list[str]:
    """Return the SHA-256 of the bytes of each stretch; the hash lets threads run at once.

    Raises:
        OSError: The file cannot be read.
    """

    def digest(stretch: Stretch) -> str:
        found, left = sha256(), stretch.end - stretch.start
        buffer = memoryview(bytearray(HASHED_BYTES))
        with stretch.path.open("rb", buffering=0) as file:
            file.seek(stretch.start)
            while left and (count := file.readinto(buffer[:left])):
                found.update(buffer[:count])
                left -= count
        return found.hexdigest()

    with ThreadPoolExecutor(cores_allowed()) as threads:
        return list(threads.map(digest, stretches))


def _digest_of(blocks: Iterable[bytes]) -> str:
    found = sha256()
    for block in blocks:
        found.update(block)
    return found.hexdigest()


def _read(path: Path) -> pl.DataFrame | None:
    """Return the rows of a copy whose bytes are those that were written; remove another."""
    with contextlib.suppress(OSError, pl.exceptions.PolarsError):
        content = path.read_bytes()  # what is hashed is what is read, whatever happens to the file
        if path.stem.endswith(f"-{digest_bytes(content)}"):
            rows = pl.read_ipc(content)
            os.utime(path)  # it was used
            return rows
    with contextlib.suppress(OSError):
        path.unlink()
    _log.debug("%s: the copy is damaged or cannot be read, and was removed", path)
    return None


def _maker() -> str:
    """Return an id of what makes the rows: the code of the rooms that do, its version, and that of Polars."""
    root = Path(__file__).parents[2]
    code = {
        path.relative_to(root).as_posix(): digest_bytes(path.read_bytes())
        for pattern in MAKERS
        for path in sorted(root.glob(pattern))
    }
    return content_id({"code": code, "ablatrix": __version__, "polars": pl.__version__})
