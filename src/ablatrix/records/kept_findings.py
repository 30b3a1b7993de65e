"""What further searches came to, kept as small files beside the results that they are about, for the page to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ablatrix.errors import RecordError
from ablatrix.regular_files import open_regular

FINDINGS = "findings"
"""Directory of these files, beside ``results.jsonl``."""
MOST_BYTES = 1_000_000


class KeptFinding(BaseModel):
    """What one search came to.

    Attributes:
        kind: What was searched: a pass or setting, or a smaller program.
        title: One line: what it is about.
        lines: The answer, in sentences.
        command: What was run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["culprit", "reduction"]
    title: str
    lines: tuple[str, ...]
    command: str


def keep_finding(results: Path, name: str, finding: KeptFinding) -> Path:
    """Write a finding beside results; one of the same name is replaced.

    Args:
        results: Directory of results.
        name: What distinguishes it from others of its kind.
        finding: What was found.

    Raises:
        RecordError: It cannot be written.
    """
    path = results / FINDINGS / f"{finding.kind}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.json"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(finding.model_dump_json(indent=1) + "\n", encoding="utf-8")
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
                with open_regular(path) as stream:
                    found.append(KeptFinding.model_validate_json(stream.read(MOST_BYTES)))
            except (OSError, ValidationError, ValueError) as error:
                why = str(error).splitlines()[0]
                raise RecordError(f"{path}: no finding that was kept here: {why}; remove it") from None
    return found
