"""Are the records valid, and are they exactly what was planned?"""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import numbered
from ablatrix.analysis.table import load_design
from ablatrix.artifact.contents.problem import Problem
from ablatrix.errors import RecordError
from ablatrix.records.model import Record
from ablatrix.records.names import DESIGN_NAME, RECORDS_NAME
from ablatrix.records.schema import LONGEST_LINE, validate_line
from ablatrix.regular_files import open_regular

SHARED_FIELDS = ("cell_id", "block_id", "mode", "role")
LINE_FIELDS = ("trial_id", "record_id", "study_digest", *SHARED_FIELDS)
NOT_SAID, NO_TEXT = object(), "\0"
SHOWN = 10  # of a long list, this many are named


def check_lines(directory: Path) -> tuple[list[Record], list[Problem]]:
    """Validate every line of the records against the schema; return the valid records, and the problems."""
    records: list[Record] = []
    problems: list[Problem] = []
    try:
        with open_regular(directory / RECORDS_NAME) as file:
            for number in count(1):
                line = file.readline(LONGEST_LINE + 1)
                if not line:
                    return records, problems
                if len(line) > LONGEST_LINE:
                    detail = f"line {number} has more than {LONGEST_LINE} bytes; it and what follows were not read"
                    return records, [*problems, Problem(RECORDS_NAME, "invalid", detail)]
                try:
                    if not line.endswith(b"\n"):
                        raise RecordError(f"line {number} is torn: it has no newline")
                    records.append(validate_line(line[:-1].decode(), f"line {number}"))
                except (RecordError, UnicodeDecodeError) as error:
                    problems.append(Problem(RECORDS_NAME, "invalid", f"{error}"))
    except OSError as error:
        problems.append(Problem(RECORDS_NAME, "unreadable", f"the records cannot be read: {error.strerror}"))
    return records, problems


def read_design(directory: Path, name: str = DESIGN_NAME) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the design as plain data; None and the problem if it cannot be read."""
    try:
        return load_design(directory / name), []
    except OSError as error:
        return None, [Problem(name, "unreadable", f"the design cannot be read: {error.strerror}")]
    except ValueError as error:
        return None, [Problem(name, "invalid", str(error))]


def lines_of(records: Sequence[Record]) -> pl.DataFrame:
    """Return what the comparison with a plan reads of each line, in the order of the records."""
    columns = {name: [getattr(record, name) for record in records] for name in (*LINE_FIELDS, "final")}
    return pl.DataFrame(columns, {**dict.fromkeys(LINE_FIELDS, pl.String()), "final": pl.Boolean()})


def check_plan(lines: pl.DataFrame, design: Mapping[str, Any]) -> list[Problem]:
    """Compare records and design: every planned trial has exactly one final record, and no other has.

    Args:
        lines: A row a line, superseded ones included, with `LINE_FIELDS` and ``final``.
        design: What was planned.
    """
    planned, names = _planned(design["trials"]), lines["trial_id"].cast(pl.String)
    # Trials by number: of a million, each join of their names takes most of a second.
    found = numbered(pl.concat([planned["trial_id"], names]).to_frame(), ["trial_id"])
    of_plan, of_line = found.numbers[: planned.height], found.numbers[planned.height :]
    is_final = lines["final"].to_numpy()
    times_planned, finals = (np.bincount(one, minlength=found.count) for one in (of_plan, of_line[is_final]))
    problems = []
    if (times_planned > 1).any():
        problems.append(Problem(DESIGN_NAME, "invalid", "a trial_id occurs twice"))
    absent = planned["trial_id"].gather(np.sort(found.first[(times_planned > 0) & (finals == 0)]))
    if len(absent):
        count = np.count_nonzero(times_planned)
        detail = f"{len(absent)} of {count} planned trials have no final record: {_some(absent)}"
        problems.append(Problem(RECORDS_NAME, "incomplete", detail))
    repeated = names.filter(pl.Series(is_final & (finals[of_line] > 1))).unique(maintain_order=True)
    if len(repeated):
        detail = f"{len(repeated)} trials have more than one final record: {_some(repeated)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    unplanned = names.filter(pl.Series(times_planned[of_line] == 0)).unique().sort()
    if len(unplanned):
        detail = f"records of {len(unplanned)} trials that were not planned: {_some(unplanned)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    ids = lines["record_id"]
    doubled = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(doubled):
        problems.append(Problem(RECORDS_NAME, "invalid", f"record ids occur twice: {_some(doubled)}"))
    last = np.full(found.count, -1)
    last[of_plan] = np.arange(planned.height)  # of several rows of one trial the last one stays
    contradicting = _contradicting(lines, planned, last[of_line], design)
    if len(contradicting):
        detail = f"{len(contradicting)} records contradict the design in study, cell, block, mode or role: "
        problems.append(Problem(RECORDS_NAME, "invalid", detail + _some(contradicting)))
    return problems


def _planned(trials: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return what a plan says of each trial, as text; null where it says nothing."""
    columns: dict[str, Any] = {"trial_id": [trial["trial_id"] for trial in trials]}
    columns |= {name: _texts([trial.get(name, NOT_SAID) for trial in trials]) for name in SHARED_FIELDS}
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.String()))


def _texts(values: list[Any]) -> list[str | None]:
    return values if {*map(type, values)} <= {str} else [_text(value) for value in values]


def _text(value: Any) -> str | None:
    """Return a value of a plan as text; what no record can have where it is none, null where the plan says nothing."""
    if value is NOT_SAID:
        return None
    return value if isinstance(value, str) else NO_TEXT


def _contradicting(
    lines: pl.DataFrame, planned: pl.DataFrame, places: NDArray[np.int64], design: Mapping[str, Any]
) -> pl.Series:
    """Return the ids of the records of planned trials that differ from what the plan says of them.

    Args:
        lines: A row a line.
        planned: What the plan says of each trial.
        places: The row of each line's trial in ``planned``; -1: it was not planned.
        design: What was planned.
    """
    there = np.flatnonzero(places >= 0)
    own, told = lines[there], planned[places[there]]
    differs = np.zeros(there.size, np.bool_)
    for name in SHARED_FIELDS:
        differs |= (told[name].is_not_null() & own[name].cast(pl.String).ne_missing(told[name])).to_numpy()
    if "study_digest" in design:
        digest = pl.Series([_text(design["study_digest"])], dtype=pl.String()).new_from_index(0, there.size)
        differs |= own["study_digest"].cast(pl.String).ne_missing(digest).to_numpy()
    return own["record_id"].filter(pl.Series(differs))


def _some(names: pl.Series) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names.head(SHOWN).to_list()) + (f" and {rest} more" if rest > 0 else "")
