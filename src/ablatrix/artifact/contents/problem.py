"""One problem that verification finds, and lists of them that stay short."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["changed", "missing", "extra", "unreadable", "invalid", "incomplete", "differs"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing in an artifact that does not hold.

    Attributes:
        path: The file, relative to the artifact's directory.
        kind: ``changed``, ``missing``, ``extra``: compared with the manifest. ``unreadable``: not a plain file that
            can be read. ``invalid``: its content breaks its schema or contradicts another file.
            ``incomplete``: trials without their record. ``differs``: not what follows from the records.
        detail: What exactly, and what to do about it where that is not obvious.
    """

    path: str
    kind: Kind
    detail: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.detail}"


MOST_LISTED = 1000
LONGEST_DETAIL = 4000
"""Characters of a detail; what a stranger's file says can be as long as the file."""


class ProblemList:
    """Problems of one kind of check, of which the first `MOST_LISTED` are kept and the others counted.

    Args:
        path: The file that the rest is said of.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: list[Problem] = []
        self._more = 0

    def add(self, kind: Kind, detail: str, path: str | None = None) -> None:
        """Add a problem of a file, None being the list's own."""
        if len(self._kept) == MOST_LISTED:
            self._more += 1
            return
        cut = detail if len(detail) <= LONGEST_DETAIL else f"{detail[:LONGEST_DETAIL]}..."
        self._kept.append(Problem(self._path if path is None else path, kind, cut))

    @property
    def listed(self) -> list[Problem]:
        """Those that are kept, and one that counts the others."""
        if not self._more:
            return list(self._kept)
        return [*self._kept, Problem(self._path, "invalid", f"{self._more} more problems like these are not listed")]
