"""Are the records valid, and are they exactly what was planned?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ablatrix.analysis.table import load_design
from ablatrix.artifact.contents.problem import Problem
from ablatrix.errors import RecordError
from ablatrix.records.model import Record
from ablatrix.records.names import DESIGN_NAME, RECORDS_NAME
from ablatrix.records.schema import validate_line

SHARED_FIELDS = ("cell_id", "block_id", "mode", "role")
SHOWN = 10  # of a long list, this many are named


class Line(Protocol):
    """The fields of a line that the comparison with a plan reads; a `Record` has them."""

    @property
    def trial_id(self) -> str: ...  # noqa: D102

    @property
    def record_id(self) -> str: ...  # noqa: D102

    @property
    def final(self) -> bool: ...  # noqa: D102

    @property
    def study_digest(self) -> str: ...  # noqa: D102


def check_lines(directory: Path) -> tuple[list[Record], list[Problem]]:
    """Validate every line of the records against the schema; return the valid records, and the problems."""
    try:
        data = (directory / RECORDS_NAME).read_bytes()
    except OSError as error:
        return [], [Problem(RECORDS_NAME, "unreadable", f"the records cannot be read: {error.strerror}")]
    records, problems = [], []
    lines = data.split(b"\n")
    if lines.pop():
        problems.append(Problem(RECORDS_NAME, "invalid", f"line {len(lines) + 1} is torn: it has no newline"))
    for number, line in enumerate(lines, 1):
        try:
            records.append(validate_line(line.decode(), f"line {number}"))
        except (RecordError, UnicodeDecodeError) as error:
            problems.append(Problem(RECORDS_NAME, "invalid", f"{error}"))
    return records, problems


def read_design(directory: Path, name: str = DESIGN_NAME) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the design as plain data; None and the problem if it cannot be read."""
    try:
        return load_design(directory / name), []
    except OSError as error:
        return None, [Problem(name, "unreadable", f"the design cannot be read: {error.strerror}")]
    except ValueError as error:
        return None, [Problem(name, "invalid", str(error))]


def check_plan(records: Sequence[Line], design: Mapping[str, Any]) -> list[Problem]:
    """Compare records and design: every planned trial has exactly one final record, and no other has."""
    planned = {trial["trial_id"]: trial for trial in design["trials"]}
    finals = Counter(record.trial_id for record in records if record.final)
    problems = []
    if len(planned) != len(design["trials"]):
        problems.append(Problem(DESIGN_NAME, "invalid", "a trial_id occurs twice"))
    absent = [trial for trial in planned if not finals[trial]]
    if absent:
        detail = f"{len(absent)} of {len(planned)} planned trials have no final record: {_some(absent)}"
        problems.append(Problem(RECORDS_NAME, "incomplete", detail))
    repeated = [trial for trial, count in finals.items() if count > 1]
    if repeated:
        detail = f"{len(repeated)} trials have more than one final record: {_some(repeated)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    unplanned = sorted({record.trial_id for record in records} - set(planned))
    if unplanned:
        detail = f"records of {len(unplanned)} trials that were not planned: {_some(unplanned)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    doubled = [name for name, count in Counter(record.record_id for record in records).items() if count > 1]
    if doubled:
        problems.append(Problem(RECORDS_NAME, "invalid", f"record ids occur twice: {_some(doubled)}"))
    contradicting = [
        record.record_id
        for record in records
        if record.trial_id in planned and not _agrees(record, planned[record.trial_id], design)
    ]
    if contradicting:
        detail = f"{len(contradicting)} records contradict the design in study, cell, block, mode or role: "
        detail += _some(contradicting)
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    return problems


def _agrees(record: Line, trial: Mapping[str, Any], design: Mapping[str, Any]) -> bool:
    return record.study_digest == design.get("study_digest", record.study_digest) and all(
        getattr(record, field) == trial.get(field, getattr(record, field)) for field in SHARED_FIELDS
    )


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
