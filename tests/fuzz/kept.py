"""What was tried already: a line for each stretch of documents, so that a later call takes the next ones."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests/fuzz")


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What became of documents of consecutive numbers.

    Attributes:
        reader: Their reader.
        first: Number of the first.
        documents: How many.
        read: How many were read, not refused.
        faults: Number -> what became of it, of each that was neither.
        slowest_s: Time of the slowest one.
        s: Time of all, making them included.
        cpu_s: Processor time of that: on a machine with other load the rest is waiting.
        code: Version of the code; see `code_version`.
    """

    reader: str
    first: int
    documents: int
    read: int
    faults: dict[int, str] = field(default_factory=dict)
    slowest_s: float
    s: float
    cpu_s: float
    code: str


class Kept:
    """A file of stretches."""

    def __init__(self, path: Path | None) -> None:
        """Read a file; None, or one that is not there, has nothing."""
        self._path = path
        self.stretches: list[Stretch] = []
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                held = json.loads(line)
                held["faults"] = {int(number): what for number, what in held["faults"].items()}
                self.stretches.append(Stretch(**held))

    def next_number(self, reader: str) -> int:
        """Return the number after the last one that a reader was given."""
        return max((one.first + one.documents for one in self.stretches if one.reader == reader), default=0)

    def add(self, stretch: Stretch) -> None:
        """Add a stretch, in the file as well."""
        self.stretches.append(stretch)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(stretch)) + "\n")


@dataclass(frozen=True, kw_only=True)
class Total:
    """What became of all documents of a reader that a file of stretches has.

    Attributes:
        documents: How many.
        read: How many were read.
        faults: How many were neither read nor refused, and still are not.
        kinds: How many kinds of these there are.
        mended: How many were neither, and are now.
        slowest_s: Time of the slowest one.
        s: Time of all.
        cpu_s: Processor time of that.
    """

    documents: int
    read: int
    faults: int
    kinds: int
    mended: int
    slowest_s: float
    s: float
    cpu_s: float


def totals(stretches: list[Stretch], mended: Collection[tuple[str, int]] = ()) -> dict[str, Total]:
    """Return what became of the documents of each reader, given those (by reader and number) that are mended."""
    of_reader: dict[str, list[Stretch]] = defaultdict(list)
    for one in stretches:
        of_reader[one.reader].append(one)
    return {
        reader: Total(
            documents=sum(one.documents for one in held),
            read=sum(one.read for one in held),
            faults=len(left := _left(held, mended)),
            kinds=len({kind_of(what) for what in left}),
            mended=sum(len(one.faults) for one in held) - len(left),
            slowest_s=round(max(one.slowest_s for one in held), 3),
            s=round(sum(one.s for one in held), 1),
            cpu_s=round(sum(one.cpu_s for one in held), 1),
        )
        for reader, held in of_reader.items()
    }


def _left(held: list[Stretch], mended: Collection[tuple[str, int]]) -> list[str]:
    return [what for one in held for number, what in one.faults.items() if (one.reader, number) not in mended]


def kind_of(what: str) -> str:
    """Return what faults of one kind have in common: the end of their traceback."""
    lines = what.strip().splitlines()
    places = [line.strip() for line in lines if line.startswith("  File ")]
    return "\n".join([*places[-1:], lines[-1].partition(":")[0]])


def code_version() -> str:
    """Return the commit, and a digest of product and generator where they are not as committed."""
    version = _git("rev-parse", "--short=12", "HEAD") or "no commit"
    if not _git("status", "--porcelain", "--", *FOLDERS):
        return version
    digest = hashlib.sha256()
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return f"{version}+{digest.hexdigest()[:8]}"


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()
