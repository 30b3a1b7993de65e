"""What further searches came to, kept as small files beside the results that they are about, for the page to show.

All kinds are kept in one form: what the search was about, its answer in sentences, and the command. A kind joins by its
name in `Kind`. One whose answer is more than sentences has a field of its own for that, as explanations have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ablatrix.errors import RecordError
from ablatrix.foreign_text import many_values
from ablatrix.records.explanation import Explanation
from ablatrix.regular_files import read_regular

FINDINGS = "findings"
"""Directory of these files, beside ``results.jsonl``."""
MOST_BYTES = 20_000_000
MOST_FAULTS = 1000  # of several, the first one is named; all of them are objects then
NONE = "no finding that was kept here"
Kind = Literal["bisect", "reduction", "explanation"]
"""What was searched: a pass or setting, a smaller program, or where a difference is from."""


class KeptFinding(BaseModel):
    """What one search came to.

    Attributes:
        kind: What was searched.
        title: One line: what it is about.
        lines: The answer, in sentences.
        command: What was run.
        explanation: Of an explanation, all of it; of other kinds None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    title: str
    lines: tuple[str, ...]
    command: str
    explanation: Explanation | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_has(self) -> Self:
        if (self.kind == "explanation") is not (self.explanation is not None):
            raise ValueError(f"a finding of kind '{self.kind}' has {'an' if self.explanation else 'no'} explanation")
        return self


def keep_finding(results: Path, name: str, finding: KeptFinding) -> Path:
    """Write a finding beside results; one of the same kind and name is replaced.

    Args:
        results: Directory of results.
        name: What distinguishes it from others of its kind: of a trial, its id.
        finding: What was found.

    Returns:
        The file.

    Raises:
        RecordError: It cannot be written.
    """
    path = results / FINDINGS / f"{finding.kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(finding_text(finding), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror}; free space, or change its rights") from None
    return path


def kept_findings(records: Iterable[Path]) -> list[KeptFinding]:
    """Return the findings that lie beside files of records, in the order of their names.

    Raises:
        RecordError: A file cannot be read, or is no finding.
    """
    found = []
    for directory in dict.fromkeys(one.parent / FINDINGS for one in records):
        for path in sorted(directory.glob("*.json")):
            try:
                found.append(read_finding(read_regular(path, MOST_BYTES)))
            except (OSError, RecordError) as error:
                why = f"{NONE}: {error.strerror}" if isinstance(error, OSError) else str(error)
                raise RecordError(f"{path}: {why}; remove it") from None
    return found


def finding_text(finding: KeptFinding) -> str:
    """Return the text of a finding's file."""
    return finding.model_dump_json(indent=1) + "\n"


def read_finding(content: bytes) -> KeptFinding:
    """Return the finding that a file has.

    Raises:
        RecordError: It has none.
    """
    if (excess := many_values(content)) is not None:
        raise RecordError(f"{NONE}: {excess}")
    try:
        return KeptFinding.model_validate_json(content)
    except ValidationError as error:
        why = error.errors()[0]["msg"] if error.error_count() <= MOST_FAULTS else f"{error.error_count()} faults"
        raise RecordError(f"{NONE}: {why}") from None
