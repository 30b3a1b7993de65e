"""One problem that verification finds."""

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
